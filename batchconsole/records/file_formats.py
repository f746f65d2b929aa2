"""Name files that are neither JSON Lines nor CSV by their first bytes.

The magic numbers are those of each format's own specification, such as https://orc.apache.org/specification/ and
https://avro.apache.org/docs/current/specification/.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class FileFormat:
    """``name`` is a noun for "The file is ...", ``advice`` says how to get a file that the console reads."""

    name: str
    advice: str


_UNPACK, _SAVE = "Unpack it first.", "Save it as Parquet or CSV."
PARQUET = FileFormat("a Parquet table", "Make records of its rows first.")
_MAGIC = {
    b"PAR1": PARQUET,
    b"\x1f\x8b": FileFormat("compressed with gzip", _UNPACK),
    b"PK\x03\x04": FileFormat("a zip archive or an Excel workbook", "Unpack it, or save the sheet as CSV."),
    b"PK\x05\x06": FileFormat("an empty zip archive", "Choose a CSV, JSON Lines, or Parquet file."),
    b"\xd0\xcf\x11\xe0": FileFormat("an old Excel workbook", "Save the sheet as CSV."),
    b"\x28\xb5\x2f\xfd": FileFormat("compressed with Zstandard", _UNPACK),
    b"BZh91AY&SY": FileFormat("compressed with bzip2", _UNPACK),
    b"\xfd7zXZ": FileFormat("compressed with xz", _UNPACK),
    b"7z\xbc\xaf\x27\x1c": FileFormat("a 7z archive", _UNPACK),
    b"\x04\x22\x4d\x18": FileFormat("compressed with LZ4", _UNPACK),
    b"\xff\x06\x00\x00sNaPpY": FileFormat("compressed with Snappy", _UNPACK),
    b"%PDF-": FileFormat("a PDF document", "Choose a CSV, JSON Lines, or Parquet file."),
    b"Obj\x01": FileFormat("an Avro table", _SAVE),
    b"ARROW1\0": FileFormat("an Arrow table", _SAVE),
    b"FEA1": FileFormat("a Feather table", _SAVE),
    b"SQLite format 3\0": FileFormat("an SQLite database", "Export the table as CSV."),
}
_ORC = FileFormat("an ORC table", _SAVE)
# Bytes that text does not have, and that the footers and streams of ORC do: its magic number alone may begin a CSV.
_CONTROL = bytes([*range(9), *range(14, 27), *range(28, 32)])


def format_of(head: bytes) -> FileFormat | None:
    """Return the format that the first bytes of a file name; ``None`` if it may be text."""
    found = next((each for magic, each in _MAGIC.items() if head.startswith(magic)), None)
    if found is None and head.startswith(b"ORC") and len(head.translate(None, _CONTROL)) < len(head):
        return _ORC
    return found
