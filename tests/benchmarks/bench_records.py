"""Checking input and reading results, against ``orjson.loads`` on each line in the same process; and memory.

``python -m tests.benchmarks.bench_records --size 1G`` measures at another size than the 400 MB of `manage.py bench`.
"""

import argparse
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import orjson

from batchconsole.aws import s3
from batchconsole.aws.session import Target, client
from batchconsole.jobs.s3.input_objects import list_input
from batchconsole.records import files, preflight, results
from batchconsole.records.families import FAMILIES
from batchconsole.records.families.base import Completion
from tests.benchmarks.row import Row
from tests.conftest import REGION, local_aws

MODEL = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
SIZE = 400 * 10**6  # smaller, and what two processes take to divide the work counts for too much
BUCKET = "bench-records"
RESULTS = 50_000
ROUNDS = 7
POOL = 400  # different records; each is written again and again under a new id
MEBIBYTE = 2**20
SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "age": {"type": "integer"},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["name", "age"],
    "additionalProperties": False,
}
Task = Callable[[], Any]


def main(size: int = SIZE) -> Iterator[Row]:
    """The rows for *size* bytes of input."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "input.jsonl"
        write_input(path, size)
        yield from speed_of_a_check(path)
        yield memory_of_a_check(path)
        yield check_from_s3(path)
        path.unlink()
        write_results(path, RESULTS)
        yield speed_of_reading_results(path)
        write_results(path, RESULTS, pool=[judged_record(number) for number in range(POOL)])
        yield speed_of_reading_results(path, "; a schema in half of them")


def words(source: random.Random, count: int) -> str:
    return " ".join("".join(source.choices(ascii_lowercase, k=source.randint(1, 9))) for _ in range(count))


def text(source: random.Random, number: int) -> str:
    """Prompts as they are: 600 to 3,300 characters, every third with line breaks, every fourth not in ASCII."""
    parts = [words(source, source.randint(100, 550))]
    if number % 3 == 0:
        parts += ["\n\n", words(source, 30), "\n"]
    if number % 4 == 0:
        parts += [' „Wie heißt das?“ — naïve "café" ', words(source, 20)]
    return "".join(parts)


def input_record(source: random.Random, number: int) -> dict[str, Any]:
    return {
        "recordId": "RECORD00000000",
        "modelInput": {
            "messages": [{"role": "user", "content": [{"text": text(source, number)}]}],
            "system": [{"text": words(source, 40)}],
            "inferenceConfig": {"maxTokens": 512, "temperature": 0.2},
        },
    }


def write_lines(path: Path, pool: list[bytes], enough: Callable[[int, int], bool]) -> None:
    """Lines out of *pool*, each with an id of its own, until *enough* says so of their count and bytes."""
    count = size = 0
    with path.open("wb") as stream:
        while not enough(count, size):
            line = pool[count % len(pool)].replace(b"RECORD00000000", b"RECORD%08d" % count, 1)
            size += stream.write(line + b"\n")
            count += 1


def write_input(path: Path, size: int) -> None:
    source = random.Random(7)
    pool = [orjson.dumps(input_record(source, number)) for number in range(POOL)]
    write_lines(path, pool, lambda _, written: written >= size)


def judged_record(number: int) -> bytes:
    """An output line; every second one was asked for JSON of a schema, and answered so."""
    source = random.Random(number)
    record, answer = input_record(source, number), text(source, number)
    if number % 2:
        schema = orjson.dumps(SCHEMA).decode()
        textual = {"type": "json_schema", "structure": {"jsonSchema": {"schema": schema}}}
        record["modelInput"]["outputConfig"] = {"textFormat": textual}
        answer = orjson.dumps({"name": answer, "age": number, "tags": ["a", "b"]}).decode()
    completion = Completion(text=answer, input_tokens=400, output_tokens=200)
    record["modelOutput"] = FAMILIES["converse"].write_response(record["modelInput"], completion, model_id=MODEL)
    return orjson.dumps(record)


def write_results(path: Path, count: int, *, pool: list[bytes] | None = None) -> None:
    """Output lines out of *pool*, or else the input, an answer half as long, and one in fifty an error."""
    pool = pool or [output_record(number) for number in range(POOL)]
    write_lines(path, pool, lambda written, _: written >= count)


def output_record(number: int) -> bytes:
    source = random.Random(number)
    record = input_record(source, number)
    if number % 50:
        completion = Completion(text=text(source, number), input_tokens=400, output_tokens=200)
        record["modelOutput"] = FAMILIES["converse"].write_response(record["modelInput"], completion, model_id=MODEL)
    else:
        record["error"] = {"errorCode": 400, "errorMessage": "The model refused."}
    return orjson.dumps(record)


def load_each_line(path: Path) -> None:
    """The yardstick."""
    with path.open("rb") as stream:
        for line in stream:
            orjson.loads(line)


def check(path: Path, executor: ProcessPoolExecutor | None = None) -> None:
    preflight.check([files.from_path(path)], model_id=MODEL, invocation_type="Converse", executor=executor)


def ratio(work: Task, yardstick: Task, *, clock: Callable[[], float] = time.perf_counter) -> float:
    """How many times as fast as the yardstick: the median of rounds of both in turn, as machines drift.

    Where both keep to one core, the processor's own time tells, and what else the machine does matters less.
    """
    return statistics.median(seconds(yardstick, clock) / seconds(work, clock) for _ in range(ROUNDS))


def seconds(work: Task, clock: Callable[[], float]) -> float:
    start = clock()
    work()
    return clock() - start


def speed_of_a_check(path: Path) -> Iterator[Row]:
    yardstick, alone = partial(load_each_line, path), partial(check, path)
    faster = ratio(alone, yardstick, clock=time.process_time)
    yield Row("check of Converse records, one core", faster, at_least=0.6, note=megabytes(path))
    with ProcessPoolExecutor(2) as executor:
        list(executor.map(warm_up, range(8)))
        faster = ratio(partial(check, path, executor), yardstick)
    yield Row("check of Converse records, two processes", faster, at_least=1.5, note=megabytes(path))


def check_from_s3(path: Path) -> Row:
    """Out of a local S3 in a process of its own. Wall-clock time, as reading is mostly waiting."""
    with tempfile.TemporaryDirectory() as folder, local_aws(Path(folder)) as (url, _):
        target = Target(region=REGION, endpoint_url=url, credentials="local")
        client(target, "s3").create_bucket(Bucket=BUCKET)
        client(target, "s3").upload_file(str(path), BUCKET, path.name)
        slower = 1 / ratio(partial(check_object, target, path.name), partial(read_object, target, path.name))
    return Row("check from S3, against reading it", slower, at_most=1.5, note=megabytes(path))


def check_object(target: Target, key: str) -> None:
    """As a worker does it."""
    preflight.check(list_input(target, f"s3://{BUCKET}/{key}").files, model_id=MODEL, invocation_type="Converse")


def read_object(target: Target, key: str) -> None:
    for _ in s3.iter_object(target, BUCKET, key):
        pass


def megabytes(path: Path) -> str:
    return f"{path.stat().st_size / 10**6:,.0f} MB"


def warm_up(_: int) -> None:
    time.sleep(0.05)


def speed_of_reading_results(path: Path, which: str = "") -> Row:
    work, yardstick = (
        partial(results.scan, [files.from_path(path)], FAMILIES["converse"]),
        partial(load_each_line, path),
    )
    faster = ratio(work, yardstick, clock=time.process_time)
    return Row(f"totals and index of {RESULTS:,} results{which}", faster, at_least=0.5, note=megabytes(path))


def memory_of_a_check(path: Path) -> Row:
    """Of a process of its own that does nothing else."""
    command = [sys.executable, "-m", "tests.benchmarks.bench_records", "--only-check", str(path)]
    peak = int(subprocess.run(command, capture_output=True, check=True).stdout)
    return Row(
        "memory of a check", peak / MEBIBYTE, unit="MiB", at_most=200, note=f"{path.stat().st_size / 10**6:,.0f} MB"
    )


def print_peak_of_check(path: Path) -> None:
    check(path)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(peak if sys.platform == "darwin" else peak * 1024)


def size_of(given: str) -> int:
    units = {"K": 10**3, "M": 10**6, "G": 10**9}
    return int(float(given[:-1]) * units[given[-1]]) if given[-1] in units else int(given)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=size_of, default=SIZE, help="bytes of input, as 100M or 1G (400M)")
    parser.add_argument("--only-check", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only_check:
        print_peak_of_check(options.only_check)
    else:
        for row in main(options.size):
            print(f"{row.what:45} {row.value:8.2f} {row.unit:4} goal {row.goal:18} {row.note}")
