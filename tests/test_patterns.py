"""Each regular expression of the product takes a text of 100,000 characters of each of its classes in its stride."""

import ast
import gc
import re
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from batchconsole.setup.paths import ROOT

# What re compiles with, which has no public name.
parser: Any = import_module("re._parser")
sre: Any = import_module("re._constants")
LENGTH = 100_000
CPU_SECONDS = 1  # a linear match takes some milliseconds, a quadratic one minutes
METHODS = {"match", "fullmatch", "search", "sub", "split", "findall", "finditer"}
OF_CATEGORY = {sre.CATEGORY_SPACE: " ", sre.CATEGORY_DIGIT: "7", sre.CATEGORY_WORD: "w"}
Use = tuple[str, "re.Pattern[Any]", str]


def uses() -> Iterator[Use]:
    """Yield each call of a pattern in the product: where it is, the pattern, and the method."""
    for path in sorted((ROOT / "batchconsole").rglob("*.py")):
        if "migrations" not in path.parts:
            yield from uses_in(path)


def uses_in(path: Path) -> Iterator[Use]:
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in METHODS:
            pattern = pattern_of(name, node.func.value, node.args)
            if pattern is not None:
                yield f"{name}:{node.lineno}", pattern, node.func.attr


def pattern_of(module: str, owner: ast.expr, arguments: list[ast.expr]) -> "re.Pattern[Any] | None":
    """Return the pattern of ``re.match("...", x)`` or ``NAME.match(x)``; ``None`` for what is no pattern of ``re``."""
    if not isinstance(owner, ast.Name):
        return None
    if owner.id == "re":
        return re.compile(arguments[0].value) if isinstance(arguments[0], ast.Constant) else None
    found = getattr(sys.modules.get(module) or import_module(module), owner.id, None)
    return found if isinstance(found, re.Pattern) else None


def letters(items: Iterable[Any]) -> Iterator[str]:
    """Yield a character of each class and each literal in a parsed pattern."""
    for kind, value in items:
        if kind in (sre.LITERAL, sre.NOT_LITERAL):
            yield chr(value)
        elif kind is sre.RANGE:
            yield chr(value[0])
        elif kind is sre.CATEGORY:
            yield OF_CATEGORY.get(value, "-")
        elif kind is sre.IN:
            yield from letters(value)
        elif kind in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            yield from letters(value[2])
        elif kind is sre.SUBPATTERN:
            yield from letters(value[3])
        elif kind is sre.BRANCH:
            yield from (letter for branch in value[1] for letter in letters(branch))
        elif kind in (sre.ASSERT, sre.ASSERT_NOT):
            yield from letters(value[1])


@contextmanager
def limited() -> Iterator[None]:
    """Raise TimeoutError once the block has used CPU_SECONDS, whatever else this process and the machine do.

    The timer counts all threads of the process, and servers of other tests may still run in some, so it only looks.
    Nothing is collected meanwhile: what a process of many tests holds takes longer than any of the patterns.
    """
    gc.disable()
    ends_at = time.thread_time() + CPU_SECONDS

    def look(*_: object) -> None:
        if time.thread_time() > ends_at:
            raise TimeoutError

    before = signal.signal(signal.SIGVTALRM, look)
    signal.setitimer(signal.ITIMER_VIRTUAL, CPU_SECONDS, CPU_SECONDS / 10)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
        gc.enable()


def is_slow(pattern: "re.Pattern[Any]", method: str, letter: str) -> bool:
    """Whether *pattern* is slow for a text of *letter* before something else, which many patterns have to fail at."""
    text = letter * LENGTH + "\0"
    data = text.encode("utf-8", "surrogatepass") if isinstance(pattern.pattern, bytes) else text
    try:
        with limited():
            found = getattr(pattern, method)(*([data[:0], data] if method == "sub" else [data]))
            list(found if method == "finditer" else [])
    except TimeoutError:
        return True
    return False


def slow_letters(pattern: "re.Pattern[Any]", method: str) -> list[str]:
    found = {" ", *letters(parser.parse(pattern.pattern, pattern.flags))}
    return [letter for letter in sorted(found) if is_slow(pattern, method, letter)]


def test_it_finds_what_is_slow() -> None:
    assert slow_letters(re.compile(r"\d+x"), "search") == ["7"]


def test_no_pattern_is_slow_for_a_long_text_of_one_of_its_classes() -> None:
    found = list(uses())
    assert len(found) > 100
    slow = {where: slow_letters(pattern, method) for where, pattern, method in found}
    assert {where: letters for where, letters in slow.items() if letters} == {}
