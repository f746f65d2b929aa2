"""`python manage.py sbom`: a CycloneDX list of every package that a lock file pins, with its hashes."""

import re
from pathlib import Path
from typing import Any

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from django.core.management.base import BaseCommand, CommandError, CommandParser
from packageurl import PackageURL

from batchconsole.setup.paths import ROOT

PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


class Command(BaseCommand):
    help = "Print the software bill of materials of a lock file, as CycloneDX 1.6 in JSON."
    requires_system_checks: list[str] = []  # noqa: RUF012 - declared like this in Django

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("lock", nargs="?", type=Path, default=ROOT / "requirements.lock", help="(%(default)s)")

    def handle(self, **options: Any) -> None:
        lock: Path = options["lock"]
        if not lock.is_file():
            raise CommandError(f"{lock} is no file. Name a lock file, such as requirements.lock.")
        components = read_components(lock.read_text())
        if not components:
            raise CommandError(f"{lock} pins no package. Name a lock file, such as requirements.lock.")
        self.stdout.write(JsonV1Dot6(bill_of(components)).output_as_string(indent=2))


def bill_of(components: list[Component]) -> Bom:
    console = Component(name="batch-console", type=ComponentType.APPLICATION)
    bom = Bom(components=components)
    bom.metadata.component = console
    bom.register_dependency(console, components)
    return bom


def read_components(lock: str) -> list[Component]:
    """Return a component for each pin of *lock*, a requirements file with hashes."""
    pins = list(PIN.finditer(lock))
    ends = [*(pin.start() for pin in pins), len(lock)][1:]
    return [
        component_of(pin[1], pin[2], HASH.findall(lock[pin.end() : end])) for pin, end in zip(pins, ends, strict=True)
    ]


def component_of(name: str, version: str, hashes: list[str]) -> Component:
    """Return the component; its hashes are those of every file of the release, one of which is installed."""
    return Component(
        name=name,
        version=version,
        type=ComponentType.LIBRARY,
        bom_ref=f"{name}=={version}",
        purl=PackageURL("pypi", name=name.lower().replace("_", "-"), version=version),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=each) for each in hashes],
    )
