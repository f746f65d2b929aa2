"""The models that a region offers now."""

from batchconsole.aws import bedrock
from batchconsole.aws.errors import AwsError
from batchconsole.aws.session import Target
from batchconsole.console.models.choices import Offered


def offered_models(target: Target) -> tuple[Offered, AwsError | None]:
    """What the region offers, or nothing known and the error."""
    try:
        return Offered.of(bedrock.list_foundation_models(target), bedrock.list_inference_profiles(target)), None
    except AwsError as error:
        return Offered(), error
