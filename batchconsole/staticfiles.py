"""Storage of static files: compressed, and under names that change with their content."""

import hashlib
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.utils.functional import cached_property
from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage

from batchconsole.webfont import write_whole


class HashedStaticFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc] # untyped base class
    """Files named by their hash, including imported JavaScript modules, so browsers may cache them for ever."""

    support_js_module_import_aggregation = True
    # Only our own files: Django would search those of other packages too and mistake text in them for imports.
    _js_module_import_aggregation_patterns = (
        "js/*.js",
        CompressedManifestStaticFilesStorage._js_module_import_aggregation_patterns[1],
    )

    @cached_property
    def urls(self) -> dict[str, str]:
        """The URLs by name that were asked for: the manifest is read once, so they stay the same."""
        return {}

    def url(self, name: str | None, force: bool = False) -> str:
        """Return the URL of the file *name* under its hashed name."""
        if force or not name:
            return str(super().url(name, force))
        if name not in self.urls:
            self.urls[name] = str(super().url(name))
        return self.urls[name]

    def create_compressor(self, **options: Any) -> "KeepingCompressor":
        return KeepingCompressor(**options)


class KeepingCompressor(Compressor):  # type: ignore[misc] # untyped base class
    """Compress each content once and keep the result for all data folders: Brotli takes seconds for all files."""

    @staticmethod
    def compress_gzip(data: bytes) -> bytes:
        return _kept(data, "gz", Compressor.compress_gzip)

    @staticmethod
    def compress_brotli(data: bytes) -> bytes:
        return _kept(data, "br", Compressor.compress_brotli)


def _kept(data: bytes, ending: str, compress: Callable[[bytes], bytes]) -> bytes:
    file = settings.BUILT_STATIC / "compressed" / f"{hashlib.sha256(data).hexdigest()}.{ending}"
    if not file.exists():
        write_whole(file, lambda new: new.write_bytes(compress(data)))
    return bytes(file.read_bytes())
