"""Programs of exactly one version, which are fetched once into .tools/ where the PATH has another or none.

What is fetched is used only when its checksum is the one that is written here.
"""

import hashlib
import io
import os
import platform
import re
import shutil
import subprocess  # asks a tool for its version
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

from cd4ml.errors import UserError
from cd4ml.files.atomic import replacing
from cd4ml.http.client import HttpError, request

_ASKED = 60  # seconds in which a program says its version
_KEPT = Path(".tools")
_PATIENCE = 900.0  # seconds in which an archive is fetched, all attempts together


@dataclass(frozen=True, kw_only=True)
class PinnedTool:
    """A program that is published on GitHub, as an archive with one executable of its name."""

    name: str
    version: str
    repository: str
    file: str
    """The archive for Linux on x86-64."""
    sha256: str

    @property
    def kept(self) -> Path:
        """Where it is kept once it was fetched."""
        return _KEPT / f"{self.name}-{self.version}"

    @property
    def source(self) -> str:
        """Where it comes from, as messages name it: a mirror's address may hold a password."""
        return "the mirror in TOOLS_URL" if os.environ.get("TOOLS_URL") else f"github.com/{self.repository}"

    @property
    def url(self) -> str:
        """Where the archive is: on GitHub, or a mirror of it that TOOLS_URL names."""
        server = os.environ.get("TOOLS_URL") or "https://github.com"
        return f"{server}/{self.repository}/releases/download/v{self.version}/{self.file}"


GITLEAKS = PinnedTool(
    name="gitleaks",
    version="8.30.1",
    repository="gitleaks/gitleaks",
    file="gitleaks_8.30.1_linux_x64.tar.gz",
    sha256="551f6fc83ea457d62a0d98237cbad105af8d557003051f41f3e7ca7b3f2470eb",
)
TRIVY = PinnedTool(
    name="trivy",
    version="0.74.0",
    repository="aquasecurity/trivy",
    file="trivy_0.74.0_Linux-64bit.tar.gz",
    sha256="2ae6fe3ee734b7fdf11335663e18c75ea12dccc76062f09f164a3b0f8be4371a",
)


def find_tool(tool: PinnedTool) -> str:
    """Return the path of a program of the pinned version: the PATH's, the one that was kept, or one fetched now.

    Raises:
        UserError: it is for another kind of machine, cannot be fetched, or has another checksum; nothing of it is kept.
    """
    found = shutil.which(tool.name)
    if found and _has_version(found, tool.version):
        return found
    if not os.access(tool.kept, os.X_OK):
        if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
            raise UserError(
                f"{tool.name} {tool.version} is fetched for Linux on x86-64 alone; install that version yourself, "
                "so that it is on the PATH"
            )
        print(f"fetching {tool.name} {tool.version}", file=sys.stderr, flush=True)
        program = _unpacked(tool, _fetched(tool))
        with replacing(tool.kept) as new:
            new.write_bytes(program)
            new.chmod(0o755)
    return str(tool.kept.absolute())


def _has_version(program: str, version: str) -> bool:
    try:
        asked = subprocess.run([program, "--version"], capture_output=True, timeout=_ASKED, check=False)
    except (OSError, subprocess.TimeoutExpired):  # what does not run here is not the right one
        return False
    return re.search(rf"(?<![\d.]){re.escape(version)}(?![\d.])".encode(), asked.stdout) is not None


def _fetched(tool: PinnedTool) -> bytes:
    """Return the archive.

    Raises:
        UserError: it cannot be fetched, or has another checksum.
    """
    try:
        answer = request("GET", tool.url, limit=_PATIENCE)
        reason = "" if answer.ok else f"it answers {answer.status} {answer.phrase}"
    except HttpError as failure:
        reason = str(failure)
    if reason:
        raise UserError(f"{tool.name} {tool.version} could not be fetched from {tool.source}: {reason}")
    sha256 = hashlib.sha256(answer.content).hexdigest()
    if sha256 != tool.sha256:
        raise UserError(
            f"{tool.file} of {tool.source} has the checksum {sha256}, not {tool.sha256}; it is not used or kept"
        )
    return answer.content


def _unpacked(tool: PinnedTool, archive: bytes) -> bytes:
    """Return the executable in an archive.

    Raises:
        UserError: there is none of the tool's name.
    """
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        file = tar.extractfile(tool.name) if tool.name in tar.getnames() else None
        if file is None:
            raise UserError(f"{tool.file} has no file {tool.name}; nothing was kept")
        return file.read()
