"""Hints about AWS errors in plain English, chosen by code and message; unknown codes get no hint."""

EXPIRED_CODES = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "AuthFailure",
        "InvalidToken",
    }
)
DENIED_CODES = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "UnauthorizedOperation",
        "Forbidden",
        "AllAccessDisabled",
    }
)

WITHOUT_ANSWER = {
    "EndpointUnreachable": "The endpoint could not be reached. Check that it is running, that the connection's region "
    "and endpoint URLs are right, and that no firewall or proxy is in between.",
    "NoCredentials": "No AWS credentials were found. Give the web and worker processes credentials (environment, "
    "instance role or profile), or correct the connection's profile.",
    "ExpiredToken": "The AWS sign-in has expired. Sign in again (for example with `aws sso login`) where the console "
    "runs.",
    "InvalidRequest": "The request does not fit the API's model. Correct the value named in the message.",
    "ClientFailure": "The AWS client failed before it got an answer. The message says why.",
}

KMS = (
    "The data is encrypted with a KMS key that cannot be used here, and S3 reports that as its own error. Allow "
    "kms:Decrypt for reading and kms:GenerateDataKey for writing, in the role and in the key's policy."
)
BUCKET_KMS = (
    " If the bucket is encrypted with a customer managed KMS key, a missing kms:Decrypt or kms:GenerateDataKey shows "
    "as this same error."
)
CROSS_ACCOUNT_ROLE = (
    "The service role belongs to another account than the connection's credentials. Choose a role of the same account."
)

BY_CODE = {
    "NoSuchBucket": "This bucket does not exist. Check its name for a typing error, and that the connection is the "
    "account that owns it.",
    "NoSuchKey": "There is no such object. Check the key, or browse the bucket for it.",
    "NotFound": "There is no such bucket or object, or the credentials may not see it.",
    "BadRequest": "S3 does not take the request as it is. Check the version ID.",
    "MethodNotAllowed": "This version marks that the object was deleted, so it has no content. Open an older one.",
    "NoSuchEntity": "IAM has no role of this name. It may have been deleted; choose another.",
    "NoSuchUpload": "The upload was aborted or has expired. Start it again.",
    "BucketAlreadyExists": "Bucket names are shared by all of AWS and somebody has this one. Choose another name.",
    "BucketAlreadyOwnedByYou": "You own a bucket of this name already. Use it, or choose another name.",
    "InvalidBucketName": "A bucket name has 3 to 63 lower-case letters, digits, dots and hyphens.",
    "PermanentRedirect": "The bucket lies in another region. Use a connection of that region.",
    "EntityAlreadyExists": "A role of this name exists already. Choose another name, or use the existing role.",
    "LimitExceeded": "A limit of the account is reached. Delete what is no longer used, or ask AWS for more.",
    "ConflictException": "Another job has this name. Choose a name that no job of this account and region has.",
    "ServiceQuotaExceededException": "The account has as many jobs of this model as its quota allows. It is tried "
    "again when one of them ends; the quota can be raised in Service Quotas.",
    "ResourceNotFoundException": "AWS does not know it: it may be of another account or region, or the model may not "
    "be offered in this region.",
    "InternalServerException": "AWS had an internal error. Retrying usually helps.",
    "InvalidObjectState": "The object is archived. Restore it in S3 first.",
    "OptInRequired": "The account is not subscribed to this service. Open the service once in the AWS console.",
    "TooManyTagsException": "A job takes at most 50 tags. Remove some.",
    "RequestTimeTooSkewed": "The clock of this machine is wrong by several minutes. Correct it.",
    "InvalidRange": "The object has changed or is shorter than expected. Read it again from the start.",
    "PreconditionFailed": "The object has changed since it was last looked at. Read it again from the start.",
}
EXPIRED = (
    "AWS does not accept the credentials: they have expired, were deleted or belong to another endpoint. Renew them "
    "where the console runs."
)
THROTTLED = "AWS is throttling requests. The console retries later."


def for_answer(code: str, message: str, *, operation: str, permission: str, subject: str) -> str:
    """Return the hint for an error from AWS, or an empty string if there is nothing useful to say."""
    if code.startswith("KMS.") or ("kms" in message.lower() and permission.startswith("s3:")):
        return KMS
    if "Cross-account pass role" in message:
        return CROSS_ACCOUNT_ROLE
    if code in DENIED_CODES:
        return _denied(message, permission=permission, subject=subject)
    if code in EXPIRED_CODES:
        return EXPIRED
    if "Throttl" in code or code in {"SlowDown", "TooManyRequestsException", "RequestLimitExceeded"}:
        return THROTTLED
    if code == "ValidationException":
        return _invalid(message, operation)
    return BY_CODE.get(code, "")


def _denied(message: str, *, permission: str, subject: str) -> str:
    if "iam:PassRole" in message:
        permission, subject = "iam:PassRole", "the service role, for bedrock.amazonaws.com"
    if not permission:
        return "The connection's credentials are not allowed to do this. Ask the administrator of the account."
    on = f" on {subject}" if subject else ""
    hint = f"The connection's credentials lack the permission {permission}{on}. Ask the account's administrator for it."
    return hint + BUCKET_KMS if permission in {"s3:GetObject", "s3:PutObject"} else hint


def _invalid(message: str, operation: str) -> str:
    """Return the hint for a ValidationException of Bedrock, which covers many problems, by the words of its message."""
    text = message.lower()
    if "batch inference is not supported" in text:
        return "This model takes no batch jobs in this region. Choose another model, or one of its inference profiles."
    if "on-demand throughput" in text or "inference profile" in text:
        return "This model is only reached through an inference profile. Choose one, for example us.<model id>."
    if "model identifier is invalid" in text:
        return "The region does not know this model. Check the model id, or choose it from the list."
    if "assume" in text and "role" in text:
        return "Bedrock cannot assume the service role. Its trust policy must name bedrock.amazonaws.com."
    if "next" in text and "token" in text and operation.startswith("List"):
        return "The list has changed meanwhile. Start again from its first page."
    return ""
