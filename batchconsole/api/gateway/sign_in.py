"""Authentication of gateway calls: the caller is the owner of the key sent as bearer token or used to sign."""

from django.contrib.auth.models import User
from django.utils import timezone

from batchconsole.api.call_limit import count_gateway_call
from batchconsole.api.gateway.incoming import Incoming
from batchconsole.api.gateway.signature import SignatureRefused, check_signature, read_signature
from batchconsole.jobs.models import ApiKey, Connection
from batchconsole.jobs.rights import api_keys
from batchconsole.jobs.rights.access import limit_to_key

BEARER = "Bearer "
NO_SUCH_KEY = "The security token included in the request is invalid."


def find_caller(incoming: Incoming, connection: Connection | None) -> User:
    """Return the caller, limited to the key's rights. Raises :class:`SignatureRefused` and TooMany.

    If *connection* is unknown, accept any region: only signed-in callers learn which connections exist.
    """
    authorization = incoming.headers.get("authorization", "")
    if not authorization:
        raise SignatureRefused(
            "MissingAuthenticationTokenException",
            "Missing Authentication Token. Send a key of this console: as AWS_BEARER_TOKEN_BEDROCK, or as "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
        )
    if authorization.startswith(BEARER):
        key = _of_token(authorization.removeprefix(BEARER).strip())
    else:
        key = _of_signature(incoming, connection.region if connection else "")
    count_gateway_call(key.key_id)
    limit_to_key(key.user, key)
    return key.user


def _of_token(token: str) -> ApiKey:
    key = api_keys.find_by_token(token)
    if key is None:
        raise SignatureRefused(
            "AccessDeniedException", "Authentication failed: Please make sure your API Key is valid."
        )
    return key


def _of_signature(incoming: Incoming, region: str) -> ApiKey:
    signature = read_signature(incoming.headers["authorization"])
    if "x-amz-security-token" in incoming.headers:  # the console issues no session tokens, so this one is foreign
        raise SignatureRefused("UnrecognizedClientException", NO_SUCH_KEY)
    key = api_keys.find_by_key_id(signature.key_id)
    if key is None:
        raise SignatureRefused("UnrecognizedClientException", NO_SUCH_KEY)
    secret = api_keys.signing_secret(key.key_id)
    check_signature(signature, incoming, secret=secret, region=region or signature.region, now=timezone.now())
    api_keys.note_use(key)
    return key
