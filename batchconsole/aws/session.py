"""boto3 clients for one target: region, endpoints and the way to credentials. Knows no policy and keeps no secret."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import boto3
from botocore.config import Config

BEDROCK_SERVICES = {"bedrock": "bedrock_endpoint_url", "bedrock-runtime": "bedrock_runtime_endpoint_url"}
LOCAL_KEY = "test"  # MiniStack's fixed access key and secret for the account's root; public, like a default port.
CONFIG = Config(connect_timeout=3, read_timeout=60, retries={"mode": "standard", "max_attempts": 3})


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where calls go and how they are signed. Empty endpoint URLs mean AWS itself."""

    region: str
    endpoint_url: str = ""
    bedrock_endpoint_url: str = ""
    bedrock_runtime_endpoint_url: str = ""
    credentials: str = "default"  # default | profile | assume_role | local
    profile_name: str = ""
    role_arn: str = ""
    external_id: str = ""
