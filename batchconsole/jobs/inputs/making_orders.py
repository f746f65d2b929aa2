"""Orders for batch input: what the form of a page or the API asks for, before `making` carries it out."""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from batchconsole.jobs.inputs.input_sources import Look, Source, read_records
from batchconsole.jobs.models import Actor, Connection, MadeInput
from batchconsole.records.making import Made, Recipe


@dataclass(frozen=True, kw_only=True)
class Order:
    """A request to make input.

    *source* is the file of *upload* or the object at *source_s3_uri*; *separator* and *encoding* are for CSV, if the
    user has chosen them. *made_with* names the saved template and version that the recipe comes from,
    *model_id* the model that it is meant for, if any.
    """

    source: Source
    look: Look
    recipe: Recipe
    output_s3_uri: str
    upload: str = ""
    source_s3_uri: str = ""
    separator: str = ""
    encoding: str = ""
    request_token: str = ""
    made_with: str = ""
    model_id: str = ""

    def records(self) -> Iterator[Made]:
        """Yield the records to write."""
        return read_records(
            self.source,
            self.look.kind,
            is_foreign=bool(self.look.foreign),
            recipe=self.recipe,
            separator=self.separator,
            encoding=self.encoding,
        )

    def row(self, connection: Connection, actor: Actor) -> MadeInput:
        """Return an unsaved row for this order."""
        return MadeInput(
            connection=connection,
            created_by=actor,
            source_name=self.source.name,
            source_size=self.source.size,
            upload=self.upload,
            source_s3_uri=self.source_s3_uri,
            source_etag=self.source.etag,
            kind=self.look.kind,
            separator=self.separator,
            encoding=self.encoding,
            is_foreign=bool(self.look.foreign),
            recipe_json=msgspec.json.encode(self.recipe).decode(),
            output_s3_uri=self.output_s3_uri,
            request_token=self.request_token,
            made_with=self.made_with,
            model_id=self.model_id,
        )
