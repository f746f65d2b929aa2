"""The table of all pages and their states: what axe looks at, and what `manage.py screenshots` takes pictures of.

A new page is one line in STATES; a state that is reached by doing something names what is done.
"""

import re
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote

from playwright.sync_api import Page, expect

from tests.browser.pages.seed_jobs import CLAUDE, NOVA

CSV = b"id,review\n" + b"".join(b"r-%d,The kettle boils %d times.\n" % (number, number) for number in range(120))
WIDE = "name.created.status.model.progress.cost.by.input.output.job_id"
JOBS, JOB, CREATE = "/local/jobs/", "/local/jobs/{%s}/", "/local/jobs/create/"
FILLED = f"{CREATE}?model_id={NOVA}&model_invocation_type=Converse&input_s3_uri=s3://{{bucket}}/"
# All but the first five operations of each group, the one that is opened, and the first five schemas.
OPERATIONS = ".stack > :is(details, [id^=schema-]):nth-child(n+6):not([open])"
ON_DEMAND = f"{FILLED.replace(CREATE, CREATE.replace('create', 'on-demand'))}input/"


class State(NamedTuple):
    """One page in one state. *path* is filled in with what the seed made; *do* is what a person does there then.

    What *repeats* selects is of the same template as what is left beside it, and axe looks at the page without it.
    """

    name: str
    path: str
    do: Callable[[Page], object] | None = None
    is_signed_in: bool = True
    has_script: bool = True
    has_connections: bool = True
    http_status: int = 200
    repeats: str = ""


def press(name: str, *, role: str = "button", then: str = "dialog") -> Callable[[Page], object]:
    """Press the first button of that name, and wait until a *then* is there."""

    def do(page: Page) -> None:
        page.get_by_role(role, name=name).first.click()  # type: ignore[arg-type] # one of Playwright's literals
        page.get_by_role(then).last.wait_for()  # type: ignore[arg-type] # as above

    return do


def open_menu(name: str) -> Callable[[Page], object]:
    return lambda page: page.locator("summary", has_text=name).first.click()


def open_user_menu(page: Page) -> None:
    page.get_by_label("User menu").click()


def show_shortcuts(page: Page) -> None:
    open_user_menu(page)
    press("Keyboard shortcuts")(page)


def show_navigation_and_help(page: Page) -> None:
    page.get_by_role("button", name="Open help panel").click()


def select_jobs(page: Page) -> None:
    for number in (0, 2, 3):
        page.locator("tbody input[type=checkbox]").nth(number).check()


def stop_selected(page: Page) -> None:
    select_jobs(page)
    press("Stop job")(page)


def say_nothing_is_selected(page: Page) -> None:
    expect(page.locator(".flash")).to_be_visible()


def submit_empty(page: Page) -> None:
    page.get_by_text("Additional settings").click()
    page.locator("#id_timeout_duration_in_hours").fill("1")
    page.locator("#id_tags-0-value").fill("no key")
    page.get_by_role("button", name="Create batch inference job").click()
    expect(page).to_have_title("Error: Create batch inference job | Batch Console")


def open_all_sections(page: Page) -> None:
    sections = "Compare with other models", "Customize encryption settings", "Additional settings"
    for words in (*sections, "Enter a role ARN instead"):
        page.get_by_text(words).first.click()
    page.get_by_text("Equivalent AWS CLI command").click()
    page.get_by_role("button", name="Refresh models").wait_for()
    page.get_by_role("button", name="Refresh security groups").wait_for()


def ask_for_a_new_role(page: Page) -> None:
    page.get_by_label("Create and use a new service role").check()
    page.get_by_role("button", name="View permissions").click()
    page.locator("#role-permissions").wait_for()


def browse_folder(page: Page) -> None:
    press("Browse S3", then="table")(page)
    page.get_by_role("dialog").get_by_role("link", name="prompts-").first.click()
    page.get_by_role("dialog").get_by_role("radio").first.check()


def leave_half_done(page: Page) -> None:
    page.locator("#id_job_name").fill("half-done")
    press("Cancel", role="link")(page)


def check_nothing(page: Page) -> None:
    page.get_by_role("button", name="Check input").click()
    page.get_by_text("The input cannot be checked yet").wait_for()


def choose_a_file(page: Page) -> None:
    page.set_input_files("#id_file", {"name": "reviews.csv", "mimeType": "text/csv", "buffer": CSV})
    expect(page.locator(".making-look")).to_contain_text("CSV with 2 columns")
    expect(page.locator("#making-preview")).to_contain_text("The kettle boils 0 times.")
    page.locator("[name=answer_format][value=fields]").check()
    expect(page.locator(".answer-fields input").first).to_be_visible()


def merge_nothing(page: Page) -> None:
    page.get_by_role("button", name="Merge files").click()
    page.get_by_text("The files were not merged").wait_for()


def make_nothing(page: Page) -> None:
    page.get_by_role("button", name="Write to S3").click()
    page.get_by_role("alert").or_(page.locator(".alert, .field-error")).first.wait_for()


def edit_tags(page: Page) -> None:
    page.get_by_role("link", name="Manage tags").click()
    page.get_by_role("button", name="Add new tag").wait_for()


def save_wrong_tags(page: Page) -> None:
    edit_tags(page)
    page.get_by_role("button", name="Remove team").first.click()
    for key in ("aws:team", "cost-centre-1"):
        page.get_by_role("button", name="Add new tag").click()
        page.keyboard.type(key)
    page.get_by_role("button", name="Save changes").click()
    page.locator(".field-error").first.wait_for()


def pick_other_jobs(page: Page) -> None:
    page.get_by_role("checkbox", name="support-triage").check()
    page.get_by_label("Find jobs by name or ARN").press_sequentially("weekly")
    expect(page.locator("#live-status")).to_have_text("30 matches, the newest 20 are shown")
    page.get_by_role("checkbox", name="weekly-review-29").check()


def resend_nothing(page: Page) -> None:
    while page.locator("main :checked").count():
        page.locator("main :checked").first.uncheck()
    page.get_by_role("button", name="Make new input").click()
    page.locator(".alert, .field-error").first.wait_for()


def sign_in_wrongly(page: Page) -> None:
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.locator(".alert, .flash").first.wait_for()


def look_otherwise(page: Page) -> None:
    look = {"table": "one-line.striped.sticky", "widths": "name-150.status-200.model-100.created-300", "columns": WIDE}
    page.context.add_cookies([{"name": f"console-{name}", "value": look[name], "url": page.url} for name in look])
    page.reload()
    page.get_by_role("checkbox", name="Select job nightly-queued").check()


def sign_in_locked_out(page: Page) -> None:
    """As the person whom the seed has locked out."""
    page.get_by_label("User name").fill("grace")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("heading", name="Too many attempts").wait_for()


def upload_again(page: Page) -> None:
    page.set_input_files("#id_file", {"name": "records.jsonl", "mimeType": "text/plain", "buffer": b"{}"})
    page.get_by_role("button", name="Upload files").click()
    page.get_by_text("records.jsonl exists already").wait_for()


def choose_this_folder(page: Page) -> None:
    press("Browse S3", then="table")(page)
    page.get_by_label("This folder").check()
    page.get_by_text("2 .jsonl files").wait_for()


def make_mistakes(page: Page) -> None:
    """Places, a role and tags that cannot be, and a warning beside them."""
    page.locator("#id_job_name").fill("nightly batch")
    page.locator("#id_model_id").fill("anthropic.claude-opus-4-8")
    page.locator("#id_output_s3_uri").fill(page.locator("#id_input_s3_uri").input_value())
    page.locator("#id_output_s3_uri").press("Tab")
    page.get_by_text("This folder is inside the input folder").wait_for()
    page.locator("#id_input_s3_uri").fill("s3://no-such-bucket-here/")
    page.locator("#id_input_s3_uri").press("Tab")
    page.get_by_text("does not exist").wait_for()


def lose_the_server(page: Page) -> None:
    page.route("**/local/jobs/**", lambda route: route.abort())
    page.get_by_role("button", name="Refresh").click()
    page.locator("summary", has_text="Could not refresh").click()
    page.get_by_role("link", name=re.compile("^Failed")).click()
    page.get_by_role("alert").wait_for()


def s3(uri: str, page: str = "") -> str:
    return f"/local/s3/{page}?uri={quote(uri, safe='{}:/')}"


STATES = [
    # The overview
    State("overview", "/local/"),
    State("overview-empty", "/new/"),
    State("overview-connection-down", "/away/"),
    # The job list
    State("job-list", JOBS),
    State("job-list-half-a-filter", "/local/jobs/?q=Status+%3D"),
    State("job-list-selected", JOBS, select_jobs),
    State("user-menu", "/help/job-list/", open_user_menu),  # nothing lies half under it, which would make small targets
    State("job-list-views", JOBS, open_menu("Views")),
    State("job-list-help", JOBS, show_navigation_and_help),
    State("job-list-shortcuts", JOBS, show_shortcuts),
    State("job-list-preferences", JOBS, press("Table preferences", role="link")),
    State("job-list-stop", JOBS, stop_selected),
    State("job-list-message", "/local/jobs/stop/", say_nothing_is_selected),
    State("job-list-all-states", f"{JOBS}?q=nightly-&page_size=20"),
    State("job-list-look", f"{JOBS}?q=nightly-", look_otherwise),
    State("job-list-filtered", f"{JOBS}?f=status%3DFailed&f=name%3Anightly&join=any"),
    State("job-list-failed", f"{JOBS}?status=failed"),
    State("job-list-no-match", f"{JOBS}?q=nothing"),
    State("job-list-empty", "/new/jobs/"),
    State("job-list-connection-down", "/away/jobs/"),
    State("job-list-server-gone", JOBS, lose_the_server),
    State("job-list-no-script", JOBS, has_script=False),
    State("job-columns", "/local/jobs/columns/"),
    State("bulk-action", "/local/bulk-actions/{bulk}/"),
    State("bulk-action-list", "/local/bulk-actions/"),
    State("bulk-action-list-empty", "/new/bulk-actions/"),
    State("bulk-action-cut-short", "/local/bulk-actions/{bulk-cut-short}/"),
    State("bulk-action-running", "/local/bulk-actions/{bulk-running}/"),
    State("job-stop-selected", "/local/jobs/stop/?job={InProgress}&job={Queued}&job={Completed}"),
    State("job-tag-selected", "/local/jobs/tag/?job={InProgress}&job={Queued}&job={Completed}"),
    State("job-clone-selected", "/local/jobs/clone/?job={InProgress}&job={Queued}&job={Completed}"),
    State("job-compare", "/local/jobs/compare/?job={InProgress}&job={long}"),
    State("job-templates", "/local/job-templates/"),
    State("job-templates-empty", "/new/job-templates/"),
    State("job-template-save", f"{JOB % 'Completed'}template/"),
    # A job
    State("job-completed", JOB % "Completed"),
    State("job-running", JOB % "InProgress"),
    State("job-queued", JOB % "Queued"),
    State("job-failed", JOB % "Failed"),
    State("job-long", JOB % "long"),
    State("job-actions", JOB % "InProgress", open_menu("Actions")),
    State("job-stop-dialog", JOB % "InProgress", press("Stop job", role="link")),
    State("job-stop", f"{JOB % 'long'}stop/"),
    State("job-check", f"{JOB % 'refused'}?tab=check"),
    State("job-being-checked", f"{JOB % 'being-checked'}?tab=check"),
    State("job-results", f"{JOB % 'results'}?tab=results"),
    State("job-results-errors", f"{JOB % 'results'}?tab=results&only=errors"),
    State("job-results-typed", f"{JOB % 'typed'}?tab=results"),
    State("job-results-no-match", f"{JOB % 'results'}?tab=results&find=nobody"),
    State("job-results-download", f"{JOB % 'results'}?tab=results", open_menu("Download")),
    State("job-results-unanswered", f"{JOB % 'half-way'}?tab=results&only=unanswered"),
    State("job-results-pending", f"{JOB % 'pending'}?tab=results"),
    State("job-results-failed", f"{JOB % 'unread'}?tab=results"),
    State("job-results-none", f"{JOB % 'none'}?tab=results"),
    State("job-results-not-yet", f"{JOB % 'InProgress'}?tab=results"),
    State("job-record", f"{JOB % 'results'}?tab=results", press("Raw JSON", role="link")),
    State("job-record-page", f"{JOB % 'results'}records/49/"),
    State("job-errors", f"{JOB % 'results'}?tab=errors"),
    State("job-errors-none", f"{JOB % 'InProgress'}?tab=errors"),
    State("job-activity", f"{JOB % 'Completed'}?tab=activity"),
    State("job-definition", f"{JOB % 'long'}?tab=definition"),
    State("job-tags", f"{JOB % 'long'}?tab=tags"),
    State("job-tags-none", f"{JOB % 'Completed'}?tab=tags"),
    State("job-tags-edit", f"{JOB % 'half-way-again'}?tab=tags", edit_tags),
    State("job-tags-errors", f"{JOB % 'tagged'}?tab=tags", save_wrong_tags),
    State("job-tags-page", f"{JOB % 'half-way-again'}tags/"),
    State("job-tags-refused", f"{JOB % 'long'}tags/"),
    State("job-resend", f"{JOB % 'half-way'}resend/"),
    State("job-resend-merged", f"{JOB % 'half-way'}resend/", pick_other_jobs),
    State("job-resend-error", f"{JOB % 'half-way'}resend/", resend_nothing),
    State("on-demand", f"{ON_DEMAND}&output_s3_uri=s3://{{bucket}}/output/&job_name=few&records=5"),
    State("job-take-over", f"{JOB % 'InProgress'}on-demand/"),
    State("job-no-script", JOB % "InProgress", has_script=False),
    # Creating one
    State("create", CREATE),
    State("create-errors", CREATE, submit_empty),
    State("create-clone", f"{CREATE}?clone={{long}}"),
    State("create-open", f"{FILLED}input/", open_all_sections),
    State("create-new-role", f"{FILLED}input/&output_s3_uri=s3://{{bucket}}/output/", ask_for_a_new_role),
    State("create-models", CREATE, press("Select model", then="table")),
    State("create-buckets", CREATE, press("Browse S3", then="table")),
    State("create-objects", CREATE, browse_folder),
    State("create-objects-marked", f"{CREATE}?input_s3_uri=s3://{{bucket}}/mixed/", choose_this_folder),
    State("create-mistakes", f"{CREATE}?input_s3_uri=s3://{{bucket}}/mixed/", make_mistakes),
    State("create-leave", CREATE, leave_half_done),
    State("create-check-nothing", CREATE, check_nothing),
    State("create-connection-down", "/away/jobs/create/"),
    State("create-no-script", CREATE, has_script=False),
    State("input-check", "/local/input-checks/{check}/"),
    State("input-check-running", "/local/input-checks/{check-running}/"),
    State("job-filter", "/local/jobs/filter/?property=status"),
    State("job-filter-wrong", "/local/jobs/filter/?property=cost&operator=%3E%3D&value=much"),
    # Making input
    State("making", "/local/input/new/"),
    State("making-file", "/local/input/new/", choose_a_file),
    State("making-errors", "/local/input/new/", make_nothing),
    State("making-running", "/local/input/{making}/"),
    State("making-failed", "/local/input/{making-failed}/"),
    State("making-several", "/local/input/several/?made={making}&made={making-failed}"),
    State("templates", "/local/input/templates/"),
    State("template", "/local/input/templates/{template}/"),
    State("template-used", "/local/input/new/?template={template-version}"),
    State("template-delete", "/local/input/templates/{template}/delete/"),
    State("merge", "/local/input/merge/?folder=s3://{bucket}/input/"),
    State("merge-errors", "/local/input/merge/?folder=s3://{bucket}/input/", merge_nothing),
    State("split-offer", "/local/jobs/{split-rejected}/"),
    State("split-offer-in-form", "/local/jobs/create/?correct={split-rejected}&input_check={split-check}"),
    State("split-running", "/local/splits/{split-running}/"),
    State("split-failed", "/local/splits/{split-failed}/"),
    State("split", "/local/splits/{split}/"),
    State("comparison", "/local/comparisons/{comparison}/"),
    State("comparison-list", "/local/comparisons/"),
    # S3, models, usage
    State("s3-buckets", "/local/s3/"),
    State("s3-objects", s3("s3://{bucket}/")),
    State("s3-upload", f"{s3('s3://{bucket}/')}&add=upload"),
    State("s3-upload-refused", f"{s3('s3://{bucket}/input/')}&add=upload", upload_again),
    State("s3-folder", f"{s3('s3://{bucket}/')}&add=folder"),
    State("s3-many", s3("s3://{bucket}/many/")),
    State("s3-no-match", "/local/s3/?uri=s3://{bucket}/&find=nothing"),
    State("s3-missing", s3("s3://no-such-bucket-here/")),
    State("s3-connection-down", "/away/s3/"),
    State("s3-object", s3("s3://{bucket}/bad/records.jsonl", "object/")),
    State("s3-object-text", s3("s3://{bucket}/notes.txt", "object/")),
    State("s3-version", f"{s3('s3://{kept}/records.jsonl', 'object/')}&versions=1&version={{version}}"),
    State("s3-versions", f"{s3('s3://{kept}/records.jsonl', 'object/')}&versions=1"),
    State("s3-version-delete", f"{s3('s3://{kept}/records.jsonl', 'object/delete/')}&version={{version}}"),
    State("s3-version-restore", f"{s3('s3://{kept}/records.jsonl', 'object/restore/')}&version={{version}}"),
    State("s3-deleted", s3("s3://{kept}/gone.jsonl", "object/"), http_status=404),
    State("s3-object-missing", s3("s3://{bucket}/gone.jsonl", "object/"), http_status=404),
    State("models", "/local/models/"),
    State("models-sorted", "/local/models/?provider=Anthropic&batch=1&sort=-input_price"),
    State("models-no-match", "/local/models/?find=nothing"),
    State("models-connection-down", "/away/models/"),
    State("model", f"/local/models/{CLAUDE}/"),
    State("usage", "/local/usage/"),
    State("programs", "/local/programs/"),
    State("api-docs", "/api/v1/docs", lambda page: page.locator("#create_job > summary").click(), repeats=OPERATIONS),
    State("usage-by-tag", "/local/usage/?group=tag", open_menu("Chart data")),
    State("usage-year", "/local/usage/?range=12m&group=person"),
    State("usage-empty", "/new/usage/"),
    # What belongs to no connection
    State("activity", "/activity/"),
    State("activity-no-match", "/activity/?verb=role_created"),
    State("preferences", "/preferences/"),
    State("help", "/help/job-list/"),
    State("no-connection", "/", has_connections=False),
    State("account", "/account/"),
    State("password", "/account/password/"),
    State("factors", "/account/factors/"),
    State("factors-app", "/account/factors/app/"),
    State("sessions", "/account/sessions/"),
    State("api-keys", "/account/keys/"),
    State("api-key-create", "/account/keys/create/"),
    State("notifications", "/account/notifications/"),
    State("notification-create", "/account/notifications/create/"),
    State("notification-channel", "/local/notifications/{channel}/"),
    State("notification-deliveries", "/local/notifications/deliveries/"),
    State("schedules", "/local/schedules/"),
    State("schedules-empty", "/away/schedules/"),
    State("schedule", "/local/schedules/{schedule}/"),
    State("schedule-files", "/local/schedules/{folder}/"),
    State("schedule-create", "/local/schedules/create/"),
    State("password-reset", "/account/password/reset/", is_signed_in=False),
    State("login", "/login/", is_signed_in=False),
    State("login-error", "/login/", sign_in_wrongly, is_signed_in=False),
    State("login-locked", "/login/", sign_in_locked_out, is_signed_in=False),
    State("admin", "/admin/"),
    State("admin-jobs", "/admin/jobs/batchjob/?p=2"),  # the last page, which has fewer rows
    State("admin-connection", "/admin/jobs/connection/add/"),
    State("admin-user", "/admin/auth/user/{colleague}/change/"),
    State("admin-work", "/admin/work/"),
    State("admin-retention", "/admin/retention/"),
    State("admin-price-import", "/admin/jobs/modelprice/import/"),
    State("not-found", "/nowhere/jobs/", http_status=404),
    State("bad-request", "/raises/bad-request/", http_status=400),
    State("no-permission", "/raises/no-permission/", http_status=403),
    State("server-error", "/raises/server-error/", http_status=500),
]
