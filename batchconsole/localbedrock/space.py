"""Room on the disk: looked at before anything is taken or written, for some S3s say yes to what does not fit."""

import shutil
from pathlib import Path

MIB = 1 << 20


class DiskFull(OSError):
    """The text says which disk, how much is free and how much has to be."""


def check_space(folder: Path, least: int) -> None:
    """Raises :class:`DiskFull` when the disk of *folder*, which exists, has less than *least* bytes free."""
    free = shutil.disk_usage(folder).free
    if free < least:
        raise DiskFull(
            f"The disk of {folder} has {free // MIB} MiB free and must have {least // MIB} MiB (--min-free-bytes): "
            "free some space. Jobs go on by themselves then"
        )
