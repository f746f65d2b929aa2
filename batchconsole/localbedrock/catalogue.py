"""The models and inference profiles that this service offers, in the API's shapes."""

from typing import Any

import msgspec

from batchconsole.localbedrock.jobs import Caller
from batchconsole.records import catalogue
from batchconsole.records.catalogue import Model
from batchconsole.records.geographies import GEOGRAPHIES

MODELS_PER_PROFILE = 5  # The API model's limit for ``models`` in GetInferenceProfile.


class Resolved(msgspec.Struct, frozen=True):
    """A resolved model identifier: the ARN that jobs show, and the model behind it."""

    arn: str
    model: Model
    is_custom: bool = False


def resolve(model_id: str, caller: Caller) -> Resolved | None:
    """Resolve *model_id* (id or ARN of a model or inference profile, or ARN of a custom model), or return ``None``.

    Identifiers of other regions or accounts are unknown, as are profiles that cannot be used in the caller's region.
    """
    model = catalogue.find_model(model_id)
    if model is None:
        return None
    if ":custom-model/" in model_id:
        return Resolved(model_id, model, is_custom=True) if model_id.startswith(caller.arn("custom-model/")) else None
    name = model_id.rpartition("/")[2]
    if name in profile_ids(model, caller):
        arn = profile_arn(name, caller)
    elif name.startswith(model.model_id):
        arn = model_arn(model, caller.region)
    else:
        return None
    return Resolved(arn, model) if model_id == name or model_id.startswith(arn) else None


def profile_needed(model_id: str, resolved: Resolved, caller: Caller) -> str:
    """Return AWS's error message if *model_id* names a model that needs an inference profile, else an empty string."""
    model = resolved.model
    if model.on_demand or resolved.arn != model_arn(model, caller.region):
        return ""
    return (
        f"Invocation of model ID {model_id} with on-demand throughput isn’t supported. "  # noqa: RUF001 - AWS's own apostrophe
        "Retry your request with the ID or ARN of an inference profile that contains this model."
    )


def profile_ids(model: Model, caller: Caller) -> list[str]:
    """Return the inference profiles of *model* that can be used in the caller's region."""
    return [
        profile_id
        for profile_id in model.inference_profiles
        if GEOGRAPHIES[profile_id.partition(".")[0]].serves(caller.region)
    ]


def model_arn(model: Model, region: str) -> str:
    """Return the ARN of a foundation model, which contains no account."""
    return f"arn:aws:bedrock:{region}::foundation-model/{model.model_id}"


def profile_arn(profile_id: str, caller: Caller) -> str:
    return caller.arn(f"inference-profile/{profile_id}")


def foundation_models(caller: Caller) -> list[dict[str, Any]]:
    """Return every model as a ``FoundationModelSummary``."""
    return [foundation_model(model, caller) for model in catalogue.models()]


def foundation_model(model: Model, caller: Caller) -> dict[str, Any]:
    """Return *model* as a ``FoundationModelSummary``, which has the members of ``FoundationModelDetails`` too."""
    return {
        "modelArn": model_arn(model, caller.region),
        "modelId": model.model_id,
        "modelName": model.name,
        "providerName": model.provider,
        "inputModalities": list(model.input_modalities),
        "outputModalities": list(model.output_modalities),
        "responseStreamingSupported": "TEXT" in model.output_modalities,
        "customizationsSupported": [],
        "inferenceTypesSupported": ["ON_DEMAND"] if model.on_demand else ["INFERENCE_PROFILE"],
        "modelLifecycle": {"status": "ACTIVE"},
    }


def inference_profiles(caller: Caller) -> list[dict[str, Any]]:
    """Return the system-defined profiles of the caller's region as ``InferenceProfileSummary``, sorted by id."""
    by_id = {profile_id: model for model in catalogue.models() for profile_id in profile_ids(model, caller)}
    return [inference_profile(profile_id, by_id[profile_id], caller) for profile_id in sorted(by_id)]


def inference_profile(profile_id: str, model: Model, caller: Caller) -> dict[str, Any]:
    """Return a profile of *model* as an ``InferenceProfileSummary``, which is also GetInferenceProfile's response."""
    geography = GEOGRAPHIES[profile_id.partition(".")[0]]
    regions = [region for region in model.regions if geography.serves(region)] or [caller.region]
    name = f"{geography.short} {model.provider} {model.name}"
    return {
        "inferenceProfileName": name[:64],
        "description": f"Routes requests to {model.provider} {model.name} in {', '.join(regions)}."[:200],
        "inferenceProfileArn": profile_arn(profile_id, caller),
        "models": [{"modelArn": model_arn(model, region)} for region in regions[:MODELS_PER_PROFILE]],
        "inferenceProfileId": profile_id,
        "status": "ACTIVE",
        "type": "SYSTEM_DEFINED",
        "createdAt": "2025-01-01T00:00:00.000Z",
        "updatedAt": "2025-01-01T00:00:00.000Z",
    }
