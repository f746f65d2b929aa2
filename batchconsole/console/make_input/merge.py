"""Merging .jsonl files into one input: the folders to choose them from, and the way on to the create form."""

from dataclasses import dataclass
from functools import cached_property, partial

from django.core.exceptions import ValidationError
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from batchconsole.aws.errors import AwsError
from batchconsole.aws.s3_addresses import SCHEME, parse_s3_uri, s3_uri
from batchconsole.console.frame import drafts, put_aside
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.kit.sent_twice import request_mark
from batchconsole.console.kit.validators import validate_s3_uri
from batchconsole.console.make_input import views
from batchconsole.console.s3.chooser import storage_of
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.inputs import making, merging
from batchconsole.jobs.models import MadeInput
from batchconsole.jobs.s3.storage import Listing, Storage
from batchconsole.jobs.same_request import made_once

ENDING = ".jsonl"
PREFIX = "prefix"
COPY = "copy"
MERGED = "merged"  # the new folder that is proposed, so that no job reads the records twice


@dataclass(frozen=True)
class Row:
    """A file to choose; ``size`` in bytes, ``None`` if it lies in another folder than the one listed."""

    uri: str
    size: int | None
    is_picked: bool


class MergeQuestion:
    """The form: a folder that is listed, the files that are picked, and how and where they are merged."""

    def __init__(self, storage: Storage, data: QueryDict) -> None:
        self.storage = storage
        given = s3_uri(data.get("folder", ""))
        self.picked = list(dict.fromkeys(data.getlist("files")))
        if given.endswith(ENDING):
            self.picked = list(dict.fromkeys([*self.picked, given]))
            given = given.rpartition("/")[0]
        self.folder = f"{given.rstrip('/')}/" if given.removeprefix(SCHEME) else ""
        self.prefixes = data.get("duplicates") == PREFIX
        self.copies_media = data.get("media") == COPY
        self.output = s3_uri(data.get("output_s3_uri", "")) or self._proposed

    @property
    def _proposed(self) -> str:
        """A file in a folder beside the one listed: in that folder, its records would be read twice."""
        bucket, _, key = self.folder.removeprefix(SCHEME).partition("/")
        above, _, name = key.rstrip("/").rpartition("/")
        return f"s3://{bucket}/{above}{'/' if above else ''}{MERGED}/{name or 'records'}{ENDING}" if bucket else ""

    @cached_property
    def listing(self) -> Listing | AwsError | UserError:
        """What is in the folder, or why it cannot be listed."""
        try:
            return self.storage.listing(*parse_s3_uri(self.folder)) if self.folder else Listing()
        except ValueError as error:
            return UserError(str(error), "folder")
        except (AwsError, UserError) as error:
            return error

    @property
    def error(self) -> AwsError | UserError | None:
        return None if isinstance(self.listing, Listing) else self.listing

    @property
    def is_part(self) -> bool:
        """Whether the folder has more objects than are listed."""
        return isinstance(self.listing, Listing) and bool(self.listing.next_token)

    @property
    def bucket(self) -> str:
        return self.folder.removeprefix(SCHEME).partition("/")[0]

    @property
    def folders(self) -> list[str]:
        """The URIs of the folder above the one listed and of those in it."""
        inside = self.listing.folders if isinstance(self.listing, Listing) else []
        key = self.folder.removeprefix(f"{SCHEME}{self.bucket}/")
        above = [key.rstrip("/").rpartition("/")[0] + "/"] if key else []
        return [f"{SCHEME}{self.bucket}/{each.lstrip('/')}" for each in (*above, *inside)]

    @property
    def rows(self) -> list[Row]:
        """The files picked in other folders, and the .jsonl files of the folder."""
        objects = self.listing.objects if isinstance(self.listing, Listing) else []
        here = {f"{SCHEME}{self.bucket}/{each.key}": each.size for each in objects if each.key.endswith(ENDING)}
        others = [Row(uri, None, is_picked=True) for uri in self.picked if uri not in here]
        return others + [Row(uri, size, is_picked=uri in self.picked) for uri, size in here.items()]

    @property
    def output_problem(self) -> str:
        """Why the place of the merged file will not do; empty if it will."""
        bucket, _, key = self.output.removeprefix(SCHEME).partition("/")
        if not (self.output.startswith(SCHEME) and bucket and key.endswith(ENDING)):
            return "Enter a file whose name ends in .jsonl, such as s3://bucket/merged/records.jsonl."
        try:
            validate_s3_uri(self.output)
        except ValidationError as error:
            return " ".join(error.messages)
        return ""


@drafts.takes_drafts
@require_http_methods(["GET", "HEAD", "POST"])
def merge(request: ConsoleRequest, connection: str) -> HttpResponse:
    """Show the form, list another folder (``open``), or merge the files."""
    if put_aside.MARK not in request.GET and request.method != "POST":
        put_aside.forget(request)  # opened directly, not from the create form
    data = request.POST if request.method == "POST" else drafts.restored(request) or request.GET
    if data.get("open"):
        data = data.copy()
        data["folder"] = str(data["open"])
    question = MergeQuestion(storage_of(request), data)
    if request.method == "POST" and "open" not in data and "list" not in data:
        return _start(request, question)
    return _show(request, question)


def _show(
    request: ConsoleRequest, question: MergeQuestion, problem: UserError | AwsError | None = None
) -> HttpResponse:
    context = {"question": question, "problem": problem}
    return render(request, "console/make_input/merge.html", context, status=422 if problem else 200)


def _start(request: ConsoleRequest, question: MergeQuestion) -> HttpResponse:
    if question.output_problem:
        return _show(request, question, UserError(question.output_problem, "output_s3_uri"))
    mark = request_mark(request.POST)
    start = partial(
        merging.start_merge,
        request.connection,
        request.user,
        uris=question.picked,
        output_s3_uri=question.output,
        prefixes=question.prefixes,
        copies_media=question.copies_media,
        request_token=mark,
    )
    try:
        made = made_once(MadeInput, request.connection, request.user, token=mark, make=start)
    except ValueError as error:
        return _show(request, question, UserError(str(error), "files"))
    except (AwsError, UserError) as error:
        return _show(request, question, error)
    if merging.is_small(made) and not made.is_finished:
        making.make_input(made)
        made.refresh_from_db()
    if made.state == MadeInput.State.FAILED and made.error:
        return _show(request, question, UserError(made.error["message"], hint=made.error["hint"]))
    return views.on_to_the_job(request, made) if made.state == MadeInput.State.DONE else redirect(made)
