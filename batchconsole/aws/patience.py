"""How long calls to AWS may take: those of a page are short and few at once, those of a worker are not."""

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

# Half of the requests that a web process computes at once (bridge.py), so that the others are left for everybody else.
MOST_REQUESTS = 4
SECONDS_FOR_A_PLACE = 2.0  # longer than calls to an AWS that answers keep their places
MOST_AT_ONCE = 8  # calls of one request

_places: dict[Hashable, BoundedSemaphore] = {}
_lock = Lock()


class PageCalls:
    """The calls of one request. It takes one place of each target that it calls, and keeps it until it is answered."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._held: set[Hashable] = set()
        self._refused: set[Hashable] = set()

    def take_place(self, target: Hashable) -> None:
        """Be one of the requests that wait for *target*; raises AwsError ``EndpointBusy`` when those are enough."""
        with self._lock:
            if target in self._held:
                return
            if target in self._refused or not _places_of(target).acquire(timeout=SECONDS_FOR_A_PLACE):
                self._refused.add(target)
                raise _busy()
            self._held.add(target)

    def leave(self) -> None:
        """Give all places back."""
        for target in self._held:
            _places_of(target).release()
        self._held.clear()


_current: contextvars.ContextVar[PageCalls | None] = contextvars.ContextVar("page_calls", default=None)


@contextmanager
def page_calls() -> Iterator[None]:
    """Within the block calls to AWS are a page's: tried once, given up after seconds, bounded in number."""
    calls = PageCalls()
    token = _current.set(calls)
    try:
        yield
    finally:
        _current.reset(token)
        calls.leave()


def of_a_page(target: Hashable) -> bool:
    """Whether a call to *target* that begins now is a page's, which then has a place; raises AwsError."""
    calls = _current.get()
    if calls:
        calls.take_place(target)
    return calls is not None


def at_once(questions: Sequence[Callable[[], T]]) -> list[T | AwsError]:
    """The answers to *questions*, asked at the same time, in their order; of one that failed its AwsError.

    They run in other threads, so they must not touch the database.
    """
    if len(questions) < 2:
        return [_answer(question) for question in questions]
    with ThreadPoolExecutor(min(len(questions), MOST_AT_ONCE), thread_name_prefix="at-once") as threads:
        coming = [threads.submit(contextvars.copy_context().run, _answer, question) for question in questions]
        return [each.result() for each in coming]


def all_of(questions: Sequence[Callable[[], T]]) -> list[T]:
    """As :func:`at_once`; raises the AwsError of the first that failed."""
    answers: list[T] = []
    for answer in at_once(questions):
        if isinstance(answer, AwsError):
            raise answer
        answers.append(answer)
    return answers


def both(first: Callable[[], A], second: Callable[[], B]) -> tuple[A, B]:
    """As :func:`all_of`, of two questions whose answers are of different kinds."""
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
