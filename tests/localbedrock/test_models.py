"""ListFoundationModels, GetFoundationModel, ListInferenceProfiles, GetInferenceProfile."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localbedrock.stack import MODEL, Service


def test_the_models_of_the_catalogue_are_listed(bedrock: Any) -> None:
    summaries = {model["modelId"]: model for model in bedrock.list_foundation_models()["modelSummaries"]}
    nova = summaries[MODEL]
    assert nova["modelArn"] == f"arn:aws:bedrock:us-east-1::foundation-model/{MODEL}"
    assert (nova["providerName"], nova["modelName"]) == ("Amazon", "Nova Lite")
    assert nova["outputModalities"] == ["TEXT"]
    assert nova["inferenceTypesSupported"] == ["ON_DEMAND"]
    assert nova["modelLifecycle"]["status"] == "ACTIVE"
    assert len(summaries) > 40


def test_models_are_filtered(bedrock: Any) -> None:
    def ids(**filters: str) -> set[str]:
        return {model["modelId"] for model in bedrock.list_foundation_models(**filters)["modelSummaries"]}

    assert all(model_id.startswith("anthropic.") for model_id in ids(byProvider="anthropic"))
    assert ids(byOutputModality="EMBEDDING") == {"amazon.titan-embed-text-v2:0", "amazon.titan-embed-image-v1"}
    assert MODEL in ids(byInferenceType="ON_DEMAND", byProvider="Amazon")
    assert "anthropic.claude-sonnet-4-5-20250929-v1:0" not in ids(byInferenceType="ON_DEMAND")
    assert ids(byCustomizationType="FINE_TUNING") == ids(byProvider="Nobody") == set()


@pytest.mark.parametrize("identifier", [MODEL, f"arn:aws:bedrock:us-east-1::foundation-model/{MODEL}"])
def test_a_model_is_found_by_id_and_arn(bedrock: Any, identifier: str) -> None:
    details = bedrock.get_foundation_model(modelIdentifier=identifier)["modelDetails"]
    assert details["modelId"] == MODEL
    assert details["responseStreamingSupported"] is True


def test_an_unknown_model_is_not_found(bedrock: Any) -> None:
    with pytest.raises(ClientError, match=r"ResourceNotFoundException.*example\.unknown"):
        bedrock.get_foundation_model(modelIdentifier="example.unknown")


def test_inference_profiles_come_in_pages(bedrock: Any) -> None:
    def profiles(**params: Any) -> list[str]:
        pages = bedrock.get_paginator("list_inference_profiles").paginate(**params)
        return [item["inferenceProfileId"] for page in pages for item in page["inferenceProfileSummaries"]]

    everything = profiles()
    assert f"us.{MODEL}" in everything
    assert profiles(PaginationConfig={"PageSize": 7}) == everything
    assert profiles(typeEquals="SYSTEM_DEFINED") == everything
    assert profiles(typeEquals="APPLICATION") == []


@pytest.mark.parametrize(
    ("region", "geographies"),
    [
        ("us-east-1", {"us", "global"}),
        ("eu-west-1", {"eu", "global"}),
        ("ap-northeast-1", {"apac", "jp", "global"}),
        ("ap-southeast-2", {"apac", "au", "global"}),
    ],
)
def test_a_region_has_the_profiles_of_its_geographies(service: Service, region: str, geographies: set[str]) -> None:
    pages = service.client(region=region).get_paginator("list_inference_profiles").paginate()
    found = [item["inferenceProfileId"] for page in pages for item in page["inferenceProfileSummaries"]]
    assert {profile_id.partition(".")[0] for profile_id in found} == geographies


def test_a_profile_names_the_models_it_routes_to(service: Service) -> None:
    bedrock = service.client(region="eu-west-1")
    profile = bedrock.get_inference_profile(inferenceProfileIdentifier=f"eu.{MODEL}")
    assert profile["inferenceProfileArn"] == f"arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.{MODEL}"
    assert (profile["type"], profile["status"]) == ("SYSTEM_DEFINED", "ACTIVE")
    assert profile["models"]
    assert all(model["modelArn"].startswith("arn:aws:bedrock:eu-") for model in profile["models"])
    by_arn = bedrock.get_inference_profile(inferenceProfileIdentifier=profile["inferenceProfileArn"])
    assert by_arn["inferenceProfileId"] == f"eu.{MODEL}"


@pytest.mark.parametrize("identifier", [MODEL, "us.example.unknown", f"eu.{MODEL}"])
def test_what_is_no_profile_is_not_found(bedrock: Any, identifier: str) -> None:
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        bedrock.get_inference_profile(inferenceProfileIdentifier=identifier)
