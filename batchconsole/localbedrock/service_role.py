"""S3 clients with the credentials of a job's service role, which are renewed automatically."""

import re
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.credentials import CredentialProvider, CredentialResolver, DeferredRefreshableCredentials
from botocore.loaders import Loader

from batchconsole.localbedrock.jobs import Job
from batchconsole.localbedrock.settings import Settings

SESSION_SECONDS = 3600  # Every role allows sessions of this length.
_loader = Loader()  # Parsing the S3 model takes a tenth of a second, so all sessions share this loader.


class ServiceRole(CredentialProvider):  # type: ignore[misc]  # botocore has no types
    """Credentials of the job's role, assumed as Bedrock assumes it, and assumed again before they expire."""

    METHOD = "bedrock-service-role"

    def __init__(self, sts: Any, job: Job) -> None:
        super().__init__()
        self._sts = sts
        self._job = job

    def load(self) -> DeferredRefreshableCredentials:
        return DeferredRefreshableCredentials(self._assume, self.METHOD)

    def _assume(self) -> dict[str, str]:
        answer = self._sts.assume_role(
            RoleArn=self._job.role_arn, RoleSessionName=f"bedrock-{self._job.id}", DurationSeconds=SESSION_SECONDS
        )
        credentials = answer["Credentials"]
        return {
            "access_key": credentials["AccessKeyId"],
            "secret_key": credentials["SecretAccessKey"],
            "token": credentials["SessionToken"],
            "expiry_time": credentials["Expiration"].isoformat(),
        }


def s3_client(job: Job, settings: Settings) -> Any:
    """Return a botocore S3 client that acts as the role of *job*, or as this process if no role is to be assumed."""
    session = botocore.session.Session()
    session.register_component("data_loader", _loader)
    if settings.assume_role:
        resolver = CredentialResolver([ServiceRole(_sts_client(job, settings), job)])
        session.register_component("credential_provider", resolver)
    return session.create_client(
        "s3", region_name=job.region, endpoint_url=settings.aws_endpoint_url or None, config=_config(settings)
    )


def _sts_client(job: Job, settings: Settings) -> Any:
    session = botocore.session.Session()
    session.register_component("data_loader", _loader)
    client = session.create_client(
        "sts", region_name=job.region, endpoint_url=settings.aws_endpoint_url or None, config=_config(settings)
    )
    # The role's trust policy compares aws:SourceAccount and aws:SourceArn with these headers.
    source = {"x-amz-source-account": job.account, "x-amz-source-arn": job.arn}
    client.meta.events.register("before-call.sts.AssumeRole", lambda params, **_: params["headers"].update(source))
    return client


def _config(settings: Settings) -> Config:
    retries = {"mode": "standard", "total_max_attempts": 3}
    # With an IP address or "localhost", the bucket cannot be part of the host name.
    local = re.match(r"https?://(?:localhost|[\d.]+|\[)", settings.aws_endpoint_url)
    return Config(
        retries=retries,
        s3={"addressing_style": "path" if local else "auto"},
        connect_timeout=5,
        read_timeout=60,
        # Not every S3 server supports the newer checksums; ETag and HTTPS protect the content.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        max_pool_connections=4,
    )
