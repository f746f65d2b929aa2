"""The pages as people meet them: look, keyboard, updates in place, narrow screens, no script, and what axe finds."""

import re
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone
from playwright.sync_api import Dialog, Locator, Page, Route, expect

from batchconsole.jobs.models import BatchJob
from batchconsole.jobs.states import Status
from tests.browser.conftest import MakeJob, Open, faults, let_time_pass

JOBS = "/local/jobs/"
LONG = "a-name-" * 8 + "ending"
SECOND = "One of these errors is about a very long message. " * 6


@pytest.fixture
def many(make_job: MakeJob) -> BatchJob:
    """Jobs of every kind, the last one running."""
    for status in Status.values:
        make_job(f"job-{status.lower()}", status, message=SECOND if status == "Failed" else "")
    make_job(LONG, total_record_count=50_000, processed_record_count=50_000, error_record_count=49_000)
    tags = [{"key": f"key-{number}", "value": "value"} for number in range(50)]
    running = make_job(
        "running",
        "InProgress",
        total_record_count=1000,
        processed_record_count=360,
        error_record_count=4,
        tags=tags,
        created_at=timezone.now() + timedelta(seconds=1),
    )
    running.record("created", actor=running.created_by, to_status="Queued")
    return running


# Stands for the browser's own notifications, which a headless one does not show.
SPY = """() => {
  window.asked = 0;
  window.told = [];
  window.Notification = class extends EventTarget {
    static permission = "default";
    static async requestPermission() { window.asked += 1; return "granted"; }
    constructor(title) { super(); window.told.push(title); }
  };
}"""


def row(page: Page, name: str) -> str:
    return page.locator("tr", has=page.get_by_role("link", name=name, exact=True)).inner_text()


def find_field(page: Page) -> Locator:
    return page.get_by_label("Find jobs")


def test_rows_follow_their_jobs_and_keep_the_place(open_page: Open, many: BatchJob) -> None:
    page = open_page(JOBS, has_clock=True)
    box = page.get_by_role("checkbox", name="Select job running")
    box.check()
    many.transition(Status.COMPLETED, verb="reported", processed_record_count=1000)
    let_time_pass(page)
    expect(page.locator(f"#job-{many.pk}")).to_contain_text("Completed")
    expect(page.locator(f"#job-{many.pk}")).to_contain_text("1,000 of 1,000")
    expect(box).to_be_checked()
    expect(box).to_be_focused()
    expect(page.locator("#live-status")).to_contain_text("running: Completed")


def test_a_new_job_appears_without_a_reload(open_page: Open, many: BatchJob, make_job: MakeJob) -> None:
    page = open_page(JOBS, has_clock=True)
    page.evaluate("window.stays = true")
    make_job("new-one", created_at=timezone.now() + timedelta(seconds=5))
    let_time_pass(page)
    expect(page.get_by_role("link", name="new-one")).to_be_visible()
    assert page.evaluate("window.stays")


def test_a_list_in_which_nothing_runs_sees_new_jobs_within_seconds(open_page: Open, make_job: MakeJob) -> None:
    make_job()
    page = open_page(JOBS, has_clock=True)
    for name in ("one", "another"):
        make_job(name, created_at=timezone.now() + timedelta(seconds=5)).record("created")
        let_time_pass(page)
        expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()


def test_whoever_watches_a_job_is_notified_once_of_its_end(open_page: Open, many: BatchJob) -> None:
    page = open_page(many.get_absolute_url(), has_clock=True)
    page.evaluate(SPY)
    assert page.evaluate("[window.asked, window.told]") == [0, []]
    page.get_by_role("button", name="Notify me when it ends").click()
    expect(page.get_by_role("button", name="Don't notify me")).to_be_visible()
    many.transition(Status.COMPLETED, verb="reported")
    let_time_pass(page)
    expect(page.locator(".key-values .status-indicator").first).to_contain_text("Completed")
    assert page.evaluate("[window.asked, window.told]") == [1, ["running has ended"]]


def test_an_open_menu_stays_open_through_an_update(open_page: Open, many: BatchJob) -> None:
    page = open_page(many.get_absolute_url(), has_clock=True)
    page.get_by_text("Actions", exact=True).click()
    many.transition(Status.COMPLETED, verb="reported")
    let_time_pass(page)
    expect(page.locator(".key-values .status-indicator").first).to_contain_text("Completed")
    expect(page.get_by_role("link", name="Clone")).to_be_visible()
    expect(page).to_have_title(re.compile("^running: Completed"))


def test_updates_can_be_paused(open_page: Open, many: BatchJob) -> None:
    page = open_page(JOBS, has_clock=True)
    page.get_by_role("button", name="Pause updates").click()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    let_time_pass(page)
    let_time_pass(page)
    assert asked == []
    page.get_by_role("button", name="Refresh").click()
    expect(page.locator("#live-status")).to_contain_text("Refreshed. Last updated")


def test_a_server_that_is_away_is_said_beside_the_button(open_page: Open, many: BatchJob) -> None:
    page = open_page(JOBS)
    page.route("**/local/jobs/**", lambda route: route.abort())
    page.get_by_role("button", name="Refresh").click()
    page.locator("summary", has_text="Could not refresh").click()
    expect(page.locator(".popover-content", has_text="Showing the last known data.")).to_be_visible()
    expect(page.locator("#job-list tbody tr")).to_have_count(18)


def test_what_could_not_be_loaded_is_asked_for_again(open_page: Open, many: BatchJob) -> None:
    page = open_page(JOBS)
    page.route("**/local/jobs/?status=failed", lambda route: route.abort())
    page.get_by_role("link", name=re.compile("^Failed")).click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("The console does not answer")
    page.unroute("**/local/jobs/?status=failed")
    alert.get_by_role("button", name="Retry").click()
    page.wait_for_url("**?status=failed")
    expect(alert).to_have_count(0)
    expect(page.locator("#live-status")).to_have_text("4 matches. Displaying items 1 to 4 of 4")


def test_a_session_that_ended_leads_to_the_sign_in_page(open_page: Open, many: BatchJob) -> None:
    page = open_page(JOBS)
    page.context.clear_cookies()
    page.get_by_role("button", name="Refresh").click()
    page.wait_for_url("**/login/?next=/local/jobs/")


def test_typing_filters_in_place_and_the_address_follows(open_page: Open, many: BatchJob) -> None:
    page = open_page(JOBS)
    field = find_field(page)
    field.press_sequentially("runn")
    page.wait_for_url(f"**{JOBS}?q=runn")
    expect(page.locator("#job-list tbody tr")).to_have_count(1)
    expect(field).to_be_focused()
    matches, button = page.locator("#job-list-matches"), page.locator("#add-filter")
    expect(matches).to_have_text("1 match")
    left, right = button.bounding_box(), matches.bounding_box()
    assert left
    assert right
    assert left["x"] + left["width"] <= right["x"]
    page.go_back()
    expect(page.locator("#job-list tbody tr")).to_have_count(18)
    expect(field).to_have_value("")


def test_the_text_of_the_filter_is_cleared_and_its_tokens_stay(open_page: Open, many: BatchJob) -> None:
    page = open_page(f"{JOBS}?q=job-f&f=status%3DFailed")
    page.get_by_role("link", name="Clear the text of the filter").click()
    page.wait_for_url("**?f=status%3DFailed")
    expect(find_field(page)).to_have_value("")
    expect(page.get_by_role("link", name="Remove filter Status equals Failed")).to_be_visible()


def test_sorting_and_status_are_links_that_load_in_place(open_page: Open, many: BatchJob) -> None:
    page = open_page(JOBS)
    page.evaluate("window.stays = true")
    page.get_by_role("link", name=re.compile("^Failed")).click()
    page.wait_for_url("**?status=failed")
    page.get_by_role("link", name=re.compile("^Job name")).click()
    page.wait_for_url("**?status=failed&sort=name")
    expect(page.locator("#job-list tbody th").first).to_have_text("job-expired")
    expect(page.get_by_role("link", name=re.compile("^Job name"))).to_be_focused()
    assert page.evaluate("window.stays")


def test_the_focus_stays_nearby_when_what_was_pressed_is_gone(open_page: Open, many: BatchJob) -> None:
    page = open_page(f"{JOBS}?page_size=10&f=origin%3Dconsole")
    page.get_by_role("link", name="Next page").press("Enter")
    expect(page.get_by_role("link", name="Previous page")).to_be_focused()
    page.get_by_role("link", name="Remove filter").press("Enter")
    page.wait_for_url("**?page_size=10")
    expect(find_field(page)).to_be_focused()


def test_a_filter_is_typed_shown_as_a_token_and_taken_away(open_page: Open, many: BatchJob) -> None:
    page = open_page(JOBS)
    field = find_field(page)
    field.press_sequentially("Status = Failed")
    page.wait_for_timeout(500)
    assert page.url.endswith(JOBS)
    page.keyboard.press("Enter")
    page.wait_for_url("**?f=status%3DFailed")
    expect(page.locator("#job-list tbody tr")).to_have_count(1)
    expect(field).to_have_value("")
    page.get_by_role("link", name="Remove filter Status equals Failed").click()
    expect(page.locator("#job-list tbody tr")).to_have_count(18)


def test_shift_sorts_by_one_more_column(open_page: Open, many: BatchJob) -> None:
    page = open_page(JOBS)
    page.get_by_role("link", name=re.compile("^Status")).click()
    page.wait_for_url("**?sort=status")
    page.get_by_role("link", name=re.compile("^Job name")).click(modifiers=["Shift"])
    page.wait_for_url("**?sort=status,name")


def test_columns_are_chosen_in_a_dialog(open_page: Open, many: BatchJob) -> None:
    page = open_page(JOBS)
    page.get_by_role("link", name="Table preferences").click()
    dialog = page.get_by_role("dialog", name="Table preferences")
    dialog.get_by_role("checkbox", name="Cost").check()
    dialog.get_by_role("checkbox", name="Age").uncheck()
    dialog.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("columnheader", name="Cost")).to_be_visible()
    expect(page.get_by_role("columnheader", name="Age", exact=True)).to_have_count(0)


def test_a_view_is_saved_and_opened_again(open_page: Open, many: BatchJob) -> None:
    page = open_page(f"{JOBS}?status=failed")
    page.locator("summary", has_text="Views").click()
    page.get_by_label("Save this view as").fill("Broken")
    page.get_by_role("button", name="Save").click()
    page.goto(JOBS)
    page.locator("summary", has_text="Views").click()
    page.get_by_role("link", name="Broken", exact=True).click()
    page.wait_for_url("**?status=failed")


def test_a_sort_drops_the_selection(open_page: Open, many: BatchJob) -> None:
    page = open_page(JOBS)
    page.get_by_role("checkbox", name="Select job running").check()
    expect(page.locator("h1")).to_contain_text("(1/18)")
    page.get_by_role("link", name=re.compile("^Job name")).click()
    expect(page.locator("h1")).to_contain_text("(18)")
    expect(page.locator("tbody :checked")).to_have_count(0)


def test_shift_selects_a_range_and_the_header_all(open_page: Open, many: BatchJob) -> None:
    page = open_page(JOBS)
    boxes = page.locator("tbody input[type=checkbox]")
    boxes.nth(1).click()
    boxes.nth(4).click(modifiers=["Shift"])
    expect(page.locator("tbody :checked")).to_have_count(4)
    page.get_by_role("checkbox", name="Select all").click()
    expect(page.locator("tbody :checked")).to_have_count(18)


def test_stopping_asks_in_a_dialog_and_tells_the_outcome(open_page: Open, many: BatchJob) -> None:
    page = open_page(JOBS)
    stop = page.get_by_role("button", name="Stop job")
    expect(stop).to_have_attribute("aria-disabled", "true")
    page.get_by_role("checkbox", name="Select job job-queued").check()
    stop.click()
    dialog = page.get_by_role("dialog", name="Stop job")
    expect(dialog).to_contain_text("Stop job job-queued?")
    dialog.get_by_role("button", name="Stop", exact=True).click()
    expect(page.locator(".flash")).to_contain_text("The job job-queued was cancelled.")
    expect(page.locator(".flash")).to_be_focused()
    assert "Cancelled" in row(page, "job-queued")


def test_escape_leaves_the_dialog_and_the_focus_returns(open_page: Open, many: BatchJob) -> None:
    page = open_page(many.get_absolute_url())
    stop = page.get_by_role("link", name="Stop job")
    stop.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(stop).to_be_focused()


def test_dismissing_the_last_message_focuses_the_heading(open_page: Open, many: BatchJob) -> None:
    page = open_page("/local/jobs/stop/")
    page.get_by_role("button", name=re.compile("^Dismiss")).click()
    expect(page.locator(".flash")).to_have_count(0)
    expect(page.locator("h1")).to_be_focused()


def test_tabs_load_in_place_and_are_addresses(open_page: Open, many: BatchJob) -> None:
    page = open_page(many.get_absolute_url())
    page.evaluate("window.stays = true")
    page.get_by_role("link", name="Definition", exact=True).click()
    page.wait_for_url("**?tab=definition")
    expect(page.get_by_label("AWS CLI", exact=True)).to_contain_text("aws bedrock create-model-invocation-job")
    page.go_back()
    expect(page.get_by_role("list", name="Stages")).to_be_visible()
    assert page.evaluate("window.stays")


def test_a_tab_that_is_slow_to_come_is_not_overtaken_by_an_update(open_page: Open, many: BatchJob) -> None:
    page = open_page(many.get_absolute_url(), has_clock=True)
    held: list[Route] = []
    page.route("**?tab=tags", lambda route: held.append(route))
    page.get_by_role("link", name="Tags", exact=True).click()
    page.clock.fast_forward("00:10")
    held[0].continue_()
    expect(page.get_by_role("heading", name="Tags (50)")).to_be_visible()


def test_an_info_link_opens_its_topic_beside_the_page(open_page: Open, many: BatchJob) -> None:
    page = open_page(JOBS)
    page.get_by_role("link", name="Info Batch inference jobs").click()
    expect(page.get_by_role("complementary", name="Help panel")).to_contain_text("A batch inference job sends")
    page.get_by_role("button", name="Close help panel").click()
    expect(page.get_by_role("button", name="Open help panel")).to_be_focused()


def test_panels_are_remembered_from_page_to_page(open_page: Open, many: BatchJob) -> None:
    page = open_page(JOBS)
    page.get_by_role("button", name="Close side navigation").click()
    page.reload()
    expect(page.get_by_role("navigation", name="Side navigation")).to_be_hidden()
    page.get_by_role("button", name="Open side navigation").click()
    expect(page.get_by_role("navigation", name="Side navigation")).to_be_visible()


def test_on_a_phone_the_navigation_covers_the_page_until_it_is_closed(open_page: Open, many: BatchJob) -> None:
    page = open_page(JOBS, viewport={"width": 400, "height": 800})
    navigation = page.get_by_role("navigation", name="Side navigation")
    expect(navigation).to_be_hidden()
    page.get_by_role("button", name="Open side navigation").click()
    expect(navigation).to_be_visible()
    page.keyboard.press("Escape")
    expect(navigation).to_be_hidden()


def test_no_menu_leaves_a_narrow_screen(open_page: Open, many: BatchJob) -> None:
    page = open_page(JOBS, viewport={"width": 400, "height": 800})
    for name in ("Actions", "Views", "Local stack"):
        menu = page.locator("details.menu", has=page.locator("summary", has_text=name))
        menu.locator("summary").click()
        box = menu.locator(".menu-list").bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 400
        page.keyboard.press("Escape")


def test_the_keyboard_alone_finds_a_job_and_asks_to_stop_it(open_page: Open, many: BatchJob) -> None:
    page = open_page(JOBS)
    page.keyboard.press("/")
    page.keyboard.type("running")
    expect(page.locator("#job-list tbody tr")).to_have_count(1)
    page.keyboard.press("Tab")
    find_field(page).blur()
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.get_by_role("checkbox", name="Select job running")).to_be_checked()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("running")
    page.get_by_text("Last updated").wait_for()  # by script, which is there then
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()


def test_a_row_is_gone_to_as_soon_as_the_page_is_there(open_page: Open, many: BatchJob) -> None:
    page = open_page(JOBS)
    page.evaluate(
        """() => document.dispatchEvent(Object.defineProperty(
          new KeyboardEvent("keydown", { key: "j", bubbles: true }), "timeStamp", { value: 500 }))"""
    )
    expect(page.get_by_role("link", name="running", exact=True)).to_be_focused()


def test_the_first_tab_stop_skips_to_the_content(open_page: Open, many: BatchJob) -> None:
    page = open_page(JOBS)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to main content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_a_menu_opens_with_arrows_and_closes_with_escape(open_page: Open, many: BatchJob) -> None:
    page = open_page(many.get_absolute_url())
    actions = page.locator("summary", has_text="Actions")
    actions.focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("link", name="Clone")).to_be_focused()
    page.keyboard.press("Escape")
    expect(actions).to_be_focused()
    expect(page.get_by_role("link", name="Clone")).to_be_hidden()


def test_copying_puts_the_text_into_the_clipboard(open_page: Open, many: BatchJob) -> None:
    page = open_page(f"{many.get_absolute_url()}?tab=definition", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy JSON request").click()
    expect(page.get_by_text("JSON request copied")).to_be_visible()
    assert '"jobName": "running"' in page.evaluate("navigator.clipboard.readText()")


def test_without_script_jobs_are_found_and_stopped(open_page: Open, many: BatchJob) -> None:
    page = open_page(JOBS, java_script_enabled=False)
    find_field(page).fill("queued")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("q=queued"))
    page.get_by_role("checkbox", name="Select job job-queued").check()
    page.get_by_role("button", name="Stop job").click()
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_role("row", name="job-queued")).to_contain_text("Cancelled")
    assert "q=queued" in page.url


def test_the_theme_is_a_preference(open_page: Open, many: BatchJob) -> None:
    page = open_page("/preferences/?next=/local/jobs/")
    page.get_by_role("radio", name="Dark").check()
    page.get_by_role("radio", name="Compact").check()
    page.get_by_role("button", name="Save changes").click()
    expect(page.locator("html")).to_have_attribute("data-mode", "dark")
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(22, 29, 38)"


def test_a_relative_time_ages_while_the_page_stays_open(open_page: Open, make_job: MakeJob) -> None:
    now = timezone.now()
    make_job(created_at=now - timedelta(minutes=5), end_time=now - timedelta(minutes=2))
    page = open_page(JOBS, has_clock=True)
    expect(page.locator("time[data-relative]")).to_have_text(["2 min ago"])
    page.clock.fast_forward("10:30")
    expect(page.locator("time[data-relative]")).to_have_text(["12 min ago"])


def test_tags_are_edited_in_place(open_page: Open, make_job: MakeJob) -> None:
    job = make_job(status="Queued", tags=[{"key": "team", "value": "nlp"}, {"key": "stage", "value": "test"}])
    page = open_page(f"/local/jobs/{job.pk}/?tab=tags")
    page.get_by_role("link", name="Manage tags").click()
    page.get_by_role("button", name="Remove team").click()
    expect(page.get_by_role("button", name="Undo removing team")).to_be_focused()
    page.get_by_role("button", name="Remove stage").click()
    page.get_by_role("button", name="Undo removing stage").click()
    page.get_by_role("button", name="Add new tag").click()
    page.keyboard.type("cost")
    assert faults(page) == []
    page.get_by_role("button", name="Save changes").click()
    expect(page.locator("#flashbar")).to_contain_text("were changed")
    job.refresh_from_db()
    assert job.tags == [{"key": "stage", "value": "test"}, {"key": "cost", "value": ""}]


@pytest.fixture
def editor(open_page: Open, make_job: MakeJob) -> Page:
    """The tags of a job, edited in place."""
    job = make_job(status="Queued", tags=[{"key": "team", "value": "nlp"}])
    page = open_page(f"/local/jobs/{job.pk}/?tab=definition")
    page.get_by_role("link", name="Tags").click()
    page.get_by_role("link", name="Manage tags").click()
    page.get_by_placeholder("Enter value").wait_for()
    return page


@pytest.mark.parametrize("way", ["tab", "link", "back"])
def test_leaving_edited_tags_asks_first(editor: Page, way: str) -> None:
    editor.get_by_placeholder("Enter value").fill("vision")
    leave: dict[str, Callable[[], object]] = {
        "tab": editor.get_by_role("link", name="Details").click,
        "link": editor.get_by_role("link", name="Models").click,
        "back": partial(editor.evaluate, "history.back()"),
    }
    leave[way]()
    dialog = editor.get_by_role("dialog", name="Leave page")
    dialog.get_by_role("button", name="Cancel").click()
    expect(editor.get_by_placeholder("Enter value")).to_have_value("vision")
    assert editor.url.endswith("?tab=tags")
    leave[way]()
    dialog.get_by_role("button", name="Leave").click()
    expect(editor.get_by_placeholder("Enter value")).to_be_hidden()
    assert not editor.url.endswith("?tab=tags")


def test_closing_the_tab_over_edited_tags_asks_and_over_others_does_not(editor: Page) -> None:
    questions: list[str] = []

    def leave(dialog: Dialog) -> None:
        questions.append(dialog.type)
        dialog.accept()

    editor.on("dialog", leave)
    editor.get_by_placeholder("Enter value").fill("vision")
    editor.reload()
    assert questions == ["beforeunload"]
    editor.get_by_role("link", name="Manage tags").click()
    editor.get_by_placeholder("Enter value").wait_for()
    editor.get_by_role("link", name="Details").click()
    expect(editor.get_by_role("list", name="Stages")).to_be_visible()
    editor.reload()
    assert questions == ["beforeunload"]


def test_refused_tags_are_still_unsaved_and_the_first_error_has_the_focus(editor: Page) -> None:
    editor.get_by_role("button", name="Add new tag").click()
    editor.keyboard.type("aws:mine")
    editor.get_by_role("button", name="Save changes").click()
    expect(editor.locator("#id_tags-1-key")).to_be_focused()
    editor.get_by_role("link", name="Cancel").click()
    expect(editor.get_by_role("dialog", name="Leave page")).to_be_visible()
