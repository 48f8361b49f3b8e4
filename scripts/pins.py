"""Renew what no lock file and no dependabot covers: the tools of tool.sh, setup-uv's uv, and Caddy."""

import json
import re
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROJECT = ROOT / "<<cookiecutter.project_slug>>"
DEPLOY = PROJECT / "cd4ml/src/cd4ml/deploy"
SETUP = PROJECT / ".github/actions/setup/action.yml"
CADDY_FILES = (DEPLOY / "caddy.py",)
_TIMEOUT = 60.0  # seconds without an answer


@dataclass(frozen=True)
class Tool:
    """A program in tool.sh: a version, and the SHA-256 of its archive, from its project's releases on GitHub."""

    name: str
    repository: str


TOOLS = (Tool("gitleaks", "gitleaks/gitleaks"), Tool("trivy", "aquasecurity/trivy"))
UV_ARCHIVE = "uv-x86_64-unknown-linux-gnu.tar.gz"  # what setup-uv fetches for a machine of GitHub's


class PinError(Exception):
    """A pin is not where it is looked for, or what it has to be renewed from does not answer."""


def main() -> None:
    """Renew the pins, and print each with its version; nothing is written if one cannot be looked up."""
    try:
        for path, text in renewed().items():
            if path.read_text(encoding="utf-8") != text:
                path.write_text(text, encoding="utf-8")
                print(f"wrote {path.relative_to(ROOT)}")
    except (PinError, OSError, ValueError, KeyError) as error:
        sys.exit(f"pins: {error}; no pin was renewed")


def renewed() -> dict[Path, str]:
    """Return the new texts of the files that hold pins.

    Raises:
        PinError: a pin is not where it is looked for, or the engine does not name Caddy's digest.
        OSError: GitHub does not answer.
    """
    tools, texts = DEPLOY / "tool.sh", {}
    text = tools.read_text(encoding="utf-8")
    for tool in TOOLS:
        version = newest(tool.repository)
        address = (
            f"https://github.com/{tool.repository}/releases/download/v{version}/{tool.name}_{version}_checksums.txt"
        )
        text = with_tool(text, tool.name, version, fetch(address))
    texts[tools] = text
    setup = SETUP.read_text(encoding="utf-8")
    release = f"https://github.com/astral-sh/uv/releases/download/{uv_version(setup)}/{UV_ARCHIVE}.sha256"
    texts[SETUP] = with_uv_checksum(setup, fetch(release))
    version = newest("caddyserver/caddy")
    digest = caddy_digest(version)
    for path in CADDY_FILES:
        texts[path] = with_caddy(path.read_text(encoding="utf-8"), version, digest)
    return texts


def with_tool(text: str, name: str, version: str, checksums: str) -> str:
    """Return tool.sh with another version of a tool, whose archive's checksum is one of the lines of `checksums`."""
    pin = re.compile(rf"(version=)(\S+)( repository=\S+/{name} file=)(\S+)(\s+sum=)([0-9a-f]{{64}})")
    found = _only(pin, text, name)
    archive = found[4].replace(found[2], version)
    sums = [line.split()[0] for line in checksums.splitlines() if line.split()[1:] == [archive]]
    if len(sums) != 1:
        raise PinError(f"{name} {version} has no checksum of {archive}")
    return pin.sub(rf"\g<1>{version}\g<3>{archive}\g<5>{sums[0]}", text)


def uv_version(setup: str) -> str:
    """Return the version of uv in the text of the action `setup`."""
    return _only(re.compile(r'^ +version: "([0-9.]+)"$', re.MULTILINE), setup, "uv")[1]


def with_uv_checksum(setup: str, answer: str) -> str:
    """Return the action `setup` with the checksum that uv's project publishes beside its archive."""
    found = re.match(rf"([0-9a-f]{{64}}) [ *]{re.escape(UV_ARCHIVE)}\s*$", answer)
    if not found:
        raise PinError(f"{answer[:80]!r} is no checksum of {UV_ARCHIVE}")
    without = re.sub(r"^ +checksum: .*\n", "", setup, flags=re.MULTILINE)
    return re.sub(r'^( +)(version: "[0-9.]+")$', rf"\1\2\n\1checksum: {found[1]}", without, flags=re.MULTILINE)


def with_caddy(text: str, version: str, digest: str) -> str:
    """Return a file with another Caddy, wherever it names the version or the digest."""
    named = re.compile(r"\b(caddy[ :])\d+\.\d+\.\d+\b")
    if not named.search(text):
        raise PinError("no version of Caddy in a file that has to name it")
    text = named.sub(rf"\g<1>{version}", text)
    return re.sub(r'^(DIGEST = ")sha256:[0-9a-f]{64}', rf"\g<1>{digest}", text, flags=re.MULTILINE)


def caddy_digest(version: str) -> str:
    """Ask the container engine for the digest of a version of Caddy.

    Raises:
        PinError: there is no engine, or it cannot pull the image.
    """
    pull = ["docker", "pull", "--quiet=false", f"docker.io/library/caddy:{version}"]
    done = subprocess.run(pull, capture_output=True, text=True, check=False)
    found = re.search(r"^Digest: (sha256:[0-9a-f]{64})$", done.stdout, re.MULTILINE)
    if not found:
        raise PinError(f"docker pull caddy:{version}: {done.stderr.strip()[:200]}")
    return found[1]


def newest(repository: str) -> str:
    """Return the newest released version of a repository on GitHub, without its `v`."""
    answer = json.loads(fetch(f"https://api.github.com/repos/{repository}/releases/latest"))
    return str(answer["tag_name"]).removeprefix("v")


def fetch(address: str) -> str:
    """Return what is at an address, which is https."""
    try:
        with urllib.request.urlopen(address, timeout=_TIMEOUT) as answer:
            return str(answer.read().decode())
    except urllib.error.URLError as error:
        raise PinError(f"{address}: {error}") from None


def _only(pattern: re.Pattern[str], text: str, name: str) -> re.Match[str]:
    matches = list(pattern.finditer(text))
    if len(matches) != 1:
        raise PinError(f"{name} is pinned in {len(matches)} places of a file where there should be one")
    return matches[0]


if __name__ == "__main__":
    main()
