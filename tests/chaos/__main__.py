"""``python -m tests.chaos MINUTES SEED``: a run in the environment that ``stage`` has made."""

import os
import signal
import sys
from pathlib import Path

import django

from batchconsole.datafolder import DataFolder

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.umask(0o077)
    DataFolder(Path(os.environ["BATCHCONSOLE_DATA_DIR"])).prepare()  # the settings read its keys
    django.setup()

    from tests.chaos.run import run  # it imports models, which exist only after Django is set up
    from tests.chaos.stack import StackFailed

    try:
        figures = run(float(sys.argv[1]), int(sys.argv[2]))
    except KeyboardInterrupt:
        sys.exit(130)
    except StackFailed as error:
        sys.exit(str(error))
    for line in figures.lines():
        print(line, flush=True)
    sys.exit(1 if figures.broken else 0)
