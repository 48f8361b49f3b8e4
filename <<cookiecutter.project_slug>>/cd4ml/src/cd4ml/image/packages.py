"""The verb `list-packages`: write the Python packages in the image to build/sbom.json, a CycloneDX list."""

import json
import subprocess  # uv, with arguments that the library chooses
from pathlib import Path

from cd4ml.delivery.programs import find_uv
from cd4ml.errors import UserError
from cd4ml.files.atomic import replacing
from cd4ml.image.bundle import extras, read_bundle
from cd4ml.settings.project import read_project
from cd4ml.terminal.arguments import Arguments

_LIST = Path("build/sbom.json")


def main(argv: list[str]) -> None:
    """Write the list, and print how many packages are on it.

    Raises:
        UserError: there is no bundle, or uv cannot list the packages.
    """
    Arguments("list-packages").parse_args(argv)
    project, manifest = read_project(), read_bundle()
    command = [find_uv(), "export", "--quiet", "--format", "cyclonedx1.5", "--locked", "--no-default-groups"]
    with replacing(_LIST) as new:
        done = subprocess.run([*command, *extras(manifest, project), "--output-file", str(new)], check=False)
        if done.returncode:
            raise UserError("uv could not list the packages; if uv.lock is out of date, run uv lock")
        parts = json.loads(new.read_bytes()).get("components", [])
    packages = [part for part in parts if str(part.get("purl", "")).startswith("pkg:pypi/")]
    print(f"wrote {_LIST}: {len(packages)} Python packages")
