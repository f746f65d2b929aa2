"""The properties that the job list can be filtered by, and tokens such as ``Status = Failed`` in a query string.

A token is a property, one of its operators, and a value. Text that cannot be read as one is not a token; nothing is
guessed.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import re2
from django.db.models import Q, TextField
from django.db.models.functions import Cast
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from batchconsole.jobs.finding import durations, narrowing
from batchconsole.jobs.finding.querysets import BatchJobQuerySet
from batchconsole.jobs.models import BatchJob
from batchconsole.jobs.queue.queue_places import HELD, HELD_TITLE
from batchconsole.jobs.record_errors import WITH_ERRORS, WITH_ERRORS_TITLE
from batchconsole.jobs.states import Status

WORDS = {
    "=": "equals",
    "!=": "does not equal",
    ":": "contains",
    "!:": "does not contain",
    ">=": "is at least",
    "<=": "is at most",
    "<": "is less than",
    ">": "is greater than",
    "^": "starts with",
}
LOOKUPS = {">=": "gte", "<=": "lte", "<": "lt", ">": "gt"}
TEXT = ("=", "!=", ":", "!:", "^")
CHOICE = ("=", "!=")
ORDERED = (">=", "<=", "<", ">")
MAX_VALUE = 200
ARCHIVED = "archived"
MAX_DIGITS = 15

LEAST_YEAR, LAST_YEAR = 1000, 9998  # at the calendar's edges, time zones and the following day would leave it

DAYS_BACK = {"today": 0, "yesterday": 1}
# At most 9,999 units, so the year stays within the calendar.
RELATIVE = re2.compile(r"(last )?(\d{1,4}) (hour|day|week)s?( ago)?")
AMOUNT = re2.compile(r"\d{1,8}(\.\d{1,6})?")
TIMES = ("today", "yesterday", "last 24 hours", "last 7 days", "last 30 days")

Condition = Callable[[str, str], Q | None]
Narrowing = Callable[[str, str, Q], Q]


@dataclass(frozen=True, kw_only=True)
class Property:
    """One property: its title, its operators, and the condition that a token becomes.

    ``condition`` gets the operator without its negation and the value, and returns ``None`` for a value that it cannot
    read. ``narrowing`` rewrites the condition so that an index answers it best, and may query the database for that.
    """

    name: str
    title: str
    operators: tuple[str, ...]
    condition: Condition
    narrowing: Narrowing | None = None
    values: tuple[str, ...] = ()  # all of its values
    suggested: tuple[str, ...] = ()  # some of its values


@dataclass(frozen=True)
class Token:
    """One condition: ``str(token)`` is its form in the query string, ``text`` the form for people."""

    of: Property
    operator: str
    value: str

    def __str__(self) -> str:
        return f"{self.of.name}{self.operator}{self.value}"

    @property
    def text(self) -> str:
        return f"{self.of.title} {self.operator} {self.value}"

    @property
    def spoken(self) -> str:
        return f"{self.of.title} {WORDS[self.operator]} {self.value}"

    @property
    def condition(self) -> Q | None:
        found = self.of.condition(self.operator.replace("!", ""), self.value)
        return ~found if found is not None and self.operator.startswith("!") else found

    @property
    def narrowed(self) -> Q:
        """The condition in the form that an index answers best."""
        found = self.condition or Q()
        return self.of.narrowing(self.operator, self.value, found) if self.of.narrowing else found


def text_of(field: str) -> Condition:
    """Return conditions on a text column that ignore case."""
    lookups = {"=": "iexact", ":": "icontains", "^": "istartswith"}
    return lambda operator, value: Q(**{f"{field}__{lookups[operator]}": value})


def status(operator: str, value: str) -> Q | None:
    wanted = value.replace(" ", "").lower()
    if wanted == WITH_ERRORS_TITLE.replace(" ", "").lower():
        return WITH_ERRORS
    if wanted == HELD_TITLE.lower():
        return HELD
    found = [each for each in Status if each.value.lower() == wanted]
    return Q(status__in=found) if found else None


def model(operator: str, value: str) -> Q:
    """Match the model's id or its name in the catalogue."""
    lookup = text_of("model_id")(operator, value) or Q()
    named = narrowing.named_models(operator, value)
    return lookup | Q(base_model_id__in=named) if named else lookup


def invocation_type(operator: str, value: str) -> Q | None:
    found = [each for each in BatchJob.InvocationType.values if each.lower() == value.lower()]
    return Q(model_invocation_type__in=found) if found else None


def origin(operator: str, value: str) -> Q | None:
    found = [each for each, label in BatchJob.Origin.choices if value.lower() in (each, str(label).lower())]
    return Q(origin__in=found) if found else None


def lane(operator: str, value: str) -> Q | None:
    wanted = value.lower().replace("_", " ").replace("-", " ")
    found = [each for each, label in BatchJob.Lane.choices if wanted == str(label).lower()]
    return Q(lane__in=found) if found else None


def archived(operator: str, value: str) -> Q | None:
    known = {"yes": Q(archived_at__isnull=False), "no": Q(archived_at__isnull=True), "any": Q()}
    return known.get(value.lower())


def created_by(operator: str, value: str) -> Q:
    return Q(created_by=None) if value == narrowing.NOBODY else Q(created_by__username=value)


def tag(operator: str, value: str) -> Q:
    """Match ``team`` as a key, ``team=nlp`` as a key and its value, in the column's JSON as text."""
    key, equals, text = value.partition("=")
    found = Q()
    for ascii_only in (True, False):  # databases differ in how they write non-ASCII letters
        begin = f'"key": {json.dumps(key, ensure_ascii=ascii_only)}, "value": '
        found |= Q(tags_text__contains=begin + (json.dumps(text, ensure_ascii=ascii_only) if equals else ""))
    return found


@dataclass(frozen=True)
class Span:
    """A span of time from its start up to but not including its end; a moment if both are equal."""

    start: datetime
    end: datetime

    def asked(self, field: str, operator: str) -> Q:
        """Return the condition that the time in *field* lies in, before or after the span."""
        if operator == "=":
            return Q(**{f"{field}__gte": self.start, f"{field}__lt": self.end})
        is_moment = self.start == self.end
        lookups = {">=": "gte", "<": "lt", ">": "gt" if is_moment else "gte", "<=": "lte" if is_moment else "lt"}
        return Q(**{f"{field}__{lookups[operator]}": self.start if operator in (">=", "<") else self.end})


def read_span(value: str) -> Span | None:
    """Read a day in the preferred time zone, an ISO time or a relative time; return ``None`` for other text.

    ``today``, ``yesterday``, ``7 days ago`` and ``last 24 hours`` are relative to the moment at which the list is
    opened.
    """
    said = " ".join(value.lower().split())
    today = timezone.localdate()
    if said in DAYS_BACK:
        return _day(today - timedelta(days=DAYS_BACK[said]))
    found = RELATIVE.fullmatch(said)
    if found:
        return _relative(int(found[2]), found[3], is_last=bool(found[1]), today=today) if found[1] or found[4] else None
    return _absolute(value)


def _relative(count: int, unit: str, *, is_last: bool, today: date) -> Span:
    ago = timedelta(**{f"{unit}s": count})
    if is_last:
        return Span(timezone.now() - ago, timezone.now())
    return _moment(timezone.now() - ago) if unit == "hour" else _day(today - ago)


def _absolute(value: str) -> Span | None:
    try:
        at, day = parse_datetime(value), parse_date(value)
    except ValueError:
        return None
    if not LEAST_YEAR <= (at or datetime.combine(day or date.min, time())).year <= LAST_YEAR:
        return None
    return _day(day) if day else _moment(at) if at else None


def _day(day: date) -> Span:
    return Span(_aware(datetime.combine(day, time())), _aware(datetime.combine(day + timedelta(days=1), time())))


def _moment(at: datetime) -> Span:
    return Span(_aware(at), _aware(at))


def _aware(at: datetime) -> datetime:
    return timezone.make_aware(at) if timezone.is_naive(at) else at


def moment(field: str) -> Condition:
    """Return conditions on a time: see :func:`read_span`."""

    def condition(operator: str, value: str) -> Q | None:
        span = read_span(value)
        return span.asked(field, operator) if span else None

    return condition


def amount(field: str) -> Condition:
    """Return conditions on an amount of dollars, with or without the dollar sign."""

    def condition(operator: str, value: str) -> Q | None:
        digits = value.replace(",", "").removeprefix("$")
        if not AMOUNT.fullmatch(digits):
            return None
        return Q(**{f"{field}__{LOOKUPS.get(operator, 'exact')}": Decimal(digits)})

    return condition


def number(field: str) -> Condition:
    def condition(operator: str, value: str) -> Q | None:
        digits = value.replace(",", "")
        if not (digits.isascii() and digits.isdecimal() and len(digits) <= MAX_DIGITS):
            return None
        return Q(**{f"{field}__{LOOKUPS.get(operator, 'exact')}": int(digits)})

    return condition


PROPERTIES = (
    Property(name="name", title="Job name", operators=TEXT, condition=text_of("job_name"), narrowing=narrowing.name),
    Property(
        name="status",
        title="Status",
        operators=CHOICE,
        condition=status,
        narrowing=narrowing.status,
        values=(*(each.label for each in Status), WITH_ERRORS_TITLE, HELD_TITLE),
    ),
    Property(name="model", title="Model", operators=TEXT, condition=model, narrowing=narrowing.model),
    Property(
        name="type",
        title="Invocation type",
        operators=CHOICE,
        condition=invocation_type,
        values=tuple(BatchJob.InvocationType.values),
    ),
    Property(name="tag", title="Tag", operators=CHOICE, condition=tag, narrowing=narrowing.tag),
    Property(name="by", title="Created by", operators=CHOICE, condition=created_by, narrowing=narrowing.created_by),
    Property(
        name="origin",
        title="Origin",
        operators=CHOICE,
        condition=origin,
        values=tuple(str(label) for label in BatchJob.Origin.labels),
    ),
    Property(
        name="lane",
        title="Lane",
        operators=CHOICE,
        condition=lane,
        narrowing=narrowing.lane,
        values=tuple(str(label) for label in BatchJob.Lane.labels),
    ),
    Property(name=ARCHIVED, title="Archived", operators=("=",), condition=archived, values=("yes", "no", "any")),
    Property(
        name="created",
        title="Creation time",
        operators=("=", *ORDERED),
        condition=moment("created_at"),
        suggested=TIMES,
    ),
    Property(
        name="ended",
        title="End time",
        operators=("=", *ORDERED),
        condition=moment("end_time"),
        narrowing=narrowing.end_time,
        suggested=TIMES,
    ),
    Property(name="records", title="Records", operators=("=", *ORDERED), condition=number("total_record_count")),
    Property(name="errors", title="Errors", operators=("=", *ORDERED), condition=number("error_record_count")),
    Property(
        name="duration",
        title="Duration",
        operators=("=", *ORDERED),
        condition=durations.duration,
        narrowing=narrowing.duration,
        suggested=durations.SUGGESTED,
    ),
    Property(name="cost", title="Cost", operators=("=", *ORDERED), condition=amount("cost_usd")),
)
BY_NAME = {name.lower(): each for each in PROPERTIES for name in (each.name, each.title)}
MAX_TEXT = MAX_VALUE + 100  # a property, an operator and the white space around them
# RE2 runs in time linear in the length of the text, whatever a person types.
NAMES = "|".join(sorted(map(re2.escape, BY_NAME), key=len, reverse=True))
SHAPE = re2.compile(rf"(?is)({NAMES})\s*(!=|!:|>=|<=|=|:|<|>|\^)\s*(.+)")
HALF = re2.compile(rf"(?i)({NAMES})\s*(!=|!:|>=|<=|=|:|<|>|\^|!)\s*")  # its value is still to come


def read_token(text: str) -> Token | None:
    """Return the token in *text*, as a query string has it or as people type it; ``None`` for other text."""
    found = _taken_apart(text)
    if not found or len(found[3]) > MAX_VALUE:
        return None
    of = BY_NAME[found[1].lower()]
    token = Token(of, found[2], found[3])
    return token if token.operator in of.operators and token.condition is not None else None


def _taken_apart(text: str) -> tuple[str, str, str, str] | None:
    """Return the text, the property's name, the operator and the value; ``None`` if the text has another form."""
    text = text.strip()
    if len(text) > MAX_TEXT or "\0" in text:
        return None
    found = SHAPE.fullmatch(text)
    return (text, found[1], found[2], found[3]) if found else None


def why_no_token(text: str) -> str:
    """Return what is wrong with *text* if it starts like a token but is not one; otherwise an empty string."""
    if len(text) > MAX_TEXT or read_token(text):
        return ""
    found = HALF.fullmatch(text.strip()) or SHAPE.fullmatch(text.strip())
    if not found:
        return ""
    of, operator = BY_NAME[found[1].lower()], found[2]
    if operator not in of.operators:
        return f"{of.title} takes {' '.join(of.operators)}, not {operator}"
    said = f"{of.title} has no value {found[3]}" if found.re is SHAPE else f"{of.title} {operator} needs a value"
    if of.values:
        return f"{said}: choose {', '.join(of.values)}"
    return f"{said}. Enter one such as {of.suggested[0]}" if of.suggested else said


def read_tokens(texts: Iterable[str]) -> list[Token]:
    """Return the tokens among *texts*, without duplicates."""
    return list({str(token): token for token in map(read_token, texts) if token}.values())


def matching(jobs: BatchJobQuerySet, tokens: Iterable[Token], *, any_of: bool) -> BatchJobQuerySet:
    """Return the *jobs* that match all of *tokens*, or any of them."""
    jobs = jobs.alias(tags_text=Cast("tags", TextField()), seconds=durations.Seconds())
    tokens = list(tokens)
    conditions = [token.narrowed for token in tokens]
    if any_of:
        return jobs.any_of(conditions)
    tags = [token.value for token in tokens if (token.of.name, token.operator) == ("tag", "=")]
    return jobs.filter(narrowing.tags_together(tags), *conditions)
