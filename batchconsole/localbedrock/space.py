"""Free disk space, checked before a job is accepted or output written: some S3 servers accept what does not fit."""

import shutil
from pathlib import Path

MIB = 1 << 20


class DiskFull(OSError):
    """Too little free space; the message names the disk, the free space and the space required."""


def check_space(folder: Path, least: int) -> None:
    """Raise :class:`DiskFull` if the disk of the existing *folder* has less than *least* bytes free."""
    free = shutil.disk_usage(folder).free
    if free < least:
        raise DiskFull(
            f"The disk of {folder} has {free // MIB} MiB free and must have {least // MIB} MiB (--min-free-bytes): "
            "free some space. Jobs go on by themselves then"
        )
