"""Check files on this machine by the console's own rules, without a console. It needs the packages of ``[check]``."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from batchconsole.records.files import from_path
from batchconsole.records.preflight import CheckProgress, check
from batchconsole.records.report import encode

Show = Callable[[str, float | None], None]


def check_path(path: Path, *, model_id: str, invocation_type: str, show: Show) -> dict[str, Any]:
    """Return the report on the file *path*, or on the files of the folder *path*. Raises OSError.

    *show* is told of the progress, as a text and a share of 1.
    """
    found = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    files = [from_path(each, name=str(each.relative_to(path)) if path.is_dir() else each.name) for each in found]

    def tell(progress: CheckProgress) -> None:
        show(f"{progress.records} records.", progress.bytes / (progress.total_bytes or 1))

    report = check(files, model_id=model_id, invocation_type=invocation_type, progress=tell)
    return dict(json.loads(encode(report)))
