"""Display names of models."""

from batchconsole.records.catalogue import bare_id, find_model


def model_name(model_id: str) -> str:
    """Return the model's name; for a model that is not in the catalog, its id without the ARN around it."""
    model = find_model(model_id)
    if model:
        return model.name
    name = bare_id(model_id) if model_id.startswith("arn:") else model_id
    return name.split(":", 5)[5] if name.startswith("arn:") else name
