"""Form steps without script: what each button other than the primary one does to the form's data.

A step changes the posted data and says what the page shows besides the form (a chooser, a list, a policy). The form is
then shown again with everything that was typed, without validation.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from batchconsole.console.kit.numbers import read_number
from batchconsole.console.kit.tags import PREFIX, tag_rows

Data = QueryDict
INPUT, OUTPUT = "input_s3_uri", "output_s3_uri"


@dataclass
class Shown:
    """What the page shows after a step. Names are form fields, ``place`` is a query string of the S3 browser."""

    chooser: str = ""
    place: str = ""
    picker: QueryDict | None = None
    load: list[str] = field(default_factory=list)
    policy: bool = False
    access: bool = False
    command: bool = False
    check: bool = False
    focus: str = ""


def add_tag(data: Data, _: str) -> Shown:
    number = len(tag_rows(data))
    _write_tags(data, [*tag_rows(data), {"key": "", "value": ""}])
    return Shown(focus=f"{PREFIX}-{number}-key")


def remove_tag(data: Data, value: str) -> Shown:
    """Remove a row, or mark a tag that the job has; the focus goes where js/attribute-editor.js moves it."""
    rows = tag_rows(data)
    number = read_number(value, len(rows))
    if number < len(rows) and rows[number].get("existing"):
        rows[number]["removed"] = "1"
        focus = f"{PREFIX}-{number}-undo"
    else:
        del rows[number : number + 1]
        focus = f"{PREFIX}-{number}-key" if number < len(rows) else "add_tag"
    _write_tags(data, rows)
    return Shown(focus=focus)


def undo_tag(data: Data, value: str) -> Shown:
    """Keep a tag that was marked for removal."""
    data[f"{PREFIX}-{value}-removed"] = ""
    return Shown(focus=f"{PREFIX}-{value}-value")


def _write_tags(data: Data, rows: list[dict[str, str]]) -> None:
    for name in [name for name in data if name.startswith(f"{PREFIX}-")]:
        del data[name]
    for number, row in enumerate(rows):
        for part, value in row.items():
            data[f"{PREFIX}-{number}-{part}"] = value


def browse(data: Data, value: str) -> Shown:
    """Open the chooser of a location field at the location in that field."""
    if value not in (INPUT, OUTPUT):
        return Shown()
    query = QueryDict(mutable=True)
    query["uri"] = data.get(value, "")
    return Shown(chooser=value, place=query.urlencode())


def open_place(data: Data, value: str) -> Shown:
    return Shown(chooser=data.get("s3_field", ""), place=value)


def find_place(data: Data, value: str) -> Shown:
    """Search in the chooser: *value* is the folder, ``s3_find`` the search text."""
    query = QueryDict(value, mutable=True)
    query["find"] = data.get("s3_find", "")
    return Shown(chooser=data.get("s3_field", ""), place=query.urlencode())


def choose_place(data: Data, _: str) -> Shown:
    name = data.get("s3_field", "")
    if name in (INPUT, OUTPUT) and data.get("s3_pick"):
        data[name] = str(data["s3_pick"])
    return Shown(focus=name)


def leave_chooser(data: Data, _: str) -> Shown:
    return Shown(focus=data.get("s3_field", ""))


def select_model(data: Data, _: str) -> Shown:
    """Open the model picker, or search again with another provider, modality or text."""
    query = QueryDict(mutable=True)
    for name in ("provider", "modality", "find"):
        query[name] = data.get(f"model_{name}", "")
    return Shown(picker=query)


def choose_model(data: Data, _: str) -> Shown:
    if data.get("model_pick"):
        data["model_id"] = str(data["model_pick"])
    return Shown(focus="model_id")


def leave_picker(data: Data, _: str) -> Shown:
    return Shown(focus="model_id")


def load(data: Data, value: str) -> Shown:
    return Shown(load=[value], focus=value)


def show_policy(data: Data, _: str) -> Shown:
    return Shown(policy=True, focus="role_name")


def check_role(data: Data, _: str) -> Shown:
    return Shown(access=True, focus="role_arn")


def show_command(data: Data, _: str) -> Shown:
    return Shown(command=True)


def check_now(data: Data, _: str) -> Shown:
    return Shown(check=True)


def check_show(data: Data, _: str) -> Shown:
    """Show the progress of the check again; the page knows which check it shows."""
    return Shown()


STEPS: dict[str, Callable[[Data, str], Shown]] = {
    "add_tag": add_tag,
    "remove_tag": remove_tag,
    "undo_tag": undo_tag,
    "browse": browse,
    "s3_open": open_place,
    "s3_search": find_place,
    "s3_choose": choose_place,
    "s3_leave": leave_chooser,
    "select_model": select_model,
    "model_choose": choose_model,
    "model_leave": leave_picker,
    "load": load,
    "check_role": check_role,
    "show_policy": show_policy,
    "show_command": show_command,
    "check_now": check_now,
    "check_show": check_show,
}


def take_step(posted: QueryDict) -> tuple[Any, Shown] | None:
    """Return the data after the posted step and what to show; None if the form itself was submitted."""
    name = next((name for name in STEPS if name in posted), "")
    if not name:
        return None
    data = posted.copy()
    return data, STEPS[name](data, str(posted[name]))
