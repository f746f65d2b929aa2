"""Replace this process by a program that receives SIGTERM when its parent process dies.

Usage: ``python launch.py <pid of the parent> <command> ...``. Linux only (prctl(2), PR_SET_PDEATHSIG): the setting
survives exec, so it works for any server, and even when `up` is killed with SIGKILL. This file uses only the standard
library and runs with ``-I -S``, so that it costs only about 20 ms.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, command = int(sys.argv[1]), sys.argv[2:]
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # the parent died before the call above
        sys.exit(1)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
