"""Which endpoints a connection may use.

Users who edit a connection choose where this machine sends requests and whose responses its pages show. AWS's own
endpoints are always allowed. All others, above all those that only this machine or its network can reach, have to be on
a list that the operator maintains.
"""

import re
from collections.abc import Collection
from urllib.parse import urlsplit

# The services that the console calls, with FIPS, dual-stack and interface endpoints, as built by botocore's endpoint
# rules. The whole name has to match, because amazonaws.com also contains the machines and load balancers of AWS's
# customers. The domains are the dnsSuffix and dualStackDnsSuffix of botocore's partitions.
AWS_HOST = re.compile(
    r"(?:(?:[a-z0-9-]+\.)?vpce-[a-z0-9-]+\.)?"
    r"(?:s3|iam|sts|kms|ec2|bedrock|bedrock-runtime|servicequotas|api\.pricing)(?:-fips)?"
    r"(?:\.dualstack)?(?:\.[a-z]{2}(?:-[a-z]+)+(?:-\d)?)?(?:\.vpce)?"
    r"\.(?:amazonaws\.com|amazonaws\.com\.cn|amazonaws\.eu|api\.aws|api\.amazonwebservices\.com\.cn|api\.amazonwebservices\.eu)"
)


def is_allowed(url: str, allowed: Collection[str]) -> bool:
    """Whether *url* is AWS's own or in *allowed*, a list of ``host``, ``host:port`` or ``*.domain``."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:  # brackets without an address, or an invalid port
        return False
    host = (parts.hostname or "").rstrip(".")
    if AWS_HOST.fullmatch(host):
        return True
    names = {host, f"{host}:{port}", *(f"*.{domain}" for domain in domains(host))}
    return not names.isdisjoint(entry.lower().replace("[", "").replace("]", "") for entry in allowed)


def domains(host: str) -> list[str]:
    """Return the parent domains of *host*, longest first."""
    labels = host.split(".")
    return [".".join(labels[start:]) for start in range(1, len(labels))]
