"""The form for making batch input: its source, prompt, record format and destination."""

from typing import Any, Self

import msgspec
from django import forms
from django.core.exceptions import ValidationError
from django.utils.datastructures import MultiValueDict

from batchconsole.aws.errors import AwsError
from batchconsole.console.kit.errors import sentences
from batchconsole.console.kit.fields import S3UriField, required
from batchconsole.console.kit.layout import Choice
from batchconsole.console.kit.numbers import read_number
from batchconsole.console.kit.page_form import PageForm
from batchconsole.console.kit.sent_twice import new_token
from batchconsole.console.kit.validators import validate_s3_uri
from batchconsole.console.make_input.answer_fields import AnswerFieldFormSet, field_formset, field_rows
from batchconsole.console.make_input.judging import ShownEstimate, judge
from batchconsole.console.make_input.layout import making_layout
from batchconsole.jobs.errors import NotAllowed, UserError
from batchconsole.jobs.inputs.input_sources import Look, Source, from_s3, from_upload, look
from batchconsole.jobs.inputs.input_surveys import look_at
from batchconsole.jobs.inputs.prompt_templates import offered_versions
from batchconsole.jobs.models import Connection
from batchconsole.jobs.models.prompt_template import Content
from batchconsole.jobs.rights.access import require_places
from batchconsole.jobs.s3.storage import Storage
from batchconsole.records.bodies import SHAPES
from batchconsole.records.csv_rows import ENCODINGS
from batchconsole.records.making import Made, Recipe, RecipeError
from batchconsole.records.schema_fields import schema_of
from batchconsole.records.tables import TableError

UPLOAD, S3 = "upload", "s3"
SOURCES = [
    (UPLOAD, Choice("Upload files", "CSV, JSON Lines, or Parquet files on this computer.")),
    (S3, Choice("Use an object in S3", "Best for files of several gigabytes.")),
]
SOURCE_FIELDS = {UPLOAD: "file", S3: "input_s3_uri"}
TEXT, SCHEMA, FIELDS = "text", "schema", "fields"
ANSWERS = [
    (TEXT, Choice("Text", "As the model writes it.")),
    (FIELDS, Choice("JSON with these fields", "Each becomes a column of the results.")),
    (SCHEMA, Choice("JSON of a schema", "A JSON Schema, as far as Bedrock takes it.")),
]
SEPARATOR_NAMES = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
SEPARATORS = [("", "Found by itself"), *((name, name.capitalize()) for name in SEPARATOR_NAMES)]
NUMBERED = ("", "Number the records")
WHOLE_NUMBER = "Maximum output tokens must be a whole number, 1 or more."
ZERO_TO_TWO = "Temperature must be from 0 to 2."
VERSIONS_LISTED = 10  # of each template; its page lists all
NOT_THERE = {"NotFound", "NoSuchKey", "404"}
# Common names of id columns, in lower case and without punctuation.
ID_COLUMNS = ("recordid", "customid", "id", "key", "uuid")


class MakingForm(PageForm):
    """A source, a recipe and a destination.

    :meth:`read_source` reads the source; it sets :attr:`origin` and :attr:`look`, or adds an error to the source field.
    """

    source = forms.ChoiceField(label="Source", choices=SOURCES, initial=UPLOAD, widget=forms.RadioSelect)
    file = forms.FileField(
        label="File",
        required=False,
        help_text="The first row of a table holds the column names. Several files share one prompt.",
    )
    upload = forms.CharField(required=False, widget=forms.HiddenInput)
    upload_name = forms.CharField(required=False, max_length=255, widget=forms.HiddenInput)
    request_token = forms.CharField(required=False, widget=forms.HiddenInput, initial=new_token)
    template_version = forms.CharField(required=False, widget=forms.HiddenInput)
    chosen_template = forms.CharField(
        label="Saved template",
        required=False,
        widget=forms.Select,
        help_text="It replaces the prompt, the settings and the answers below.",
    )
    save_as = forms.CharField(
        label="Save as", required=False, help_text="A name in use gets a new version; its other versions stay."
    )
    input_s3_uri = S3UriField(required=False, help_text="One CSV, JSON Lines, or Parquet file.")
    separator = forms.ChoiceField(label="Separator", choices=SEPARATORS, required=False)
    encoding = forms.ChoiceField(
        label="Encoding", choices=[("", "Found by itself"), *ENCODINGS.items()], required=False
    )
    template = forms.CharField(
        label="Prompt template",
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text="Enter column names in braces, for example {question}.",
    )
    system = forms.CharField(
        label="System prompt", required=False, strip=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    shape = forms.ChoiceField(
        label="Record format",
        choices=[(shape.name, shape.title) for shape in SHAPES.values()],
        help_text="Converse works with every model. The other formats are for InvokeModel.",
    )
    record_id_column = forms.CharField(
        label="Record ID", required=False, widget=forms.Select, help_text="Matches each answer with its row."
    )
    model_id = forms.CharField(
        label="Model",
        required=False,
        max_length=2048,
        help_text="Its limits and its price are told before anything is written. The records suit other models too.",
    )
    preview_row = forms.CharField(required=False, widget=forms.HiddenInput)
    told = forms.CharField(required=False, widget=forms.HiddenInput)
    max_tokens = forms.IntegerField(
        label="Maximum output tokens",
        required=False,
        help_text="The maximum length of an answer. Default: the model's limit.",
        min_value=1,
        max_value=1_000_000,
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), WHOLE_NUMBER),
        widget=forms.TextInput,
    )
    temperature = forms.FloatField(
        label="Temperature",
        required=False,
        help_text="How much answers vary. Default: the model's own value.",
        min_value=0,
        max_value=2,
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), ZERO_TO_TWO),
        widget=forms.TextInput,
    )
    answer_format = forms.ChoiceField(
        label="Answers", choices=ANSWERS, initial=TEXT, required=False, widget=forms.RadioSelect
    )
    output_schema = forms.CharField(
        label="JSON Schema",
        required=False,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
        help_text="An object with properties. Each top-level property becomes a column of the results.",
    )
    output_s3_uri = S3UriField(
        help_text="The location of the .jsonl file with the records. An uploaded table is kept beside it."
    )

    def __init__(self, data: Any = None, *, storage: Storage, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, None if data is None else MultiValueDict(), initial=initial)
        self.posted = data if data is not None else (initial or {}).get("rows", {})
        self.answer_fields = field_formset(field_rows(self.posted))
        self.storage, self.connection = storage, storage.connection
        self.origin: Source | None = None
        self.look: Look | None = None
        self.estimate: ShownEstimate | None = None
        self.helper.form_tag = False
        self._arrange()

    @classmethod
    def draft(cls, data: Any, **kwargs: Any) -> Self:
        """Return the form as filled in so far; only the source is validated, if there is one."""
        form = super().draft(data, initial={"rows": data}, **kwargs)
        form.cleaned_data = {}  # add_error() removes the source field from it
        form.read_source()
        form.estimate = judge(form)
        return form

    def _arrange(self) -> None:
        """Set up the choices and the layout for the source that was read."""
        columns = self.look.columns if self.look else ()
        self.fields["chosen_template"].widget.choices = _version_choices(self.connection)
        self.fields["record_id_column"].widget.choices = [NUMBERED, *((name, name) for name in columns)]
        self.helper.layout = making_layout(
            self.connection.name,
            foreign=self.look.foreign if self.look else "",
            is_csv=self.look.kind == "csv" if self.look else self.has_source,
        )

    def cancel_to(self, url: str) -> None:
        """Set the URL of Cancel, which is the job list by default."""
        self.helper.layout.fields[-1].cancel_url = url

    # The source.

    @property
    def source_field(self) -> str:
        """The name of the form field that holds the source."""
        return SOURCE_FIELDS.get(self["source"].value() or UPLOAD, "file")

    @property
    def source_s3_uri(self) -> str:
        return str(self["input_s3_uri"].value() or "").strip() if self.source_field == "input_s3_uri" else ""

    @property
    def token(self) -> str:
        return str(self["upload"].value() or "") if self.source_field == "file" else ""

    @property
    def has_source(self) -> bool:
        return bool(self.token or self.source_s3_uri)

    @property
    def separation(self) -> dict[str, str]:
        """The chosen separator and encoding of a CSV file; empty for automatic detection."""
        encoding = str(self["encoding"].value() or "")
        return {
            "separator": SEPARATOR_NAMES.get(str(self["separator"].value() or ""), ""),
            "encoding": encoding if encoding in ENCODINGS else "",
        }

    def read_source(self) -> None:
        """Read the source, if there is one; its problems become errors of its field."""
        try:
            self.origin = self._open()
            self.look = look(self.origin, **self.separation) if self.origin else None
        except (TableError, UserError) as error:
            self.add_error(self.source_field, sentences(error))
        except AwsError as error:
            self.add_error(self.source_field, self._not_read(error))
        except ValidationError as error:
            self.add_error(self.source_field, error)
        self._arrange()

    def _open(self) -> Source | None:
        if self.token:
            return from_upload(self.token, str(self["upload_name"].value() or "file"))
        if self.source_s3_uri:
            return from_s3(self.storage, self.fields["input_s3_uri"].clean(self.source_s3_uri))
        return None

    def _not_read(self, error: AwsError) -> str:
        if error.code in NOT_THERE:
            return f"There is no object at {self.source_s3_uri}."
        return sentences(error)

    # The recipe.

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if "input_s3_uri" not in self.errors:
            self.read_source()
        if not self.has_source:
            label = "File" if self.source_field == "file" else "S3 URI"
            self.add_error(self.source_field, required(label)["required"])
        if self.look and not self.look.foreign:
            self._clean_answers()
        if self.look and not self.errors.keys() - {"output_s3_uri"}:
            self._try_recipe(self.look)
        if self.look and not self.errors.keys() - {"output_s3_uri"}:
            self.estimate = judge(self)
        return data

    def _clean_answers(self) -> None:
        """Add errors if the chosen answer format is not filled in."""
        if self.answers == SCHEMA and not self.schema_text:
            self.add_error("output_schema", required("JSON Schema")["required"])
        if self.answers == FIELDS and not self.answer_fields.is_valid():
            self.add_error("answer_format", _first_error(self.answer_fields))

    def _try_recipe(self, look: Look) -> None:
        try:
            look.first_records(self.recipe)
        except RecipeError as error:
            part = "answer_format" if error.part == "output_schema" and self.answers != SCHEMA else error.part
            self.add_error(part, sentences(error))
        except TableError as error:
            self.add_error(self.source_field, sentences(error))

    @property
    def answers(self) -> str:
        """The format of answers: :data:`TEXT`, :data:`SCHEMA` or :data:`FIELDS`."""
        chosen = str(self["answer_format"].value() or "")
        return chosen if chosen in (SCHEMA, FIELDS) else TEXT

    @property
    def schema_text(self) -> str:
        """The output schema as JSON; empty for text answers and while no field has a name."""
        if self.answers == SCHEMA:
            return str(self["output_schema"].value() or "").strip()
        fields = self.answer_fields.fields_of_answer if self.answers == FIELDS else []
        return msgspec.json.encode(schema_of(fields)).decode() if fields else ""

    @property
    def recipe(self) -> Recipe:
        """The recipe for records, without parts that are invalid or not filled in."""
        names = [name for name in Recipe.__struct_fields__ if name in self.fields and name != "output_schema"]
        values = {name: self._value(name) for name in names} | {"output_schema": self.schema_text}
        return Recipe(**{name: value for name, value in values.items() if value not in (None, "")})

    @property
    def content(self) -> Content:
        """What a saved template keeps of the form."""
        fields = self.answer_fields.fields_of_answer if self.answers == FIELDS else []
        return Content(recipe=self.recipe, fields=tuple(fields))

    def _value(self, name: str) -> Any:
        try:
            value = (
                self.cleaned_data[name] if name in self.cleaned_data else self.fields[name].clean(self[name].value())
            )
        except ValidationError:
            return None
        # Browsers send line breaks of text areas as CRLF; prompts use LF.
        return value.replace("\r\n", "\n") if isinstance(value, str) else value

    def clean_output_s3_uri(self) -> str:
        """Return the URI of the object to write. Raises ValidationError if it must not be written there."""
        uri = self._named(self.cleaned_data["output_s3_uri"])
        validate_s3_uri(uri)  # the file's name may make it too long
        try:
            require_places(self.connection, upload=uri)
        except NotAllowed as error:
            raise ValidationError(sentences(error), code="not_allowed") from error
        return uri

    def _named(self, uri: str) -> str:
        """Return the URI of the object to write. In a folder it is named after the source, but is never the source."""
        if uri.count("/") == 2 or uri.endswith("/"):
            named = f"{uri.rstrip('/')}/{self._stem()}.jsonl"
            return named if named != self.source_s3_uri else f"{named.removesuffix('.jsonl')}-records.jsonl"
        if uri == self.source_s3_uri:
            raise ValidationError("This is the source file. Enter another name.")
        if not uri.endswith(".jsonl"):
            raise ValidationError("Bedrock reads files whose names end in .jsonl. End with that, or with a slash.")
        return uri

    def _stem(self) -> str:
        """Return the source's name without extension, using only characters that Bedrock accepts in a path."""
        name = self.source_s3_uri.rpartition("/")[2] or str(self["upload_name"].value() or "")
        stem = "".join(each if each.isascii() and (each.isalnum() or each in "-_.") else "-" for each in name)
        return stem.rpartition(".")[0].strip("-.") or "records"

    @property
    def all_warnings(self) -> list[str]:
        """The warnings of all fields, in page order."""
        return [words for name in self.shown_order for words in self.warnings.get(name, [])]

    @property
    def first_previewed(self) -> int:
        """The number of the first row in the preview."""
        return max(1, read_number(str(self["preview_row"].value() or "1").strip()))

    def preview(self) -> tuple[list[Made], str]:
        """Return the chosen records and an empty text, or no records and the error; both are empty without a source."""
        if self.look is None or self.origin is None:
            return [], ""
        try:
            seen = look_at(self.origin, self.look, start=self.first_previewed, **self.separation)
            return seen.first_records(self.recipe), ""
        except (RecipeError, TableError, AwsError) as error:
            return [], sentences(error)


def _version_choices(connection: Connection) -> list[tuple[str, Any]]:
    """Return the saved versions as Django choices, a group for each template with its newest versions."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for version in offered_versions(connection):
        listed = groups.setdefault(version.template.name, [])
        if len(listed) < VERSIONS_LISTED:
            listed.append((str(version.pk), str(version)))
    return [("", "Choose a template" if groups else "None saved yet"), *groups.items()]


def _first_error(formset: AnswerFieldFormSet) -> str:
    return next((error.message for error in formset.error_list("Fields")), "Name at least one field.")


def suggestions(form: MakingForm) -> dict[str, str]:
    """Return initial values for a source just read: a prompt, the column of the record id, the source's folder."""
    found: dict[str, str] = {}
    rows = form.look.rows if form.look else []
    if rows:
        longest = max(rows[0], key=lambda name: sum([len(row.get(name, "")) for row in rows]))
        found["template"] = f"{{{longest}}}"
        plain = {"".join(filter(str.isalnum, name.lower())): name for name in rows[0]}
        found["record_id_column"] = next((plain[name] for name in ID_COLUMNS if name in plain), "")
    if form.source_s3_uri and form.origin:
        found["output_s3_uri"] = form.source_s3_uri.rpartition("/")[0] + "/"
    return found
