"""The memory and time that a long step may use. A step that exceeds them fails with a message; its worker survives."""

import resource
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType

from django.conf import settings

from batchconsole.jobs.errors import UserError

GIB = 1 << 30


class OutOfTime(BaseException):
    """The time of a step is up. Not an Exception, so that ``except Exception`` lets it pass."""


@contextmanager
def bounded(time: timedelta | None) -> Iterator[None]:
    """Run the block for at most *time*, and turn running out of time or memory into a :class:`UserError`.

    Time is limited only in the main thread, where the worker for files runs its steps.
    """
    is_bounded = time is not None and threading.current_thread() is threading.main_thread()
    try:
        if not is_bounded or time is None:
            yield
        else:
            with _alarm_after(time.total_seconds()):
                yield
    except MemoryError as error:
        raise UserError(
            f"Reading this takes more memory than a worker may use ({settings.STEP_MEMORY_BYTES / GIB:.1f} GiB).",
            hint="Split the file into smaller ones, or look for a value that is far too large.",
        ) from error
    except OutOfTime as error:
        raise UserError(
            f"Reading this takes longer than a worker may take ({time}).", hint="Split the file into smaller ones."
        ) from error


@contextmanager
def _alarm_after(seconds: float) -> Iterator[None]:
    def ring(number: int, frame: FrameType | None) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def limit_memory() -> None:
    """Limit the memory for data of this process and its children to STEP_MEMORY_BYTES; Linux only.

    An allocation beyond the limit raises MemoryError; without the limit, the kernel would kill a process of its choice.
    """
    if sys.platform != "linux":
        return
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = settings.STEP_MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))
