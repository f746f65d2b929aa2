"""The form of a schedule: the job's fields as in the create form, with placeholders, and when jobs are made of them."""

from typing import Any, ClassVar, cast

from django import forms
from django.urls import reverse

from batchconsole.aws.constraints import job_constraints
from batchconsole.console.create.forms import LINEAGE, JobForm, initial_of
from batchconsole.console.create.layout import schedule_layout
from batchconsole.console.kit import meanwhile
from batchconsole.console.kit.fields import S3UriField, required
from batchconsole.console.kit.layout import Choice
from batchconsole.jobs.creating import Invalid
from batchconsole.jobs.models import BatchJob, Connection, JobRequest, Schedule
from batchconsole.jobs.models.schedule import TITLE_LENGTH
from batchconsole.jobs.repeating.schedules import MOST_MINUTES, MOST_RECORDS, MOST_STABLE_SECONDS, Wanted

KINDS = [
    (Schedule.Kind.RULE, Choice("At times", "A cron rule, in a time zone: every night, every Monday, every hour.")),
    (Schedule.Kind.FOLDER, Choice("For each new file", "Each new .jsonl file in the input folder becomes a job once.")),
]
# Fields of the create form that a schedule has no use for.
WITHOUT = ("other_model_ids", *LINEAGE, "start_at", "service_role", "role_name")
OPTIONS_OF_RULE = ("rule", "zone", "missed")
OPTIONS = ("title", "kind", *OPTIONS_OF_RULE)
OPTIONS_OF_FOLDER = ("interval_minutes", "stable_seconds", "min_records", "takes_overwritten", "takes_existing")
# The domain's names of fields that have another name here.
FIELDS = {"folder_s3_uri": "input_s3_uri"}
CHANGED = "Changed after you opened this page: it is {} now. Save again to keep your value."
NAME_LENGTH = 2 * (job_constraints()["jobName"].max or 63)  # placeholders are longer than what they stand for


class PatternField(S3UriField):
    """A location with placeholders, which the domain judges as a run would fill them in."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.validators = []


def number(label: str, *, help_text: str, least: int, most: int, **kwargs: Any) -> forms.IntegerField:
    """Return a field for a whole number from *least* to *most*."""
    message = f"{label} must be a whole number from {least:,} to {most:,}."
    errors = dict.fromkeys(("required", "invalid", "min_value", "max_value"), message)
    return forms.IntegerField(
        label=label, help_text=help_text, min_value=least, max_value=most, error_messages=errors, **kwargs
    )


class ScheduleForm(JobForm):
    """A new schedule, or changes to *schedule*, whose kind is fixed."""

    title = forms.CharField(
        label="Title", max_length=TITLE_LENGTH, help_text="What it is for.", error_messages=required("Title")
    )
    kind = forms.ChoiceField(
        label="When jobs are created", choices=KINDS, initial=Schedule.Kind.RULE, widget=forms.RadioSelect
    )
    rule = forms.CharField(
        label="Rule",
        required=False,
        max_length=100,
        help_text="Minute, hour, day of the month, month and day of the week, as in cron.",
    )
    zone = forms.CharField(label="Time zone", required=False, max_length=64, initial="UTC")
    missed = forms.ChoiceField(
        label="Missed runs",
        required=False,
        choices=Schedule.Missed.choices,
        initial=Schedule.Missed.LATEST,
        help_text="What becomes of runs while the console does not run.",
        widget=forms.Select(attrs={"class": "input"}),
    )
    interval_minutes = number(
        "Interval", help_text="Minutes between two looks into the folder.", least=1, most=MOST_MINUTES, initial=5
    )
    stable_seconds = number(
        "Unchanged for",
        help_text="Seconds that a file stays as it is before it is taken, so that it is complete.",
        least=0,
        most=MOST_STABLE_SECONDS,
        initial=60,
    )
    min_records = number(
        "Minimum records",
        help_text="Files with fewer records are skipped. Most models need 100 in a job.",
        least=1,
        most=MOST_RECORDS,
        required=False,
    )
    takes_overwritten = forms.BooleanField(
        label="A file that is overwritten is a new one",
        required=False,
        help_text="Else each name becomes a job once.",
    )
    takes_existing = forms.BooleanField(
        label="Also take the files that are there now",
        required=False,
        help_text="Else only files that are uploaded from now on.",
    )
    job_name = forms.CharField(
        label="Job name",
        max_length=NAME_LENGTH,
        help_text="With placeholders for the time or the file. A name in use gets a number.",
        error_messages=required("Job name"),
    )
    input_s3_uri = PatternField(help_text="The input of each run, or the folder to watch.")
    output_s3_uri = PatternField(help_text="Each job writes to a folder of its own in this location.")

    seen = meanwhile.seen_field()

    error_labels: ClassVar = {"input_s3_uri": "Input data", "output_s3_uri": "Output data"}

    def __init__(
        self,
        data: Any = None,
        *,
        connection: Connection,
        initial: dict[str, Any] | None = None,
        schedule: Schedule | None = None,
    ) -> None:
        super().__init__(data, connection=connection, initial=initial)
        self.schedule = schedule
        for name in WITHOUT:
            del self.fields[name]
        if schedule:
            kind = cast("forms.ChoiceField", self.fields["kind"])
            kind.choices, kind.disabled = [each for each in KINDS if each[0] == schedule.kind], True
            self.initial["kind"] = schedule.kind
            self._keep_options_of_other_kind(schedule)
            self.initial["seen"] = meanwhile.written(meanwhile.as_text(definition_of(schedule)))
        self.focus("" if self.is_bound else "title")
        self.helper.attrs = {}
        self.helper.layout = schedule_layout(connection.name, cancel_url=_cancel_url(connection, schedule))

    def _keep_options_of_other_kind(self, schedule: Schedule) -> None:
        """Take the stored values of options that the page of *schedule* does not show, and so does not post."""
        for name in OPTIONS_OF_FOLDER if schedule.is_by_rule else OPTIONS_OF_RULE:
            self.fields[name].disabled = True
            self.initial[name] = getattr(schedule, name, False)

    def clean_job_name(self) -> str:
        """Return the name: that of a job in use is no problem, since each run finds a free one."""
        return str(self.cleaned_data["job_name"])

    def clean(self) -> dict[str, Any]:
        super().clean()
        if self.cleaned_data.get("kind") == Schedule.Kind.RULE:
            self._require("rule")
            self._require("zone")
        return self.cleaned_data

    @property
    def wanted(self) -> Wanted:
        """The schedule as asked for by a valid form."""
        values = self.cleaned_data
        is_folder = values["kind"] == Schedule.Kind.FOLDER
        asked = values | {"tags": self.tags.tags}
        folder = {"folder_s3_uri": values["input_s3_uri"]} if is_folder else {}
        request = JobRequest.from_fields(asked | ({"input_s3_uri": ""} if is_folder else {}))
        options = {name: values[name] for name in (*OPTIONS, *OPTIONS_OF_FOLDER)}
        return Wanted(request=request, check_input=values["check_input"], **options, **folder)

    def take_changes(self, now: dict[str, Any]) -> bool:
        """Show what others changed, to the values *now*, after the page was opened; return whether they did."""
        try:
            here = flattened(self.wanted.columns)
        except ValueError:  # of the rule, which is told when it is saved
            return False
        seen = meanwhile.read(self.cleaned_data["seen"])
        changed = meanwhile.changed(seen, meanwhile.as_text(now), meanwhile.as_text(here))
        for name in changed:
            words = CHANGED.format(meanwhile.spoken(now.get(name)))
            self.add_error(*((name, words) if name in self.fields else (None, f"{name.capitalize()}: {words}")))
        if changed:
            posted = self.data.copy()  # type: ignore[attr-defined] # a QueryDict: only a posted form is compared
            posted["seen"] = meanwhile.written(meanwhile.as_text(now))
            self.data = posted
        return bool(changed)

    def take_problems(self, invalid: Invalid) -> None:
        """Show the domain's problems at their fields."""
        for problem in invalid.problems:
            name = FIELDS.get(problem.field, problem.field)
            self.add_error(name if name in self.fields else None, problem.message)


def flattened(columns: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of a schedule with those of its jobs' definition beside them, by the form's names."""
    values = {FIELDS.get(name, name): value for name, value in columns.items() if name != "definition"}
    return {**columns["definition"], **values}


def definition_of(schedule: Schedule) -> dict[str, Any]:
    """Return what the form changes of *schedule*, as it is stored."""
    place = [] if schedule.is_by_rule else ["folder_s3_uri"]
    columns = {name: getattr(schedule, name) for name in (*OPTIONS, *OPTIONS_OF_FOLDER[:-1], "check_input", *place)}
    return flattened(columns | {"definition": schedule.request.as_fields()})


def _cancel_url(connection: Connection, schedule: Schedule | None) -> str:
    return schedule.get_absolute_url() if schedule else reverse("schedule-list", args=[connection.name])


def initial_of_schedule(schedule: Schedule) -> dict[str, Any]:
    """Return the initial values of the form that changes *schedule*."""
    values = {name: getattr(schedule, name) for name in (*OPTIONS, *OPTIONS_OF_FOLDER[:-1], "check_input")}
    place = {} if schedule.is_by_rule else {"input_s3_uri": schedule.folder_s3_uri}
    return schedule.request.as_fields() | values | place


def initial_of_clone(job: BatchJob) -> dict[str, Any]:
    """Return the initial values of a schedule for jobs like *job*, named after it with the date."""
    return initial_of(job) | {"title": job.job_name, "job_name": f"{job.job_name}-{{date:%Y%m%d}}"}
