"""Rules for the bytes of images and documents, shared by all families.

=============== ====================================================== ===============================================
what            rule                                                   source
=============== ====================================================== ===============================================
image type      jpeg, png, gif or webp; the declared type matches the  Anthropic, Vision; Converse API, ImageBlock
                bytes
image size      3.75 MB of bytes, which is 5 MB of base64              Converse API, ContentBlock; Anthropic, Vision
image side      8,000 pixels                                           Converse API, Message; Anthropic, Vision
document size   4.5 MB of bytes                                        Converse API, ContentBlock
PDF             ``%PDF-`` within the first 1,024 bytes                 Anthropic, PDF support; ISO 32000
=============== ====================================================== ===============================================
"""

from collections.abc import Iterator

from batchconsole.records.families.faults import Fault, Severity, rule
from batchconsole.records.families.image_sizes import image_pixels

IMAGE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
MAX_IMAGE_BYTES = 3_932_160  # 3.75 MiB, which is 5 MiB of base64
MAX_IMAGE_BASE64 = 5 * 2**20
MAX_DOCUMENT_BYTES = 4_718_592  # 4.5 MiB
MAX_PIXELS = 8000
PDF_HEAD = 1024


def image_type(data: bytes) -> str:
    """Return the media type of the first bytes, one of :data:`IMAGE_TYPES`, or an empty string for anything else."""
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    return "image/webp" if data.startswith(b"RIFF") and data[8:12] == b"WEBP" else ""


def image_faults(data: bytes, *, declared: str, path: str, dotted: str, severity: Severity) -> Iterator[Fault]:
    """Yield the faults of the image *data* at *path*; *dotted* is that path in the model's notation.

    *severity* is ``error`` for Claude, whose refusals were seen in the field. For other models, the only source is the
    API reference.
    """
    yield from _type_faults(image_type(data), declared=declared, path=path, dotted=dotted, severity=severity)
    yield from _size_faults(data, path=path, dotted=dotted, severity=severity)


def _type_faults(kind: str, *, declared: str, path: str, dotted: str, severity: Severity) -> Iterator[Fault]:
    if not kind:
        yield rule(
            "not-an-image",
            path,
            found="bytes of no known image",
            expected="a jpeg, png, gif or webp image",
            severity=severity,
            refusal=f"{dotted}: Could not process image",
        )
    elif kind != declared:
        yield rule(
            "image-type-differs",
            path,
            found=f"the bytes of {kind}",
            expected=f"{declared}, as declared",
            severity=severity,
            refusal=f"{dotted}: The image was specified using the {declared} media type, but the image appears to be "
            f"a {kind} image",
        )


def _size_faults(data: bytes, *, path: str, dotted: str, severity: Severity) -> Iterator[Fault]:
    if len(data) > MAX_IMAGE_BYTES:
        encoded = -(-len(data) // 3) * 4
        yield rule(
            "image-too-large",
            path,
            found=f"{len(data):,} bytes",
            expected=f"at most {MAX_IMAGE_BYTES:,} bytes (3.75 MB)",
            severity=severity,
            refusal=f"{dotted}: image exceeds 5 MB maximum: {encoded} bytes > {MAX_IMAGE_BASE64} bytes",
        )
    pixels = image_pixels(data)
    if pixels is not None and max(pixels) > MAX_PIXELS:
        yield rule(
            "image-dimensions",
            path,
            found=f"{pixels[0]} x {pixels[1]} pixels",
            expected=f"at most {MAX_PIXELS} pixels a side",
            severity=severity,
            refusal=f"{dotted}: At least one of the image dimensions exceed max allowed size: {MAX_PIXELS} pixels",
        )


def pdf_faults(data: bytes, *, path: str, dotted: str) -> Iterator[Fault]:
    """Yield a fault if *data*, declared as a PDF, is not one."""
    if b"%PDF-" not in data[:PDF_HEAD]:
        yield rule(
            "not-a-pdf",
            path,
            found="bytes of no PDF",
            expected="a PDF document",
            refusal=f"{dotted}: The PDF specified was not valid.",
        )


def document_size_faults(data: bytes, *, path: str) -> Iterator[Fault]:
    """Yield a warning if a document is larger than Converse accepts."""
    if len(data) > MAX_DOCUMENT_BYTES:
        yield rule(
            "document-too-large",
            path,
            found=f"{len(data):,} bytes",
            expected=f"at most {MAX_DOCUMENT_BYTES:,} bytes (4.5 MB), as the API reference says",
            severity="warning",
        )
