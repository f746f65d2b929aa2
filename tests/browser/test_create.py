"""The create form in a real browser: filled in as a person would, by mouse and keyboard, without script, in trouble."""

import json
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, Page, expect

from batchconsole.aws import s3
from batchconsole.jobs.models import BatchJob, Connection
from batchconsole.jobs.s3.storage import PART_BYTES
from tests.browser.conftest import Open, faults
from tests.conftest import service_role_trust

URL = "/local/jobs/create/"
MODEL = "anthropic.claude-3-haiku-20240307-v1:0"
RECORD = {"recordId": "record-1", "modelInput": {"messages": [{"role": "user", "content": [{"text": "Hello"}]}]}}


@pytest.fixture
def local(connection: Connection, aws_endpoint: str) -> Connection:
    """The connection with S3, IAM and the rest; Bedrock is away."""
    connection.endpoint_url = aws_endpoint
    connection.save()
    return connection


@pytest.fixture
def bucket(local: Connection) -> str:
    name = f"prompts-{uuid4().hex[:12]}"
    s3.create_bucket(local.target, name)
    s3.put_object(local.target, name, "input/records.jsonl", json.dumps(RECORD).encode())
    return name


@pytest.fixture
def role_name(boto: Any) -> str:
    name = f"batch-{uuid4().hex[:8]}"
    boto("iam").create_role(RoleName=name, AssumeRolePolicyDocument=service_role_trust())
    return name


def submit(page: Page) -> Locator:
    return page.get_by_role("button", name="Create batch inference job")


def field(page: Page, name: str) -> Locator:
    return page.locator(f"#id_{name}")


def fill_in(page: Page, bucket: str) -> None:
    field(page, "job_name").fill("support-triage")
    field(page, "model_id").fill(MODEL)
    field(page, "input_s3_uri").fill(f"s3://{bucket}/input/")
    field(page, "output_s3_uri").fill(f"s3://{bucket}/output/")


def test_a_job_is_created_with_pickers_only(open_page: Open, bucket: str, role_name: str) -> None:
    page = open_page(URL)
    field(page, "job_name").fill("support-triage")
    page.get_by_role("button", name="Select model").click()
    page.get_by_placeholder("Find model").fill("claude 3 haiku")
    page.get_by_label("Claude 3 Haiku, On-demand").check()
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("#model-summary")).to_contain_text("Batch inference supported")
    page.get_by_text("Converse", exact=True).click()
    choose_in_s3(page, "input data", bucket, ["input/"], "records.jsonl")
    choose_in_s3(page, "output data", bucket, [], "input/")
    field(page, "role_arn").select_option(label=role_name)
    expect(page.locator("#role-access")).to_contain_text("The role lacks permissions")
    submit(page).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("support-triage")
    job = BatchJob.objects.get()
    assert (job.model_id, job.model_invocation_type) == (MODEL, "Converse")
    assert (job.input_s3_uri, job.output_s3_uri) == (f"s3://{bucket}/input/records.jsonl", f"s3://{bucket}/input/")


def choose_in_s3(page: Page, location: str, bucket: str, folders: list[str], name: str) -> None:
    page.get_by_role("group", name=location).get_by_role("button", name="Browse S3").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_placeholder("Find bucket").fill(bucket)
    dialog.get_by_placeholder("Find bucket").press("Enter")
    expect(dialog.get_by_text("1 match", exact=True)).to_be_visible()
    for folder in [bucket, *folders]:
        dialog.get_by_role("link", name=folder, exact=True).click()
    expect(dialog.get_by_role("button", name="Choose")).to_be_disabled()
    dialog.get_by_label(f"Select {name}").check()
    dialog.get_by_role("button", name="Choose").click()
    expect(dialog).to_be_hidden()


def test_a_dialog_opens_while_the_page_waits_for_another_answer(open_page: Open, bucket: str) -> None:
    page = open_page(URL)
    page.route(re.compile("/models/summary/"), lambda route: None)  # never answered
    field(page, "model_id").fill(MODEL)
    field(page, "model_id").press("Tab")
    page.get_by_role("group", name="input data").get_by_role("button", name="Browse S3").click()
    expect(page.get_by_role("dialog").get_by_placeholder("Find bucket")).to_be_visible()
    expect(field(page, "model_id")).to_have_value(MODEL)  # no other page was opened


def test_a_dialog_asked_for_twice_shows_the_second_one(open_page: Open, bucket: str) -> None:
    page = open_page(URL)
    page.route(re.compile(r"choose=input"), lambda route: None)  # never answered
    for location in ("input data", "output data"):
        group = page.get_by_role("group", name=location, include_hidden=True)
        group.get_by_role("button", name="Browse S3", include_hidden=True).dispatch_event("click")
    expect(page.get_by_role("dialog").get_by_placeholder("Find bucket")).to_be_visible()
    expect(page).to_have_url(re.compile(f"{URL}$"))


def test_the_keyboard_is_enough(open_page: Open, bucket: str, role_name: str) -> None:
    page = open_page(URL)
    keyboard = page.keyboard
    expect(field(page, "job_name")).to_be_focused()
    keyboard.type("by-keyboard")
    tab_to(page, "#id_model_id")
    keyboard.type(MODEL)
    tab_to(page, "[name=model_invocation_type]:checked")
    keyboard.press("ArrowRight")
    tab_to(page, "#id_input_s3_uri")
    keyboard.type(f"s3://{bucket}/input/")
    tab_to(page, "#id_output_s3_uri")
    keyboard.type(f"s3://{bucket}/output/")
    tab_to(page, "#id_role_arn")
    keyboard.type(role_name)
    tab_to(page, "#id_tags-0-key")
    keyboard.type("team")
    tab_to(page, ".form-actions .button-primary")
    keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("by-keyboard")
    job = BatchJob.objects.get()
    assert (job.model_invocation_type, job.tags) == ("Converse", [{"key": "team", "value": ""}])
    assert job.role_arn.endswith(role_name)


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the element has the focus; everything on the way must show that it has it."""
    for _ in range(25):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    pytest.fail(f"{selector} cannot be reached with the keyboard.")


def test_enter_in_a_text_field_submits_the_form_and_opens_no_picker(open_page: Open, local: Connection) -> None:
    page = open_page(URL)
    field(page, "job_name").press("Enter")
    expect(page.get_by_role("link", name="Job name is required.")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_the_page_opens_at_the_first_error_and_its_list_leads_to_each(open_page: Open, local: Connection) -> None:
    page = open_page(URL)
    page.get_by_text("Additional settings").click()
    field(page, "timeout_duration_in_hours").fill("1")
    submit(page).click()
    expect(page).to_have_title(re.compile("^Error: Create batch inference job"))
    expect(field(page, "job_name")).to_be_focused()
    assert faults(page) == []
    page.get_by_text("Additional settings").click()
    page.get_by_role("link", name="Timeout must be").click()
    expect(field(page, "timeout_duration_in_hours")).to_be_focused()
    expect(field(page, "timeout_duration_in_hours")).to_be_in_viewport()


def test_a_required_field_loses_its_error_once_it_is_filled_in(open_page: Open, local: Connection) -> None:
    page = open_page(URL)
    submit(page).click()
    name = field(page, "job_name")
    expect(name).to_have_attribute("aria-invalid", "true")
    name.fill("a")
    expect(page.locator("#id_job_name_error")).to_have_count(0)
    expect(name).not_to_have_attribute("aria-invalid", "true")


def test_characters_are_counted(open_page: Open, local: Connection) -> None:
    page = open_page(URL)
    field(page, "job_name").fill("twelve-chars")
    expect(page.locator("#id_job_name_constraint")).to_contain_text("Character count: 12/63.")


def test_tags_are_added_and_removed_in_place(open_page: Open, local: Connection) -> None:
    page = open_page(URL)
    field(page, "tags-0-key").fill("team")
    page.get_by_role("button", name="Add new tag").click()
    expect(field(page, "tags-1-key")).to_be_focused()
    page.keyboard.type("cost")
    expect(page.get_by_text("You can add up to 48 more tags.")).to_be_visible()
    page.get_by_role("button", name="Remove team").click()
    expect(field(page, "tags-0-key")).to_have_value("cost")
    expect(field(page, "tags-0-key")).to_be_focused()
    page.get_by_role("button", name="Remove cost").click()
    expect(page.get_by_role("button", name="Add new tag")).to_be_focused()
    expect(page.get_by_text("No tags associated with the resource.")).to_be_visible()
    expect(page.locator("#live-status")).to_have_text("Item removed")


def test_no_more_than_fifty_tags_can_be_added(open_page: Open, local: Connection) -> None:
    page = open_page(URL)
    add = page.get_by_role("button", name="Add new tag")
    page.evaluate("for (let n = 0; n < 60; n += 1) document.querySelector('[name=add_tag]').click()")
    expect(page.locator(".attribute-row")).to_have_count(50)
    expect(page.get_by_text("You have reached the limit of 50 tags.")).to_be_visible()
    expect(add).to_have_attribute("aria-disabled", "true")


def test_leaving_with_changes_asks_first(open_page: Open, local: Connection) -> None:
    page = open_page(URL)
    field(page, "job_name").fill("half-done")
    page.get_by_role("link", name="Cancel").click()
    dialog = page.get_by_role("dialog", name="Leave page")
    expect(dialog).to_be_visible()
    assert faults(page) == []
    dialog.get_by_role("button", name="Cancel").click()
    expect(field(page, "job_name")).to_have_value("half-done")
    page.get_by_role("link", name="Cancel").click()
    dialog.get_by_role("button", name="Leave").click()
    expect(page).to_have_url(re.compile("/local/jobs/$"))


def test_leaving_without_changes_asks_nothing(open_page: Open, local: Connection) -> None:
    page = open_page(URL)
    page.get_by_role("link", name="Cancel").click()
    expect(page).to_have_url(re.compile("/local/jobs/$"))


def test_the_new_role_shows_its_permissions_and_is_made(open_page: Open, bucket: str) -> None:
    page = open_page(URL)
    fill_in(page, bucket)
    expect(field(page, "role_name")).to_be_hidden()
    page.get_by_label("Create and use a new service role").check()
    page.get_by_role("button", name="View permissions").click()
    expect(page.locator("#role-permissions")).to_contain_text(f"arn:aws:s3:::{bucket}/input/*")
    assert faults(page) == []
    name = f"made-{uuid4().hex[:8]}"
    field(page, "role_name").fill(name)
    submit(page).click()
    expect(page.get_by_text(f"The service role {name} was created.")).to_be_visible()
    assert BatchJob.objects.get().role_arn.endswith(f"role/service-role/{name}")


def test_lists_come_when_their_section_is_opened(open_page: Open, local: Connection, boto: Any) -> None:
    key = boto("kms").create_key()["KeyMetadata"]["Arn"]
    page = open_page(URL)
    page.get_by_text("Customize encryption settings (advanced)").click()
    page.locator("select#id_output_kms_key_id").select_option(key)
    page.get_by_text("Additional settings").click()
    subnet = page.get_by_label(re.compile("^subnet-.*us-east-1a"))
    subnet.check()
    page.get_by_role("button", name="Refresh subnets").click()
    expect(subnet).to_be_checked()
    assert faults(page) == []


def test_the_equivalent_command_follows_the_form(open_page: Open, local: Connection) -> None:
    page = open_page(URL)
    page.get_by_text("Equivalent AWS CLI command").click()
    field(page, "job_name").fill("followed")
    expect(page.locator("#job-command-text")).to_contain_text("--job-name followed")
    assert faults(page) == []


def test_an_address_becomes_a_uri_and_view_opens_the_place(open_page: Open, bucket: str) -> None:
    page = open_page(URL)
    view = page.get_by_role("group", name="input data").get_by_role("link", name=re.compile("^View"))
    expect(view).to_have_attribute("aria-disabled", "true")
    field(page, "input_s3_uri").fill(f"https://{bucket}.s3.amazonaws.com/input/")
    field(page, "input_s3_uri").press("Tab")
    expect(field(page, "input_s3_uri")).to_have_value(f"s3://{bucket}/input/")
    with page.context.expect_page() as opened:
        view.click()
    expect(opened.value.get_by_role("link", name="records.jsonl")).to_be_visible()


def test_the_dialogs_give_the_focus_back(open_page: Open, bucket: str) -> None:
    page = open_page(URL)
    for name in ("Select model", "Browse S3"):
        button = page.get_by_role("button", name=name).first
        button.click()
        expect(page.get_by_role("dialog")).to_be_visible()
        page.keyboard.press("Escape")
        expect(button).to_be_focused()


def test_with_aws_away_the_form_opens_and_everything_can_be_typed(open_page: Open, connection: Connection) -> None:
    page = open_page(URL)
    expect(page.get_by_text("The service roles could not be listed")).to_be_visible()
    page.get_by_role("button", name="Browse S3").first.click()
    expect(page.get_by_role("dialog").get_by_text("S3 could not be listed")).to_be_visible()
    assert faults(page) == []
    page.keyboard.press("Escape")
    fill_in(page, "some-bucket")
    field(page, "role_arn").fill("arn:aws:iam::123456789012:role/batch")
    submit(page).click()
    expect(page.get_by_text("Not everything could be checked.")).to_be_visible()
    assert BatchJob.objects.get().job_name == "support-triage"


def press(page: Page, name: str) -> None:
    """Press a button that sends the form; what comes next is done on the page that comes back, not on this one."""
    with page.expect_navigation():
        page.get_by_role("button", name=name, exact=True).first.click()


def test_without_script_every_button_works_and_keeps_the_input(open_page: Open, bucket: str, role_name: str) -> None:
    page = open_page(URL, java_script_enabled=False)
    field(page, "job_name").fill("no-script")
    press(page, "Select model")
    page.get_by_label("Claude 3 Haiku, On-demand").check()
    press(page, "Apply")
    press(page, "Browse S3")
    page.get_by_placeholder("Find bucket").fill(bucket)
    press(page, "Find")
    press(page, bucket)
    page.get_by_label("Select input/").check()
    press(page, "Choose")
    field(page, "output_s3_uri").fill(f"s3://{bucket}/output/")
    # A list that somebody saw a moment ago is there already, and read anew.
    page.get_by_role("button", name=re.compile("(List|Refresh) service roles")).first.click()
    field(page, "role_arn").select_option(label=role_name)
    field(page, "tags-0-key").fill("team")
    press(page, "Add new tag")
    press(page, "Create batch inference job")
    job = BatchJob.objects.get()
    assert (job.job_name, job.model_id, job.input_s3_uri) == ("no-script", MODEL, f"s3://{bucket}/input/")
    assert job.tags == [{"key": "team", "value": ""}]


def test_a_large_file_is_uploaded_in_parts_with_progress(
    open_page: Open, bucket: str, local: Connection, tmp_path: Path
) -> None:
    file = tmp_path / "large.jsonl"
    file.write_bytes(b"x" * (PART_BYTES + 1))
    page = open_page(f"/local/s3/?uri=s3://{bucket}/input/&add=upload")
    parts: list[str] = []
    page.on("request", lambda request: parts.append(request.url) if "/upload/part/" in request.url else None)
    page.get_by_label("Files to upload").set_input_files(file)
    page.get_by_role("button", name="Upload files").click()
    expect(page.get_by_text("large.jsonl was uploaded")).to_be_visible()
    assert len(parts) == 2
    assert s3.head_object(local.target, bucket, "input/large.jsonl").size == PART_BYTES + 1


def test_an_upload_that_broke_off_goes_on_with_what_is_missing_after_a_reload(
    open_page: Open, bucket: str, local: Connection, tmp_path: Path
) -> None:
    file = tmp_path / "large.jsonl"
    file.write_bytes(b"x" * (PART_BYTES + 1))
    page = open_page(f"/local/s3/?uri=s3://{bucket}/input/&add=upload")
    page.route(re.compile("part=2"), lambda route: route.fulfill(status=400, json={"message": "Cut off."}))
    page.get_by_label("Files to upload").set_input_files(file)
    page.get_by_role("button", name="Upload files").click()
    expect(page.get_by_text("large.jsonl could not be uploaded. Cut off.")).to_be_visible()
    page.unroute_all()
    page.reload()
    expect(page.get_by_text("The upload of large.jsonl (8 MB) is not finished.")).to_be_visible()
    assert faults(page) == []
    parts: list[str] = []
    page.on("request", lambda request: parts.append(request.url) if "/upload/part/" in request.url else None)
    page.get_by_label("Files to upload").set_input_files(file)
    page.get_by_role("button", name="Upload files").click()
    expect(page.get_by_text("large.jsonl was uploaded")).to_be_visible()
    assert ["part=2" in url for url in parts] == [True]


def test_of_two_files_one_whose_name_is_taken_is_replaced_when_that_is_checked(
    open_page: Open, bucket: str, local: Connection, tmp_path: Path
) -> None:
    files = [tmp_path / "records.jsonl", tmp_path / "second.jsonl"]
    for file in files:
        file.write_bytes(b"new")
    page = open_page(f"/local/s3/?uri=s3://{bucket}/input/&add=upload")
    page.get_by_label("Files to upload").set_input_files(files)
    page.get_by_role("button", name="Upload files").click()
    expect(page.get_by_text("records.jsonl exists already")).to_be_visible()
    expect(page.get_by_text("1 of 2 files uploaded.")).to_be_visible()
    expect(page.get_by_role("list", name="Files").get_by_role("listitem").last).to_contain_text("Uploaded")
    expect(page.get_by_label("Replace files of the same name")).to_be_focused()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Upload files").click()
    expect(page.get_by_text("2 files were uploaded")).to_be_visible()
    expect(page.get_by_role("list", name="Files of the last upload").get_by_role("listitem")).to_have_count(2)
    assert s3.get_range(local.target, bucket, "input/records.jsonl") == b"new"


def test_a_file_is_uploaded_previewed_and_chosen_in_the_dialog(
    open_page: Open, bucket: str, local: Connection, tmp_path: Path
) -> None:
    file = tmp_path / "large.jsonl"
    file.write_bytes(json.dumps(RECORD).encode() + b"\n" + b" " * PART_BYTES)
    page = open_page(f"{URL}?input_s3_uri=s3://{bucket}/input/")
    page.get_by_role("button", name="Browse S3").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("link", name="Upload", exact=True).click()
    dialog.get_by_label("Files to upload").set_input_files(file)
    assert faults(page) == []
    dialog.get_by_role("button", name="Upload files").click()
    expect(dialog.get_by_text("large.jsonl was uploaded")).to_be_visible()
    expect(dialog.get_by_label("Select large.jsonl")).to_be_checked()
    dialog.get_by_role("link", name="Preview large.jsonl").click()
    expect(dialog.get_by_text("Line 1: record-1")).to_be_visible()
    assert faults(page) == []
    dialog.get_by_role("button", name="Choose").click()
    expect(field(page, "input_s3_uri")).to_have_value(f"s3://{bucket}/input/large.jsonl")
    expect(page).to_have_url(re.compile("/jobs/create/"))


def test_a_folder_is_created_and_chosen_in_the_dialog(open_page: Open, bucket: str) -> None:
    page = open_page(f"{URL}?output_s3_uri=s3://{bucket}/")
    page.get_by_role("button", name="Browse S3").last.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("link", name="Create folder").click()
    expect(dialog.get_by_label("Folder name")).to_be_focused()
    page.keyboard.type("answers")
    page.keyboard.press("Enter")
    expect(dialog.get_by_text("The folder answers was created.")).to_be_visible()
    dialog.get_by_role("link", name=bucket).click()
    dialog.get_by_label("Select answers/").check()
    dialog.get_by_role("button", name="Choose").click()
    expect(field(page, "output_s3_uri")).to_have_value(f"s3://{bucket}/answers/")


def test_lists_of_aws_come_when_they_are_seen(open_page: Open, local: Connection, boto: Any) -> None:
    vpc = boto("ec2").create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = boto("ec2").create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    page = open_page(f"{URL}?timeout_duration_in_hours=48")  # the section is open from the start
    expect(page.get_by_label(subnet)).to_be_visible()


def test_a_value_is_judged_when_it_has_been_changed(open_page: Open, local: Connection) -> None:
    page = open_page(URL)
    name = field(page, "job_name")
    name.fill("bad name")
    name.press("Tab")
    expect(page.locator("#id_job_name_error")).to_contain_text("Job name must be 1 to 63 characters.")
    expect(name).to_have_attribute("aria-describedby", re.compile("^id_job_name_error "))
    assert faults(page) == []
    name.fill("good-name")
    expect(page.locator("#id_job_name_error")).to_have_count(0)
    expect(name).not_to_have_attribute("aria-invalid", "true")
