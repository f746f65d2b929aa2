"""`python3 manage.py bench`: run tests/benchmarks and report the results as a table and as JSON for comparison."""

import importlib
import json
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from batchconsole.setup.paths import ROOT

BENCHMARKS = ROOT / "tests" / "benchmarks"


class Command(BaseCommand):
    help = "Run the benchmarks: print what they measured against their goals, and write it as JSON."
    requires_system_checks: list[str] = []  # noqa: RUF012 - declared like this in Django

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("names", nargs="*", help="benchmarks to run: `records` runs bench_records.py (all)")
        parser.add_argument("--json", type=Path, default=settings.DATA_DIR / "bench.json", help="file (%(default)s)")

    def handle(self, **options: Any) -> None:
        rows = [row for name in options["names"] or all_names() for row in run_alone(name)]
        options["json"].parent.mkdir(parents=True, exist_ok=True)
        options["json"].write_text(json.dumps([row._asdict() for row in rows], indent=2) + "\n")
        self.stdout.write(f"Written to {options['json']}.")
        sys.exit(0 if all(row.is_reached for row in rows) else 1)


def run_alone(name: str) -> list[Any]:
    """Run one benchmark in its own process and return its rows.

    One benchmark must not affect the next: Linux counts a parent's memory in its child's peak.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=django.setup) as alone:
        return alone.submit(run_benchmark, name).result()


def run_benchmark(name: str) -> list[Any]:
    """Run one benchmark and return its rows, printing each as soon as it is known, because benchmarks are slow."""
    rows = []
    for row in importlib.import_module(f"tests.benchmarks.bench_{name}").main():
        mark = "reached" if row.is_reached else "MISSED"
        value = f"{row.value:.3g} {row.unit}"
        print(f"{row.what:66} {value:>12}   {row.goal:20} {mark:8} {row.note}".rstrip(), flush=True)
        rows.append(row)
    return rows


def all_names() -> list[str]:
    return sorted(path.stem.removeprefix("bench_") for path in BENCHMARKS.glob("bench_*.py"))
