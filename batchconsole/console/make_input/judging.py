"""What is said of the form as it is filled in: numbers that a model refuses, values that are missing, the estimate."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError

from batchconsole.aws.errors import AwsError
from batchconsole.console.kit.amounts import usd
from batchconsole.console.kit.errors import sentences
from batchconsole.console.models.names import model_name
from batchconsole.jobs.inputs.input_surveys import Estimate, estimate_of, model_faults, survey_source
from batchconsole.jobs.model_rules import takes_converse
from batchconsole.records import catalogue
from batchconsole.records.bodies import SHAPES
from batchconsole.records.families import family_for
from batchconsole.records.families.faults import Fault
from batchconsole.records.making import Made, Part, RecipeError, part_at, placeholders
from batchconsole.records.rows import TableError
from batchconsole.records.surveying import Survey
from batchconsole.records.wording import MESSAGES, expected_words, message_of

if TYPE_CHECKING:
    from batchconsole.console.make_input.forms import MakingForm

NUMBERS: tuple[Part, ...] = ("max_tokens", "temperature")
# The fields whose errors and warnings follow what is typed.
JUDGED = ("template", "system", "shape", "record_id_column", *NUMBERS)


@dataclass(frozen=True)
class ShownEstimate:
    """An estimate in words; ``model`` is the name of the chosen model."""

    estimate: Estimate
    model: str

    @property
    def input_cost(self) -> str:
        cost = self.estimate.cost
        return usd(cost.input_usd) if cost else ""

    @property
    def total_cost(self) -> str:
        cost = self.estimate.cost
        if cost is None or cost.output_usd_at_most is None:
            return ""
        return usd(cost.input_usd + cost.output_usd_at_most)


def judge(form: "MakingForm") -> ShownEstimate | None:
    """Add errors and warnings to the fields of *form*, and return the estimate; None without a source or a record."""
    _judge_numbers(form)
    look, recipe, origin = form.look, form.recipe, form.origin
    if look is None or origin is None:
        return None
    try:
        first = look.first_records(recipe)[0]
    except RecipeError as error:
        if error.part in NUMBERS:
            _refuse(form, error.part, str(error))
        return None
    except TableError as error:
        _refuse(form, form.source_field, sentences(error))
        return None
    model_id = str(form["model_id"].value() or "").strip()
    _judge_model(form, first, model_id)
    try:
        surveyed = survey_source(origin, look, recipe=recipe, **form.separation)
    except AwsError:
        return None
    _tell(form, surveyed[0])
    estimate = estimate_of(form.connection, surveyed, first=first, recipe=recipe, model_id=model_id)
    return ShownEstimate(estimate, model_name(model_id) if model_id else "")


def _refuse(form: "MakingForm", field: str, words: str) -> None:
    if field not in form.errors:
        form.add_error(field, words)


def _judge_numbers(form: "MakingForm") -> None:
    for name in NUMBERS:
        try:
            form.fields[name].clean(form[name].value())
        except ValidationError as error:
            _refuse(form, name, error.messages[0])


def _judge_model(form: "MakingForm", first: Made, model_id: str) -> None:
    """Say what the chosen model would refuse: the record format, or a value in the first record."""
    shape, model = SHAPES[form.recipe.shape], catalogue.find_model(model_id)
    if model is None:
        return
    if shape.family == "converse" and not takes_converse(model):
        _refuse(form, "shape", f"{model.name} does not take Converse requests. {_fitting(model_id)}")
        return
    family = family_for(model_id, shape.invocation_type)
    if family and family.name != shape.family and shape.family not in family.like:
        _refuse(form, "shape", f"{model.name} does not take {shape.title} requests. {_fitting(model_id)}")
        return
    for fault in model_faults(first, shape=shape.name, model_id=model_id):
        part = part_at(fault.path)
        _refuse(form, "answer_format" if part == "output_schema" else part or "shape", _words(fault, model))


def _fitting(model_id: str) -> str:
    """Return the advice which record formats suit the model."""
    family = family_for(model_id, "InvokeModel")
    model = catalogue.find_model(model_id)
    fitting = [shape.title for shape in SHAPES.values() if family and shape.family in {family.name, *family.like}]
    if model and takes_converse(model):
        fitting.insert(0, "Converse")
    return f"Choose {' or '.join(fitting)}." if fitting else "Choose another model."


def _words(fault: Fault, model: catalogue.Model) -> str:
    if fault.code == "max-tokens-above-limit":
        return f"{model.name} gives at most {model.max_output_tokens:,} output tokens."
    if fault.message or fault.code in MESSAGES:
        return f"{model.name}: {message_of(fault)}"
    return f"{model.name} takes {expected_words(fault)}, not {fault.found}."


def _tell(form: "MakingForm", survey: Survey) -> None:
    """Add what the survey found as warnings, and what would end the making as errors."""
    recipe = form.recipe
    if survey.fault:
        _refuse(form, form.source_field, survey.fault)
    if survey.blank_prompts.count:
        words = f"Row {survey.blank_prompts.first:,}: Its prompt is blank."
        _refuse(form, "template", f"{words} Fill in or leave out the rows without a value.")
    if survey.blank_ids.count:
        words = f"Row {survey.blank_ids.first:,}: Its {recipe.record_id_column} is blank, and a record needs an id."
        _refuse(form, "record_id_column", words)
    if survey.repeated:
        value, first, again = survey.repeated
        words = f"{value[:80]} stands in row {first:,} and again in row {again:,}. {_rows(survey.repeats, survey)} "
        repeat = "repeats" if survey.repeats == 1 else "repeat"
        form.warn("record_id_column", f"{words}{repeat} an earlier id: their answers can't be told apart.")
    in_prompt = placeholders(recipe.template)
    for missing in survey.missing:
        have = "has" if missing.count == 1 else "have"
        words = f"{_rows(missing.count, survey)} {have} no {missing.column}, the first is row {missing.first:,}."
        form.warn("template" if missing.column in in_prompt else "system", words)


def _rows(count: int, survey: Survey) -> str:
    of = "" if survey.is_whole else f" of the first {survey.rows:,}"
    return f"{count:,} row{'' if count == 1 else 's'}{of}"


def told(form: "MakingForm") -> str:
    """Return a digest of the form's warnings; empty without any. A form that posts it has shown them."""
    if not form.warnings:
        return ""
    return blake2b(repr(sorted(form.warnings.items())).encode(), digest_size=8).hexdigest()
