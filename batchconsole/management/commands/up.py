"""`python3 manage.py up`: run everything on this machine with one command."""

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from batchconsole.datafolder import DataFolder
from batchconsole.setup.errors import SetupError
from batchconsole.up import main
from batchconsole.up.errors import UpError
from batchconsole.up.options import Options
from batchconsole.up.processes import weights_or_url


class Command(BaseCommand):
    help = "Start the console with everything it needs, and a local AWS, on this machine. Ctrl-C ends it."
    requires_system_checks: list[str] = []  # noqa: RUF012 - declared like this in Django; the web process runs the checks

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Create a parser without abbreviations: manage.py looks for `--data-dir` by its full name."""
        return super().create_parser(prog_name, subcommand, allow_abbrev=False, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address the console listens on (%(default)s)")
        parser.add_argument("--port", type=int, default=8000, help="its port (%(default)s)")
        parser.add_argument("--data-dir", default="var", help="folder of everything that is kept (%(default)s)")
        parser.add_argument("--aws-port", type=int, default=4566, help="port of the local AWS (%(default)s)")
        parser.add_argument("--bedrock-port", type=int, default=4567, help="port of the local Bedrock (%(default)s)")
        parser.add_argument("--model", default="", help="a .gguf file, the URL of an OpenAI-compatible server, or echo")
        parser.add_argument("--workers", type=int, default=2, help="how many files are read at once (%(default)s)")
        parser.add_argument(
            "--no-local", action="store_true", help="no local AWS, Bedrock and model: real accounts only"
        )
        parser.add_argument(
            "--no-sample", action="store_true", help="no sample bucket, role and job at the first start"
        )

    def handle(self, **options: Any) -> None:
        try:
            main.up(read(options))
        except (UpError, SetupError) as error:
            sys.exit(str(error))
        except KeyboardInterrupt:
            sys.exit(0)


def read(options: dict[str, Any]) -> Options:
    """Convert the command line to `up`'s options. The data folder comes from the settings, where manage.py put it.

    Raises UpError for fewer than one worker.
    """
    if options["workers"] < 1:
        raise UpError(f"--workers {options['workers']} is too few: at least one has to read the files.")
    return Options(
        folder=DataFolder(settings.DATA_DIR),
        host=options["host"].strip("[]"),
        port=options["port"],
        aws_port=options["aws_port"],
        bedrock_port=options["bedrock_port"],
        model="" if options["no_local"] else weights_or_url(options["model"]),
        workers=options["workers"],
        is_local=not options["no_local"],
        has_sample=not options["no_sample"],
    )
