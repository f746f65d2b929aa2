"""ListFoundationModels, GetFoundationModel, ListInferenceProfiles, GetInferenceProfile."""

from typing import Any

from batchconsole.localbedrock import catalogue
from batchconsole.localbedrock.errors import ResourceNotFoundException
from batchconsole.localbedrock.jobs import Caller
from batchconsole.localbedrock.operations.paging import read_token, write_token
from batchconsole.localbedrock.service import Service
from batchconsole.records import catalogue as shipped

DEFAULT_MAX_RESULTS = 100
# Filter of the request -> member of the summary that must contain its value.
LISTED = {
    "byOutputModality": "outputModalities",
    "byInferenceType": "inferenceTypesSupported",
    "byCustomizationType": "customizationsSupported",
}


def list_foundation_models(service: Service, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    summaries = catalogue.foundation_models(caller)
    return {"modelSummaries": [summary for summary in summaries if _matches(summary, params)]}


def _matches(summary: dict[str, Any], params: dict[str, Any]) -> bool:
    provider = params.get("byProvider", summary["providerName"])
    return bool(summary["providerName"].casefold() == provider.casefold()) and all(
        params[name] in summary[member] for name, member in LISTED.items() if name in params
    )


def get_foundation_model(service: Service, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    identifier = params["modelIdentifier"]
    model = shipped.find_model(identifier)
    if model is None or identifier not in (model.model_id, catalogue.model_arn(model, caller.region)):
        raise ResourceNotFoundException(
            f"Could not resolve the foundation model from the model identifier: {identifier}"
        )
    return {"modelDetails": catalogue.foundation_model(model, caller)}


def list_inference_profiles(service: Service, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    profiles = catalogue.inference_profiles(caller) if params.get("typeEquals") != "APPLICATION" else []
    if "nextToken" in params:
        after = str(read_token(params["nextToken"], params))
        profiles = [profile for profile in profiles if profile["inferenceProfileId"] > after]
    limit = params.get("maxResults", DEFAULT_MAX_RESULTS)
    answer: dict[str, Any] = {"inferenceProfileSummaries": profiles[:limit]}
    if len(profiles) > limit:
        answer["nextToken"] = write_token(profiles[limit - 1]["inferenceProfileId"], params)
    return answer


def get_inference_profile(service: Service, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    identifier = params["inferenceProfileIdentifier"]
    profile_id = identifier.rpartition("/")[2]
    model = shipped.find_model(profile_id)
    known = model is not None and profile_id in catalogue.profile_ids(model, caller)
    if model is None or not known or identifier not in (profile_id, catalogue.profile_arn(profile_id, caller)):
        raise ResourceNotFoundException(f"Could not find the inference profile {identifier}.")
    return catalogue.inference_profile(profile_id, model, caller)
