"""Become another program that gets SIGTERM when the process that started it dies.

Usage: ``python launch.py <pid of the parent> <command> ...``. Linux only (prctl(2), PR_SET_PDEATHSIG): the setting
outlives exec, so it holds for servers that know nothing of it, and it works when `up` is killed with SIGKILL.
Standard library only and run with ``-I -S``, so that it costs some 20 ms.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, command = int(sys.argv[1]), sys.argv[2:]
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before the line above
        sys.exit(1)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
