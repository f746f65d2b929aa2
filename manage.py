#!/usr/bin/env python3
"""The project's command line. `python3 manage.py up` and `python3 manage.py test` do all their own set-up."""

import gc
import os
import sys

if sys.version_info < (3, 11):  # noqa: UP036 - an older Python can parse this file, but not the modules imported below
    sys.exit(f"Batch Console needs Python 3.11 or newer; {sys.executable} is {sys.version.split()[0]}.")
if os.name != "posix":
    sys.exit("Batch Console runs on Linux and macOS; on Windows use it inside WSL.")

from batchconsole.setup import environment


def main() -> None:
    """Enter `.venv`, creating it if necessary, and run the command there."""
    environment.enter(sys.argv)
    gc.disable()  # until Django is ready (batchconsole.apps): what is loaded until then stays
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "batchconsole.settings")
    from django.core.management import execute_from_command_line  # noqa: PLC0415 - Django may be missing before enter()

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)  # the conventional exit code after Ctrl-C
