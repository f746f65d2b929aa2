"""Read the dimensions of an image from its first bytes."""

from collections.abc import Iterator

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # JPEG markers with the size (ITU T.81, table B.1)
_MAX_SEGMENTS = 1000


def image_pixels(data: bytes) -> tuple[int, int] | None:
    """Return the width and height of a PNG, GIF or JPEG, or ``None`` if they are not found."""
    if data.startswith(b"\x89PNG") and data[12:16] == b"IHDR" and len(data) >= 24:
        return int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
    if data.startswith(b"GIF8") and len(data) >= 10:
        return int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")
    return _jpeg_pixels(data) if data.startswith(b"\xff\xd8\xff") else None


def _jpeg_pixels(data: bytes) -> tuple[int, int] | None:
    for marker, start in _segments(data):
        if marker in _FRAMES and len(data) >= start + 7:
            height, width = int.from_bytes(data[start + 3 : start + 5]), int.from_bytes(data[start + 5 : start + 7])
            return width, height
    return None


def _segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield each marker of a JPEG and the offset of its length, up to the image data."""
    place = 2
    for _ in range(_MAX_SEGMENTS):
        if data[place : place + 1] != b"\xff" or len(data) < place + 4:
            return
        marker = data[place + 1]
        yield marker, place + 2
        place += 2 + int.from_bytes(data[place + 2 : place + 4])
