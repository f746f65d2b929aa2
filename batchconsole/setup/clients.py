"""Programs that the tests need besides Python packages: AWS clients and an OpenID provider, each in its own folder."""

import hashlib
import subprocess
from pathlib import Path

from batchconsole.setup import pip
from batchconsole.setup.errors import SetupError
from batchconsole.setup.paths import AWSCLI, BOTOCORE, NODE, ROOT, SCHEMATHESIS

AWSCLI_REQUIREMENTS = ROOT / "tests" / "requirements-awscli.txt"
BOTOCORE_REQUIREMENTS = ROOT / "tests" / "requirements-botocore.txt"
SCHEMATHESIS_REQUIREMENTS = ROOT / "tests" / "requirements-schemathesis.txt"
JAVASCRIPT = ROOT / "tests" / "localbedrock" / "js"
OPENID = ROOT / "tests" / "openid"


def ensure_awscli() -> None:
    """Install the AWS CLI in its own environment, because it needs another version of botocore."""
    stamp, wanted = AWSCLI / "installed", hashlib.sha256(AWSCLI_REQUIREMENTS.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print("Installing the AWS CLI into .venv/awscli.", flush=True)
    pip.make_venv(AWSCLI, "--without-pip")
    pip.install("--requirement", str(AWSCLI_REQUIREMENTS), into=AWSCLI / "bin" / "python")
    stamp.write_text(wanted)


def ensure_botocore() -> None:
    """Install the newest boto3 beside the console's: for its API models, and for a program that uses the gateway."""
    _ensure_folder(BOTOCORE, BOTOCORE_REQUIREMENTS, "a newer boto3")


def ensure_schemathesis() -> None:
    """Install Schemathesis without its dependencies, which the tests have, but for one in another version."""
    _ensure_folder(SCHEMATHESIS, SCHEMATHESIS_REQUIREMENTS, "Schemathesis")


def _ensure_folder(folder: Path, requirements: Path, what: str) -> None:
    """Install *requirements* as they are into *folder*, which is no environment, unless they are there."""
    stamp, wanted = folder / "installed", hashlib.sha256(requirements.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print(f"Installing {what} into {folder.relative_to(ROOT)}.", flush=True)
    pip.install("--no-deps", "--upgrade", "--target", str(folder), "--requirement", str(requirements))
    stamp.write_text(wanted)


def ensure_javascript() -> None:
    """Install the AWS SDK for JavaScript with the npm that comes with the test tools."""
    ensure_packages(JAVASCRIPT, "the AWS SDK for JavaScript")


def ensure_openid() -> None:
    """Install the OpenID provider that the tests sign in with."""
    ensure_packages(OPENID, "an OpenID provider")


def ensure_packages(folder: Path, what: str) -> None:
    """Install the packages of *folder*'s package-lock.json unless they are up to date. Raises SetupError on failure."""
    lock, installed = folder / "package-lock.json", folder / "node_modules" / ".package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
        return
    print(f"Installing {what}.", flush=True)
    command = [str(NODE.with_name("npm")), "ci", "--silent", "--no-audit", "--no-fund"]
    if subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, check=False).returncode:
        raise SetupError(f"npm ci failed in {folder}: is the npm registry reachable?")
