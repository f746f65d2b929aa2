"""System packages on Debian or Ubuntu, if this process is root, as in a container or a new virtual machine."""

import os
import shutil
import subprocess


def install(*packages: str) -> bool:
    """Install *packages* and print a note; return False if this process may not, or if it fails."""
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
