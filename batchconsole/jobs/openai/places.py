"""The folder of a connection's batches, the role of their jobs, and the model that a name stands for."""

import re
from fnmatch import fnmatchcase

from batchconsole.jobs.errors import UserError
from batchconsole.jobs.model_rules import serves
from batchconsole.jobs.models import Connection
from batchconsole.records import catalogue
from batchconsole.records.openai_lines import is_bedrock_model

FOLDER = "openai/"
CLAUDE = re.compile(r"anthropic\.(?P<name>claude-.+?)(?P<date>-\d{8})?(-v\d+(:\d+)?)?")


def folder_of(connection: Connection) -> str:
    """Return the S3 folder, with a trailing slash. Raises :class:`UserError` if the connection has none."""
    if connection.openai_folder:
        return connection.openai_folder
    if not connection.upload_prefixes:
        raise UserError(
            f"{connection} has no S3 folder for OpenAI batches.",
            hint="An administrator of the connection sets the folder, or a location for uploads.",
        )
    return f"{connection.upload_prefixes[0].rstrip('/')}/{FOLDER}"


def role_of(connection: Connection, asked: str = "") -> str:
    """Return the ARN of the service role, *asked* by the program or set. Raises :class:`UserError` if there is none."""
    found: str = asked or connection.openai_role_arn or next(iter(connection.service_roles), "")
    if not found:
        raise UserError(
            f"{connection} has no service role for OpenAI batches.",
            hint="An administrator of the connection sets it, or the program names one in X-Amzn-Bedrock-RoleArn.",
        )
    return found


def model_for(connection: Connection, name: str) -> str:
    """Return the id of the Bedrock model that *name* stands for on *connection*; empty if there is none.

    The map's own names come first, then its patterns (``gpt-4o*``), then Bedrock's ids, and Anthropic's own names.
    """
    names: dict[str, str] = connection.openai_models
    if name in names:
        return names[name]
    found = next((model_id for each, model_id in names.items() if "*" in each and fnmatchcase(name, each)), "")
    return found or (name if is_bedrock_model(name) else "") or claude_for(name, connection.region)


def claude_for(name: str, region: str) -> str:
    """Return the id or profile of Bedrock with which *region* calls the model that Anthropic calls *name*, or nothing.

    Anthropic's name is Bedrock's without provider and version, with or without its date.
    Source: https://docs.anthropic.com/en/docs/about-claude/models/overview.
    """
    wanted = name.removesuffix("-latest")
    for model in catalogue.models():
        known = CLAUDE.fullmatch(model.model_id)
        if known and wanted in (known["name"], f"{known['name']}{known['date'] or ''}"):
            usable = [model.model_id] if model.on_demand else []
            usable += [profile for profile in model.inference_profiles if serves(profile, region)]
            return next(iter(usable), model.model_id)
    return ""
