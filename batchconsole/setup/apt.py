"""System packages, on a Debian or Ubuntu where we are root: a container or a fresh virtual machine."""

import os
import shutil
import subprocess


def install(*packages: str) -> bool:
    """Install *packages* and say so; False where that is not ours to do, or did not work."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    print(f"Installing {', '.join(packages)} with apt-get.", flush=True)
    return run_apt("update") and run_apt("install", "--yes", "--no-install-recommends", *packages)


def run_apt(*arguments: str) -> bool:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        ["apt-get", "--quiet", "--quiet", *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode == 0
