"""Every setting of the service: its command-line option, environment variable and default.

An option takes precedence over its environment variable. Delays and limits can also be changed while the service runs.
"""

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import msgspec
from msgspec import Meta

from batchconsole.records.limits import DEFAULTS, DEFAULTS_OF_CUSTOM_MODELS

ENVIRONMENT_PREFIX = "BATCHCONSOLE_LOCALBEDROCK_"
SECONDS = 0.0


class Settings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The settings. Sizes are in bytes, times in seconds; an empty string means "not given"."""

    host: Annotated[str, Meta(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="Port to listen on.")] = 4567
    allowed_hosts: Annotated[
        str, Meta(description="Host names to answer to besides loopback's and --host, separated by commas.")
    ] = ""
    allowed_origins: Annotated[
        str, Meta(description="Origins whose web pages may call, such as http://localhost:3000, separated by commas.")
    ] = ""
    data_dir: Annotated[str, Meta(description="Folder for the jobs and unfinished output.")] = "var/bedrock"
    aws_endpoint_url: Annotated[
        str,
        Meta(
            pattern=r"^(https?://.+)?$",
            description=("URL of the S3 and STS to use. Empty: AWS_ENDPOINT_URL, or else AWS itself."),
        ),
    ] = ""
    events_endpoint_url: Annotated[
        str,
        Meta(
            pattern=r"^(none|https?://.+)?$",
            description="URL of the EventBridge to tell of state changes, or none. Empty: that of --aws-endpoint-url.",
        ),
    ] = ""
    webhook_url: Annotated[
        str,
        Meta(pattern=r"^(https?://.+)?$", description="URL to which the event of each state change is posted."),
    ] = ""
    assume_role: Annotated[
        bool,
        Meta(
            description=(
                "Read and write S3 as the job's service role. false: as this process, for an S3 that has no STS."
            )
        ),
    ] = True
    account: Annotated[
        str,
        Meta(
            pattern=r"^\d{12}$",
            description=("Account of callers whose access key is not itself a 12-digit account id."),
        ),
    ] = "123456789012"
    region: Annotated[str, Meta(description="Region of callers whose signature names none.")] = "us-east-1"
    log_level: Annotated[
        str, Meta(pattern=r"^(debug|info|warning|error)$", description="debug, info, warning or error.")
    ] = "info"

    model: Annotated[
        str,
        Meta(
            pattern=r"^(echo|https?://.+)$",
            description=("URL of an OpenAI-compatible server (llama.cpp, vLLM, Ollama, SGLang ...), or echo."),
        ),
    ] = "echo"
    model_name: Annotated[
        str, Meta(description=("Model to ask the server for, when it serves several. Empty: the first it lists."))
    ] = ""
    model_api_key: Annotated[
        str,
        Meta(
            description=("Bearer token for the model server. Also as the name of a file, in the variable with _FILE.")
        ),
    ] = ""
    model_timeout_seconds: Annotated[float, Meta(gt=0, description="Longest wait for one answer.")] = 600.0
    concurrency: Annotated[int, Meta(ge=1, le=1024, description="Records at the model at once, of all jobs.")] = 8
    jobs_at_once: Annotated[int, Meta(ge=1, le=256, description="Jobs being validated or running at once.")] = 10

    submitted_seconds: Annotated[float, Meta(ge=0, description="How long a job is Submitted.")] = SECONDS
    validating_seconds: Annotated[float, Meta(ge=0, description="How long a job is Validating at least.")] = SECONDS
    scheduled_seconds: Annotated[float, Meta(ge=0, description="How long a job is Scheduled at least.")] = SECONDS
    record_seconds: Annotated[float, Meta(ge=0, description="How long a record takes at least.")] = SECONDS
    stopping_seconds: Annotated[float, Meta(ge=0, description="How long a job is Stopping at least.")] = SECONDS
    hour_seconds: Annotated[float, Meta(gt=0, description="Length of an hour of a job's timeout.")] = 3600.0

    min_records_per_job: Annotated[int, Meta(ge=0, description="Fewest records a job must have.")] = (
        DEFAULTS.min_records_per_job
    )
    max_records_per_job: Annotated[int, Meta(ge=1, description="Most records a job may have.")] = (
        DEFAULTS.records_per_job
    )
    max_records_per_file: Annotated[int, Meta(ge=1, description="Most records a file may have.")] = (
        DEFAULTS.records_per_file
    )
    max_file_bytes: Annotated[int, Meta(ge=1, description="Largest input file.")] = DEFAULTS.bytes_per_file
    max_job_bytes: Annotated[int, Meta(ge=1, description="Largest input of a job, all files together.")] = (
        DEFAULTS.bytes_per_job
    )
    max_record_bytes: Annotated[int, Meta(ge=1, description="Longest record.")] = 64 << 20
    max_jobs_per_model: Annotated[int, Meta(ge=0, description="Jobs in flight per model.")] = DEFAULTS.jobs_at_once
    max_jobs_per_custom_model: Annotated[int, Meta(ge=0, description="Jobs in flight per custom model.")] = (
        DEFAULTS_OF_CUSTOM_MODELS.jobs_at_once
    )
    min_free_bytes: Annotated[
        int, Meta(ge=0, description="Room the data folder's disk must keep; with less, jobs are refused or wait.")
    ] = 200 << 20
    max_tags: Annotated[int, Meta(ge=0, description="Tags per job.")] = 50


CHANGEABLE = frozenset(
    name for name in Settings.__struct_fields__ if name.endswith("_seconds") or "max_" in name or "min_" in name
)


def changed(settings: Settings, changes: dict[str, Any]) -> Settings:
    """Return *settings* with *changes*, which may name only delays and limits.

    Raises :class:`msgspec.ValidationError` for any other name or for a value out of range.
    """
    refused = sorted(set(changes) - CHANGEABLE)
    if refused:
        raise msgspec.ValidationError(f"Not changeable while running: {', '.join(refused)}")
    return msgspec.convert(msgspec.structs.asdict(settings) | changes, Settings)


def parse(arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings from *arguments* (default: the command line) and *environment*; exit if one is invalid."""
    parser = _parser()
    given = {name: value for name, value in vars(parser.parse_args(arguments)).items() if value is not None}
    try:
        return msgspec.convert(_from_environment(environment) | given, Settings, strict=False)
    except msgspec.ValidationError as error:
        what, _, name = str(error).rpartition(" - at `$.")
        option = name.rstrip("`")
        parser.error(f"--{option.replace('_', '-')} or {variable(option)}: {what}")
    except OSError as error:
        parser.error(f"{variable('model_api_key')}_FILE: {error}")


def _from_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the settings in *environment*. The API key may also be in a file, named by the variable with ``_FILE``."""
    file = environment.get(f"{variable('model_api_key')}_FILE")
    secret = {"model_api_key": Path(file).read_text().strip()} if file else {}
    names = [name for name in Settings.__struct_fields__ if variable(name) in environment]
    return secret | {name: environment[variable(name)] for name in names}


def variable(name: str) -> str:
    """Return the environment variable of the setting *name*."""
    return ENVIRONMENT_PREFIX + name.upper()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m batchconsole.localbedrock",
        usage="%(prog)s [--help] [--setting VALUE ...]",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=__package_description,
        epilog=EPILOG,
    )
    hints = get_type_hints(Settings, include_extras=True)
    for name, default in msgspec.structs.asdict(Settings()).items():
        description = next(meta.description for meta in hints[name].__metadata__ if meta.description)
        shown = "true" if default is True else default if default != "" else "empty"
        parser.add_argument(
            f"--{name.replace('_', '-')}", metavar="VALUE", help=f"{description} (default: {shown}; {variable(name)})"
        )
    return parser


__package_description = """\
A local Amazon Bedrock: batch inference jobs that really run, Converse and InvokeModel, and the model catalogue.
It reads input from S3 with each job's service role, answers every record through a model server, and writes the
output and the manifest back to S3. Jobs survive a restart."""

EPILOG = """\
Credentials for STS come from the usual places of AWS SDKs (AWS_ACCESS_KEY_ID, profiles ...).

For tests, while it runs (the first two take the token in the data folder's file control-token as a bearer token):
  GET, POST, DELETE /_localbedrock/faults     throttling, errors, slow or lost answers, a model server that is down
  GET, PATCH        /_localbedrock/settings   delays and limits
  GET               /healthz                  200 once it serves

With --model echo a prompt may say how it is to be answered:
  [[answer: text]]  [[json: {"a": 1}]]  [[sleep: 1.5]]  [[fail: 400 message]]  [[tool: name {"a": 1}]]
"""
