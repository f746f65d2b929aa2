"""Why a model cannot run a batch job here, according to the catalogue; AWS has the last word at the Create call."""

from batchconsole.records import catalogue
from batchconsole.records.catalogue import Model
from batchconsole.records.geographies import geography_of


def serves(profile_id: str, region: str) -> bool:
    """Whether a profile can be called from *region*; a profile of unknown geography counts as callable."""
    geography = geography_of(profile_id)
    return geography is None or geography.serves(region)


def refusal(model_id: str, region: str) -> str:
    """Return why a batch job of *model_id* would be refused, according to the catalogue; empty if it would not."""
    elsewhere = _region_of(model_id)
    if elsewhere not in ("", region):
        return f"This ARN is of {elsewhere}, and the job will run in {region}. Choose a model of this region."
    model = catalogue.find_model(model_id)
    if model is None:
        return ""
    if not model.batch:
        return f"Batch inference is not supported for the requested model: {model.name}. Choose another model."
    if _is_bare(model_id):
        return (
            ""
            if model.on_demand
            else f"{model.name} can be invoked only through an inference profile.{_hint(model, region)}"
        )
    if serves(model_id.rpartition("/")[2], region):
        return ""
    return f"This inference profile cannot be called from {region}.{_hint(model, region)}"


def _hint(model: Model, region: str) -> str:
    """Return a sentence that names the ids to enter instead, those for this region if there are any."""
    own = [model.model_id] if model.on_demand else []
    usable = own + [profile for profile in model.inference_profiles if serves(profile, region)]
    return f" Enter {' or '.join(usable or model.inference_profiles)}."


def _region_of(model_id: str) -> str:
    parts = model_id.split(":")
    return parts[3] if parts[0] == "arn" and len(parts) > 3 else ""


def takes_converse(model: Model) -> bool:
    """Whether the Converse API accepts the model; it does not accept embedding models.

    Source: https://docs.aws.amazon.com/bedrock/latest/userguide/conversation-inference-supported-models-features.html.
    """
    return "embedding" not in {modality.lower() for modality in model.output_modalities}


def _is_bare(model_id: str) -> bool:
    return "foundation-model/" in model_id or catalogue.bare_id(model_id) == model_id
