"""Commands of the verbs: their arguments and options are the parameters of the verb's method."""

import argparse
import inspect
import re
from typing import Any, Literal, get_args, get_origin

from batchconsole.client.http import Api
from batchconsole.client.verbs import VERBS, Verb


def add_verbs(nouns: Any, jobs: Any) -> dict[str, argparse.ArgumentParser]:
    """Add a command for each verb that has one: those of jobs to *jobs*, the others to *nouns*. Return them by name."""
    return {
        verb.command: _add_verb(jobs if verb.command.startswith("jobs ") else nouns, verb)
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
    if get_origin(kind) is dict:
        command.add_argument(parameter.name, nargs="*", metavar="key=value")
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


def call_verb(api: Api, asked: argparse.Namespace) -> Any:
    """Call the verb of the command *asked*, and return the console's response. Raises ApiError and ValueError."""
    values = {each.name: getattr(asked, each.name) for each in _parameters(asked.called)}
    return asked.called.on(api)(**values)
