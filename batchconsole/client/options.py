"""Commands of the verbs: their arguments and options are the parameters of the verb's method."""

import argparse
import inspect
import json
import re
import sys
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from batchconsole.client.calls import Json, Verb
from batchconsole.client.http import Api
from batchconsole.client.verbs import VERBS

NOUNS = {
    "jobs": "create, list, follow, order, repeat and stop jobs",
    "splits": "split an input that is too large, and follow its jobs",
    "prompt-templates": "save, read, archive and delete prompt templates",
    "on-demand": "have few records sent one by one, and ask what that costs",
    "schedules": "create, run, pause and change schedules and watched folders",
    "job-templates": "save, use and delete job templates",
    "webhooks": "create, test, pause and remove webhooks",
}


def add_nouns(nouns: Any) -> dict[str, Any]:
    """Add the nouns of :data:`NOUNS`, and return what their verbs are added to, by noun."""
    return {
        noun: nouns.add_parser(noun, help=text).add_subparsers(dest="verb", required=True)
        for noun, text in NOUNS.items()
    }


def add_verbs(nouns: Any, groups: dict[str, Any]) -> dict[str, argparse.ArgumentParser]:
    """Add a command for each verb that has one: to its noun in *groups*, or to *nouns*. Return them by name."""
    return {
        verb.command: _add_verb(groups.get(verb.command.rpartition(" ")[0], nouns), verb)
        for verb in VERBS
        if verb.command
    }


def _add_verb(commands: Any, verb: Verb) -> argparse.ArgumentParser:
    text = inspect.getdoc(verb.method) or ""
    command: argparse.ArgumentParser = commands.add_parser(
        verb.command.rpartition(" ")[2], help=_first_sentence(text), description=text
    )
    for parameter in _parameters(verb):
        _add_parameter(command, parameter)
    command.set_defaults(called=verb)
    return command


def _first_sentence(text: str) -> str:
    """Return it as argparse writes its own help: without capital and full stop."""
    found = re.split(r"\.(?:\s|$)", text)[0]
    return found[:1].lower() + found[1:]


def _parameters(verb: Verb) -> list[inspect.Parameter]:
    return list(inspect.signature(verb.method).parameters.values())[1:]


def _add_parameter(command: argparse.ArgumentParser, parameter: inspect.Parameter) -> None:
    """Add an argument if *parameter* has no default, an option otherwise. Texts by key are given as key=value."""
    kind, option = parameter.annotation, f"--{parameter.name.replace('_', '-')}"
    if kind == Json:
        command.add_argument(
            parameter.name, type=read_json, metavar="FILE", help="a JSON file, or - for standard input"
        )
    elif get_origin(kind) is dict:
        command.add_argument(parameter.name, nargs="*", metavar="key=value")
    elif parameter.default is parameter.empty and get_origin(kind) is list:
        command.add_argument(parameter.name, nargs="+", type=get_args(kind)[0])
    elif kind == int | None:
        command.add_argument(option, default=parameter.default, type=int)
    elif parameter.default is parameter.empty:
        command.add_argument(parameter.name, type=kind)
    elif kind is bool:
        command.add_argument(option, default=parameter.default, action=argparse.BooleanOptionalAction)
    elif get_origin(kind) is list:
        command.add_argument(option, default=parameter.default, nargs="+", type=get_args(kind)[0])
    elif get_origin(kind) is Literal:
        command.add_argument(option, default=parameter.default, choices=get_args(kind))
    else:
        command.add_argument(option, default=parameter.default, type=kind)


def read_json(name: str) -> Json:
    """Return the object in the JSON file *name*, or on standard input for ``-``. Raises ArgumentTypeError."""
    try:
        found = json.loads(sys.stdin.read() if name == "-" else Path(name).read_text())
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"{name}: {error}") from error
    if not isinstance(found, dict):
        raise argparse.ArgumentTypeError(f"{name}: The file has to hold one JSON object.")
    return found


def call_verb(api: Api, asked: argparse.Namespace) -> Any:
    """Call the verb of the command *asked*, and return the console's response. Raises ApiError and ValueError."""
    values = {each.name: getattr(asked, each.name) for each in _parameters(asked.called)}
    return asked.called.on(api)(**values)
