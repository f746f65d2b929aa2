"""Threads for work that waits. They are daemon threads, so a slow model does not delay the service's shutdown."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class Pool:
    """*size* threads that start calls in the order in which they were submitted."""

    def __init__(self, size: int) -> None:
        self._calls: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = queue.SimpleQueue()
        for number in range(size):
            threading.Thread(target=self._work, name=f"pool-{number}", daemon=True).start()

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """Queue *call* for one of the threads and return its future."""
        future: Future[T] = Future()
        self._calls.put((future, call))
        return future

    def _work(self) -> None:
        while True:
            future, call = self._calls.get()
            if future.set_running_or_notify_cancel():
                _run(future, call)


def _run(future: Future[Any], call: Callable[[], Any]) -> None:
    try:
        future.set_result(call())
    except BaseException as error:
        # As with any executor, the future passes every exception on to the code that waits for it.
        future.set_exception(error)
