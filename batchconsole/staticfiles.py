"""How static files are served: compressed, and under names that change with their content."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc] # it is untyped
    """Browsers may keep every file for ever, also the modules that our JavaScript imports by name."""

    support_js_module_import_aggregation = True
