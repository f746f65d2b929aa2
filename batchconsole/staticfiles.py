"""How static files are served: compressed, and under names that change with their content."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc] # it is untyped
    """Browsers may keep every file for ever, also the modules that our JavaScript imports by name."""

    support_js_module_import_aggregation = True
    # Django looks into every JavaScript file; other packages' mention imports in ways that it takes for files.
    _js_module_import_aggregation_patterns = (
        "js/*.js",
        CompressedManifestStaticFilesStorage._js_module_import_aggregation_patterns[1],
    )
