"""The entry point of ``python -m batchconsole.client``."""

import sys

from batchconsole.client.main import main

sys.exit(main())
