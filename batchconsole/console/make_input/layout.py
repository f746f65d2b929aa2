"""The layout of the form that makes batch input."""

from typing import Any

from crispy_forms.layout import Layout
from django.urls import reverse

from batchconsole.console.kit.layout import (
    READ_FORMAT,
    Columns,
    Container,
    Field,
    FormActions,
    Fragment,
    ModelSelect,
    RadioGroup,
    S3Location,
)
from batchconsole.console.kit.page_form import Part

# Changes to the recipe update the preview; changes to the source read it again.
SHOWN: dict[str, Any] = {
    "hx_target": "#making-preview",
    "hx_sync": "#making-preview:replace",
    "hx_vals": '{"preview": "1"}',
}


def making_layout(connection: str, *, foreign: str = "", is_csv: bool = False) -> Layout:
    """Return the layout of the form for the connection of that name.

    *foreign* names the provider whose batch file is converted. *is_csv* adds the choices of separator and encoding.
    """
    return Layout(
        Fragment("cloudscape/layout/default_submit.html"),
        _source(connection, is_csv=is_csv),
        *([] if foreign else [_templates()]),
        _recipe(connection, foreign=foreign),
        *([] if foreign else [_answers(connection)]),
        Fragment("console/make_input/_making_preview_container.html"),
        Container(
            "Destination",
            S3Location(
                "output_s3_uri",
                browse_url=reverse("s3-browse", args=[connection]),
                mode="write",
                constraint="Use s3://bucket/folder/ or s3://bucket/name.jsonl. A file of that name is replaced.",
                of="destination",
            ),
        ),
        FormActions("Write to S3", cancel_url=reverse("job-list", args=[connection])),
    )


def _source(connection: str, *, is_csv: bool) -> Container:
    url = reverse("input-new", args=[connection])
    in_s3 = S3Location(
        "input_s3_uri",
        browse_url=reverse("s3-browse", args=[connection]),
        constraint=READ_FORMAT,
        of="source",
        optional=False,
        hx_post=url,
        hx_trigger="change",
        hx_target="#making-body",
        hx_vals='{"read": "1"}',
    )
    uploaded = Fragment("console/make_input/_making_upload.html", "file")
    return Container(
        "Source",
        RadioGroup("source", {"upload": uploaded, "s3": in_s3}, hide_label=True),
        Fragment("console/make_input/_making_look.html"),
        *([_separation(url)] if is_csv else []),
        description="A table with one row for each record, or a batch file for OpenAI, Anthropic, Gemini or Vertex AI.",
    )


def _templates() -> Container:
    return Container(
        "Prompt templates",
        Fragment("console/make_input/_making_templates.html", "chosen_template", "save_as"),
        description="A prompt with its settings and answers, kept under a name for everybody who may submit here.",
    )


def _separation(url: str) -> Columns:
    """Return the choices for a CSV file; changing one reads the file again at once."""
    read: dict[str, Any] = {
        "hx_post": url,
        "hx_trigger": "change",
        "hx_target": "#making-body",
        "hx_vals": '{"read": "1"}',
    }
    return Columns(
        Field("separator", optional=False, stretch=True, **read),
        Field("encoding", optional=False, stretch=True, **read),
    )


def _answers(connection: str) -> Container:
    typed: dict[str, Any] = {**SHOWN, "hx_post": reverse("input-new", args=[connection])}
    schema = Field("output_schema", optional=False, stretch=True, hx_trigger="input changed delay:400ms", **typed)
    fields = Fragment("console/make_input/_answer_fields.html")
    return Container(
        "Answers",
        RadioGroup("answer_format", {"fields": fields, "schema": schema}, hide_label=True),
        description="With a schema, Bedrock lets the model write JSON of that form only.",
    )


def _recipe(connection: str, *, foreign: str) -> Container:
    url = reverse("input-new", args=[connection])
    typed: dict[str, Any] = {**SHOWN, "hx_post": url, "hx_trigger": "input changed delay:400ms"}
    chosen: dict[str, Any] = {**typed, "hx_trigger": "change"}
    shape = Field("shape", **chosen)
    model = ModelSelect(
        "model_id",
        picker_url=reverse("model-picker", args=[connection]),
        summary_url=reverse("model-summary", args=[connection]),
        placeholder="Model ID or ARN",
        **chosen,
    )
    if foreign:
        return Container(
            "Records", shape, model, description=f"The {foreign} requests are converted. No prompt is needed."
        )
    parts: list[str | Part] = [
        Field("template", optional=False, stretch=True, info="prompt-template", **typed),
        Fragment("console/make_input/_making_columns.html"),
        Field("system", stretch=True, **typed),
        shape,
        model,
        Columns(
            Field("record_id_column", optional=False, stretch=True, **chosen),
            Field("max_tokens", inputmode="numeric", stretch=True, **typed),
            Field("temperature", inputmode="decimal", stretch=True, **typed),
        ),
    ]
    return Container("Records", *parts, description="How a row becomes a record.")
