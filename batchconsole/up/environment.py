"""The environment of each process: what it needs, and no other secrets.

It uses allow-lists, because a deny-list would miss the next secret: a shell may hold any kind of token.
"""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

# Running programs on this machine, and reaching others.
SYSTEM = (
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "LC_*", "TZ", "TMPDIR", "XDG_*",
    "LD_LIBRARY_PATH", "DYLD_*", "PYTHON*", "VIRTUAL_ENV", "COVERAGE_*", "MALLOC_*",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy",
    # marks the processes of one run, so that `up` finds them
    "BATCHCONSOLE_RUN", "BATCHCONSOLE_DATA_DIR",
)  # fmt: skip
# Settings of llama.cpp: which processor, how many threads.
MODEL = ("CUDA_*", "GGML_*", "LLAMA_*", "OMP_*", "HIP_*", "ROCR_*", "MTL_*", "METAL_*")
LOCAL_AWS = ("BATCHCONSOLE_LOCALAWS_*",)
LOCAL_BEDROCK = ("BATCHCONSOLE_LOCALBEDROCK_*",)
# Django settings, this machine's AWS credentials, and PostgreSQL's variables.
CONSOLE = ("BATCHCONSOLE_*", "DJANGO_SETTINGS_MODULE", "AWS_*", "BOTO_CONFIG", "PG*", "GRANIAN_*", "OTEL_*", "SENTRY_*")
# Read only by `up` or the local stack, or unnecessary for the scheduler (NOT_BEAT).
NOT_CONSOLE = ("BATCHCONSOLE_ADMIN_PASSWORD*", *LOCAL_AWS, *LOCAL_BEDROCK)
OF_PEOPLE = ("BATCHCONSOLE_EMAIL_*", "BATCHCONSOLE_OPENID_*")  # secrets for mail and sign-in
NOT_BEAT = (*NOT_CONSOLE, *OF_PEOPLE, "BATCHCONSOLE_SECRET_KEY*", "BATCHCONSOLE_DATABASE_URL*", "AWS_*", "PG*")


def select(environment: Mapping[str, str], wanted: Iterable[str], unwanted: Iterable[str] = ()) -> dict[str, str]:
    """Return the part of *environment* that matches SYSTEM, or matches *wanted* and not *unwanted*."""
    return {
        name: value
        for name, value in environment.items()
        if matches(name, SYSTEM) or (matches(name, wanted) and not matches(name, unwanted))
    }


def matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
