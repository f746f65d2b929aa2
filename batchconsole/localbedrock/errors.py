"""The errors of the service's API, each with its HTTP status from botocore's service model."""

from typing import ClassVar


class ServiceError(Exception):
    """An error response. ``code`` is sent in the header ``x-amzn-errortype``, ``members`` beside the message."""

    code: ClassVar[str] = "InternalServerException"
    status: ClassVar[int] = 500

    def __init__(self, message: str, **members: str) -> None:
        super().__init__(message)
        self.message = message
        self.members = members


class ValidationException(ServiceError):
    code = "ValidationException"
    status = 400


class SerializationException(ServiceError):
    """The request cannot be read as the operation's input: it is not JSON, or a value has the wrong type."""

    code = "SerializationException"
    status = 400


class ConflictException(ServiceError):
    code = "ConflictException"
    status = 400


class ServiceQuotaExceededException(ServiceError):
    code = "ServiceQuotaExceededException"
    status = 400


class TooManyTagsException(ServiceError):
    code = "TooManyTagsException"
    status = 400


class AccessDeniedException(ServiceError):
    code = "AccessDeniedException"
    status = 403


class MissingAuthenticationTokenException(ServiceError):
    """The request is not signed and carries no API key."""

    code = "MissingAuthenticationTokenException"
    status = 403


class IncompleteSignatureException(ServiceError):
    """The Authorization header holds no complete signature."""

    code = "IncompleteSignatureException"
    status = 403


class ResourceNotFoundException(ServiceError):
    code = "ResourceNotFoundException"
    status = 404


class UnknownOperationException(ServiceError):
    """No operation of this service has this method and path."""

    code = "UnknownOperationException"
    status = 404


class ModelErrorException(ServiceError):
    code = "ModelErrorException"
    status = 424


class ThrottlingException(ServiceError):
    code = "ThrottlingException"
    status = 429


class InternalServerException(ServiceError):
    """The service failed for a reason that is not the caller's fault."""


class ServiceUnavailableException(ServiceError):
    code = "ServiceUnavailableException"
    status = 503
