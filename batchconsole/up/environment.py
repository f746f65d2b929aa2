"""What each process finds in its environment: what it needs, and nobody else's secrets.

An allow-list, for a deny-list misses the next secret: a shell may hold tokens of anything.
"""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

# How a program runs on this machine, and how it reaches others.
SYSTEM = (
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "LC_*", "TZ", "TMPDIR", "XDG_*",
    "LD_LIBRARY_PATH", "DYLD_*", "PYTHON*", "VIRTUAL_ENV", "COVERAGE_*", "MALLOC_*",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy",
    # `up` finds what belongs to one of its runs by these
    "BATCHCONSOLE_RUN", "BATCHCONSOLE_DATA_DIR",
)  # fmt: skip
# Settings for llama.cpp: which processor, how many threads.
MODEL = ("CUDA_*", "GGML_*", "LLAMA_*", "OMP_*", "HIP_*", "ROCR_*", "MTL_*", "METAL_*")
LOCAL_AWS = ("BATCHCONSOLE_LOCALAWS_*",)
LOCAL_BEDROCK = ("BATCHCONSOLE_LOCALBEDROCK_*",)
# Django's settings, the AWS credentials of this machine, PostgreSQL's own variables.
CONSOLE = ("BATCHCONSOLE_*", "DJANGO_SETTINGS_MODULE", "AWS_*", "BOTO_CONFIG", "PG*", "GRANIAN_*", "OTEL_*", "SENTRY_*")
# Read by `up` alone, by the local stack, or of no use to a process that only keeps time.
NOT_CONSOLE = ("BATCHCONSOLE_ADMIN_PASSWORD*", *LOCAL_AWS, *LOCAL_BEDROCK)
OF_PEOPLE = ("BATCHCONSOLE_EMAIL_*", "BATCHCONSOLE_OPENID_*")  # secrets for mail and sign-in
NOT_BEAT = (*NOT_CONSOLE, *OF_PEOPLE, "BATCHCONSOLE_SECRET_KEY*", "BATCHCONSOLE_DATABASE_URL*", "AWS_*", "PG*")


def select(environment: Mapping[str, str], wanted: Iterable[str], unwanted: Iterable[str] = ()) -> dict[str, str]:
    """What of *environment* a process gets: names that match SYSTEM or *wanted* and nothing of *unwanted*."""
    return {
        name: value
        for name, value in environment.items()
        if matches(name, SYSTEM) or (matches(name, wanted) and not matches(name, unwanted))
    }


def matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
