"""What models are called."""

from batchconsole.records.catalogue import bare_id, find_model


def model_name(model_id: str) -> str:
    """The name people know the model by; where the catalogue does not know it, its id without the ARN around it."""
    model = find_model(model_id)
    if model:
        return model.name
    name = bare_id(model_id) if model_id.startswith("arn:") else model_id
    return name.split(":", 5)[5] if name.startswith("arn:") else name
