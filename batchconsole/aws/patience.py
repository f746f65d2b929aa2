"""How long calls to AWS may take: calls for a page are short and few at a time; those of a worker need not be."""

import contextvars
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock
from typing import Any, TypeVar, cast

from batchconsole.aws.errors import AwsError

T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")

# Half of the requests that a web process computes at the same time (bridge.py); the other half stays free.
MOST_REQUESTS = 4
SECONDS_FOR_A_PLACE = 2.0  # longer than requests hold their places while AWS responds normally
MOST_AT_ONCE = 8  # parallel calls of one request

_places: dict[Hashable, BoundedSemaphore] = {}
_lock = Lock()


class PageCalls:
    """The calls of one request, which takes a place at each target that it calls and keeps it until its end."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._held: set[Hashable] = set()
        self._refused: set[Hashable] = set()

    def take_place(self, target: Hashable) -> None:
        """Take one of the places of *target*. Raises AwsError (``EndpointBusy``) if none becomes free in time."""
        with self._lock:
            if target in self._held:
                return
            if target in self._refused or not _places_of(target).acquire(timeout=SECONDS_FOR_A_PLACE):
                self._refused.add(target)
                raise _busy()
            self._held.add(target)

    def leave(self) -> None:
        """Release all places."""
        for target in self._held:
            _places_of(target).release()
        self._held.clear()


_current: contextvars.ContextVar[PageCalls | None] = contextvars.ContextVar("page_calls", default=None)


@contextmanager
def page_calls() -> Iterator[None]:
    """Treat calls to AWS inside the block as a page's: tried once, with a short timeout and limited places."""
    calls = PageCalls()
    token = _current.set(calls)
    try:
        yield
    finally:
        _current.reset(token)
        calls.leave()


def of_a_page(target: Hashable) -> bool:
    """Whether a call to *target* is a page's; if so, take a place for it. Raises AwsError (``EndpointBusy``)."""
    calls = _current.get()
    if calls:
        calls.take_place(target)
    return calls is not None


def at_once(questions: Sequence[Callable[[], T]]) -> list[T | AwsError]:
    """Run *questions* in parallel and return their answers in order, with an AwsError in place of each that failed.

    They run in other threads, so they must not use the database.
    """
    if len(questions) < 2:
        return [_answer(question) for question in questions]
    with ThreadPoolExecutor(min(len(questions), MOST_AT_ONCE), thread_name_prefix="at-once") as threads:
        coming = [threads.submit(contextvars.copy_context().run, _answer, question) for question in questions]
        return [each.result() for each in coming]


def all_of(questions: Sequence[Callable[[], T]]) -> list[T]:
    """Do the same as :func:`at_once`, but raise the first AwsError."""
    answers: list[T] = []
    for answer in at_once(questions):
        if isinstance(answer, AwsError):
            raise answer
        answers.append(answer)
    return answers


def both(first: Callable[[], A], second: Callable[[], B]) -> tuple[A, B]:
    """Do the same as :func:`all_of` for two questions whose answers have different types."""
    answers = all_of([cast(Callable[[], Any], first), second])
    return answers[0], answers[1]


def _answer(question: Callable[[], T]) -> T | AwsError:
    try:
        return question()
    except AwsError as error:
        return error


def _places_of(target: Hashable) -> BoundedSemaphore:
    with _lock:
        return _places.setdefault(target, BoundedSemaphore(MOST_REQUESTS))


def _busy() -> AwsError:
    return AwsError(
        f"AWS keeps {MOST_REQUESTS} pages of this connection waiting already, so it was not asked.",
        code="EndpointBusy",
        operation="",
        retryable=True,
        hint="Try again in a few seconds. If this lasts, check the connection's region, endpoints and network.",
    )
