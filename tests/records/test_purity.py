"""The record layer runs in scripts, workers and the local service alike, so it loads none of their frameworks."""

import pkgutil
import subprocess
import sys

import batchconsole.records


def loaded_after(code: str) -> set[str]:
    printed = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint(*sys.modules)"], capture_output=True, text=True, check=True
    ).stdout
    return {name.partition(".")[0] for name in printed.split()}


def test_records_load_neither_django_nor_celery_nor_boto3() -> None:
    names = [
        module.name
        for module in pkgutil.walk_packages(batchconsole.records.__path__, "batchconsole.records.")
        if not module.name.endswith(".parquet")
    ]
    loaded = loaded_after("\n".join(f"import {name}" for name in ["batchconsole.records", *names]))
    assert not loaded & {"django", "celery", "kombu", "boto3", "botocore", "pyarrow"}
