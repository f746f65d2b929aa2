"""TagResource, UntagResource and ListTagsForResource for jobs, the only resources here that can have tags."""

from typing import Any

from batchconsole.localbedrock.errors import ResourceNotFoundException, TooManyTagsException, ValidationException
from batchconsole.localbedrock.jobs import Caller, Job
from batchconsole.localbedrock.service import Service


def read_tags(tags: list[dict[str, str]]) -> dict[str, str]:
    """Return *tags* by key. Raises :class:`ValidationException` for a duplicate key or one reserved by AWS."""
    by_key = {tag["key"]: tag["value"] for tag in tags}
    if len(by_key) < len(tags):
        raise ValidationException("Duplicate tag keys found. Please note that tag keys are case sensitive.")
    if any(key.lower().startswith("aws:") for key in by_key):
        raise ValidationException("aws: prefixed tag key names are not allowed for external use.")
    return by_key


def too_many(limit: int) -> str:
    """Return the message for a job that would have more than *limit* tags."""
    return f"The resource can have at most {limit} tags."


def tag_resource(service: Service, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    job, limit = _resource(service, caller, params), service.settings.max_tags
    if not service.store.tag(job.id, read_tags(params["tags"]), limit=limit):
        raise TooManyTagsException(too_many(limit), resourceName=job.arn)
    return {}


def untag_resource(service: Service, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    service.store.untag(_resource(service, caller, params).id, params["tagKeys"])
    return {}


def list_tags_for_resource(service: Service, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    tags = service.store.tags(_resource(service, caller, params).id)
    return {"tags": [{"key": key, "value": value} for key, value in tags.items()]}


def _resource(service: Service, caller: Caller, params: dict[str, Any]) -> Job:
    arn = params["resourceARN"]
    job = service.store.get(arn.rpartition("/")[2])
    if job is None or job.caller != caller or arn != job.arn:
        raise ResourceNotFoundException(f"The requested resource {arn} does not exist.", resourceName=arn)
    return job
