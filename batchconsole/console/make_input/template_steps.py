"""Using and saving prompt templates on the form that makes batch input."""

from typing import Any

import msgspec
from django.http import QueryDict

from batchconsole.console.kit.errors import sentences
from batchconsole.console.make_input.answer_fields import write_rows
from batchconsole.console.make_input.forms import FIELDS, SCHEMA, TEXT, MakingForm
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.inputs.prompt_templates import find_version, save_version
from batchconsole.jobs.models import Actor, PromptTemplateVersion
from batchconsole.records.making import Recipe

RECIPE_PARTS = ("template", "system", "shape", "max_tokens", "temperature")


def use_version(data: QueryDict, version: PromptTemplateVersion, *, columns: tuple[str, ...]) -> None:
    """Fill the posted *data* with what *version* says; its id column only if it is one of *columns*."""
    content = version.content
    for name in RECIPE_PARTS:
        value = getattr(content.recipe, name)
        data[name] = "" if value is None else str(value)
    if content.recipe.record_id_column in columns:
        data["record_id_column"] = content.recipe.record_id_column
    data["answer_format"] = FIELDS if content.fields else SCHEMA if content.recipe.output_schema else TEXT
    data["output_schema"] = "" if content.fields else content.recipe.output_schema
    write_rows(data, [_row(msgspec.structs.asdict(field)) for field in content.fields])
    data["template_version"] = data["chosen_template"] = str(version.pk)
    data["save_as"] = version.template.name


def _row(field: dict[str, Any]) -> dict[str, str]:
    return {**field, "required": "on" if field["required"] else ""}


def use_chosen(form: MakingForm, data: QueryDict) -> None:
    """Fill *data* with the version chosen in *form*; if none is chosen, that is said at the field."""
    version = find_version(form.connection, data.get("chosen_template", ""))
    if version is None:
        form.add_error("chosen_template", "Choose a template.")
    else:
        use_version(data, version, columns=form.look.columns if form.look else ())


def save_template(form: MakingForm, actor: Actor, data: QueryDict) -> str:
    """Save what *form* says under the name in it. Return what was saved, or add an error and return an empty string."""
    if not form.recipe.template.strip():
        form.add_error("template", "Prompt template is required.")
    if form.errors:
        return ""
    try:
        version = save_version(form.connection, actor, name=data.get("save_as", ""), content=form.content)
    except UserError as error:
        form.add_error("save_as", sentences(error))
        return ""
    data["template_version"] = data["chosen_template"] = str(version.pk)
    data["save_as"] = version.template.name
    return f"Saved as {version}."


def made_with(form: MakingForm) -> str:
    """Return the template and version that *form* was filled with and, if so, that it was changed since."""
    version = find_version(form.connection, str(form["template_version"].value() or ""))
    if version is None or (form.look and form.look.foreign):
        return ""
    is_same = _without_ids(version.content.recipe) == _without_ids(form.recipe)
    return str(version) if is_same else f"{version}, changed"


def _without_ids(recipe: Recipe) -> Recipe:
    """Return *recipe* without the id column, which belongs to the table more than to the template."""
    return msgspec.structs.replace(recipe, record_id_column="")
