"""Messages about uploads to S3, by form or in parts: why a file is refused, and the result of each file.

The results of several files are listed beside their folder. The list is kept in the session until the next upload or
until the user dismisses it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from django.contrib import messages
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat

from batchconsole.console.kit.errors import sentences
from batchconsole.console.kit.times import absolute
from batchconsole.console.s3.inputs import SUFFIX, refused_key
from batchconsole.console.s3.places import Place
from batchconsole.jobs.s3.refusals import EmptyFile, ObjectExists

KEPT = "uploaded_files"
MOST_KEPT = 500  # files


@dataclass(frozen=True)
class Fate:
    """The result of one file: ``problem`` says why it was not uploaded, ``note`` why it can't be job input."""

    name: str
    problem: str = ""
    note: str = ""

    def noted(self, place: Place) -> "Fate":
        """Return the result with its note."""
        return self if self.problem else replace(self, note=_note(place, self.name))


def _note(place: Place, name: str) -> str:
    if not name.endswith(SUFFIX):
        return f"It can't be used as job input. A job reads files whose names end in {SUFFIX}."
    refused = refused_key(place.folder + name)
    return f"It can't be used as job input. {refused.text} {refused.advice}" if refused else ""


def refusal(error: EmptyFile | ObjectExists) -> str:
    """Return why a file is refused, and what to do on this page."""
    if isinstance(error, EmptyFile):
        return sentences(error)
    item, name = error.item, error.item.key.rpartition("/")[2]
    age = f"{filesizeformat(item.size)}, last modified {absolute(item.last_modified)}"
    return f"{name} exists already: {age}. Check Replace files of the same name to overwrite it."


def report(request: HttpRequest, place: Place, fates: Sequence[Fate]) -> None:
    """Add one message about all files, and store the results of several files for the list."""
    fates = [fate.noted(place) for fate in fates]
    if len(fates) == 1:
        _report_one(request, place, fates[0])
        return
    request.session[KEPT] = {"uri": place.uri, "rows": [asdict(fate) for fate in fates[:MOST_KEPT]]}
    done = sum(not fate.problem for fate in fates)
    if done == len(fates):
        messages.success(request, f"{done:,} files were uploaded to {place.uri}.")
    elif done:
        were = "was" if done == 1 else "were"
        messages.warning(request, f"{done:,} of {len(fates):,} files {were} uploaded to {place.uri}.")
    else:
        messages.error(request, f"None of the {len(fates):,} files could be uploaded to {place.uri}.")


def _report_one(request: HttpRequest, place: Place, fate: Fate) -> None:
    request.session.pop(KEPT, None)
    if fate.problem:
        messages.error(request, fate.problem)
    else:
        messages.success(request, f"{fate.name} was uploaded to {place.uri}. {fate.note}".strip())


def kept_fates(request: HttpRequest, place: Place) -> list[Fate]:
    """Return the results of the last upload if it put several files into *place*."""
    kept: Mapping[str, object] = request.session.get(KEPT) or {}
    rows = kept.get("rows") if kept.get("uri") == place.uri else None
    return [Fate(**row) for row in rows] if isinstance(rows, list) else []


def put_away(request: HttpRequest) -> None:
    """Discard the list after the user has dismissed it."""
    request.session.pop(KEPT, None)
