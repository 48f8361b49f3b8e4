"""The container in front of each service: the real Caddy, of the pinned version, with an authority of its own.

Azure would run Caddy's own image, which gets its certificates from Let's Encrypt. Here the program lies in an image
with nothing else, and signs for itself, with a root that is put on the share beforehand.
"""

from __future__ import annotations

import functools
import io
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import trustme

from tests.delivery.stand_ins.containers import DOCKER

OF_ITS_OWN = "--internal-certs"


def program() -> str | None:
    """Return where Caddy is in this environment."""
    return shutil.which("caddy", path=str(Path(sys.executable).parent))


@functools.cache
def image() -> str:
    """Return the id of an image that holds Caddy, which needs no libraries."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.add(str(program()), "usr/bin/caddy")
        for folder in ("data", "tmp"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o777
            archive.addfile(entry)
    settings = ["PATH=/usr/bin", "XDG_DATA_HOME=/data", "XDG_CONFIG_HOME=/tmp", "HOME=/tmp"]
    changes = [part for setting in settings for part in ("--change", f"ENV {setting}")]
    made = subprocess.run(
        [DOCKER, "import", *changes, "-"], input=packed.getvalue(), capture_output=True, check=True, timeout=300
    )
    return made.stdout.decode().strip()


def put_root(authority: trustme.CA, share: Path) -> None:
    """Let the Caddies that use a share sign with this authority."""
    folder = share / "caddy/pki/authorities/local"
    folder.mkdir(parents=True, exist_ok=True)
    authority.cert_pem.write_to_path(folder / "root.crt")
    authority.private_key_pem.write_to_path(folder / "root.key")
