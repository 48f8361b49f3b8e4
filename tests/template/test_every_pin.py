"""Whatever looks like a pin, anywhere in the repository, is renewed by `make relock`, or stays for a reason."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from fnmatch import fnmatch

import pytest

from scripts.pins.kinds import KINDS
from scripts.pins.left import is_left, stays, unused
from scripts.pins.pin import find
from scripts.pins.renew import tracked
from tests.conftest import ROOT

_VERSION = r"\d+\.\d+(?:\.\d+)*"
LOOKS_LIKE_A_PIN: dict[str, tuple[str, str, re.Pattern[str]]] = {
    "a commit": ("*", "@", re.compile(r"[\w./-]+@[0-9a-f]{40}\b")),
    "a digest": ("*", "@sha256:", re.compile(r"[\w./:-]+@sha256:[0-9a-f]{64}")),
    "a checksum": ("*", "", re.compile(r"\b(?=[0-9a-f]{0,40}[a-f])(?=[0-9a-f]{0,40}\d)[0-9a-f]{64}\b")),
    "an image": ("*", "image", re.compile(r"""\bimage["']?: *["']?[\w./-]+:[\w.-]+""")),
    "a base image": ("*", "FROM ", re.compile(r"\bFROM (?:--\S+ )?[\w./-]+:[\w.-]+")),
    "an image of a registry": ("*", "/", re.compile(r"\b(?:[a-z]+\.)+(?:io|com|dev)/[\w./-]+:v?\d[\w.-]*")),
    "a package": ("*", "==", re.compile(rf"[A-Za-z][\w.-]*(?:\[[\w,-]+\])?=={_VERSION}")),
    "a node package": ("*", "@", re.compile(rf"@?[a-z][\w./-]*@{_VERSION}")),
    "a node dependency": ("*.json", '": "', re.compile(rf'"@?[\w./-]+": "[~^]?{_VERSION}"')),
    "a revision": ("*", "rev:", re.compile(r"\brev: *[\"']?[\w.]+")),
    "a variable": ("*", "VERSION", re.compile(rf"\b[A-Z_]*VERSION *[:?]?= *[\"']?v?{_VERSION}")),
    "a setting": ("*", "version:", re.compile(rf"(?<!python-)\bversion: *[\"']?v?{_VERSION}")),
    "an answer": ("*", "--version", re.compile(rf"--version\W.*\b{_VERSION}")),
    "a download": ("*", "https://", re.compile(rf"https://[\w./-]+/v?{_VERSION}/[\w./-]+")),
}
"""Where and how: files, a part of the line, a pattern. Looser than the kinds, so that a new way to write is seen."""


def looks_like_a_pin(path: str, text: str) -> Iterator[tuple[str, int, str]]:
    """Yield where in a text something looks like a pin: how, the line and what stands there."""
    for number, line in enumerate(text.splitlines(), 1):
        for what, (where, part, pattern) in LOOKS_LIKE_A_PIN.items():
            if (part in line if part else len(line) >= 64) and fnmatch(path, where):
                for match in pattern.finditer(line):
                    yield what, number, match[0]


def not_covered(path: str, text: str) -> list[str]:
    """Return what looks like a pin, is found by no kind, and has no reason to be left."""
    seen: dict[int, tuple[str, str]] = {}  # of each line the first
    for what, line, found in looks_like_a_pin(path, text):
        if not is_left(path, found):
            seen.setdefault(line, (what, found))
    if not seen:
        return []
    covered = {
        line
        for pin in find(KINDS, path, text)
        for line in range(text.count("\n", 0, pin.match.start()) + 1, text.count("\n", 0, pin.match.end()) + 2)
    }
    return [
        f"{path}:{line}: {found} looks like {what}; add a kind of pins to scripts/pins/kinds.py, or a reason to left.py"
        for line, (what, found) in seen.items()
        if line not in covered
    ]


@functools.cache
def files() -> dict[str, str]:
    return tracked(ROOT)


@functools.cache
def suspects() -> dict[str, list[str]]:
    """What looks like a pin, of each file that has such a thing."""
    seen = {path: [found for _, _, found in looks_like_a_pin(path, text)] for path, text in files().items()}
    return {path: found for path, found in seen.items() if found}


def test_every_pin_is_renewed_or_left_for_a_reason() -> None:
    assert [line for path in suspects() for line in not_covered(path, files()[path])] == []


def test_every_reason_to_leave_a_pin_is_needed() -> None:
    assert unused({path: suspects().get(path, []) for path in files()}) == []


def test_whatever_is_pinned_in_several_places_has_one_version() -> None:
    """Else a table would say of one that it moved, and nothing of another."""
    versions: dict[tuple[str, str], set[str]] = {}
    for path in suspects():
        for pin in find(KINDS, path, files()[path]):
            if pin.version and pin.subject.source != "fixed" and not stays(pin):
                versions.setdefault((pin.subject.source, pin.subject.name), set()).add(pin.version.removeprefix("v"))

    assert len(versions) > 20
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


@pytest.mark.parametrize(
    ("path", "added", "what"),
    [
        (".github/workflows/new.yml", f"      - uses: docker://hadolint/hadolint@sha256:{'0a' * 32}", "a digest"),
        (".github/workflows/new.yml", f"      - uses: an-action@{'0a' * 20}", "a commit"),
        ("new/values.yaml", "  rev: v1.2.3", "a revision"),
        ("scripts/new.sh", "HADOLINT_VERSION=2.14.0", "a variable"),
        ("scripts/new.sh", "curl -O https://example.org/releases/v2.14.0/hadolint", "a download"),
        ("scripts/new.sh", f"echo {'0a' * 32} hadolint | sha256sum --check", "a checksum"),
        ("scripts/new.sh", "docker run ghcr.io/hadolint/hadolint:2.14.0", "an image of a registry"),
        ("new/package.json", '    "left-pad": "^1.3.0"', "a node dependency"),
    ],
)
def test_a_new_pin_that_nothing_renews_is_reported_with_its_line(path: str, added: str, what: str) -> None:
    reported = not_covered(path, f"first line\n{added}\n")

    assert [line.partition(" ")[0] for line in reported] == [f"{path}:2:"]
    assert f" looks like {what};" in reported[0]


@pytest.mark.parametrize(
    ("path", "added"),
    [
        (".github/workflows/new.yml", f"      - uses: actions/cache@{'0a' * 20} # v6.1.0"),
        ("Dockerfile", f"FROM --platform=linux/amd64 debian:13.1@sha256:{'0a' * 32} AS base"),
        ("compose.yaml", "    image: ghcr.io/mlflow/mlflow:v3.5.0"),
        (".ci/run", "    uv tool install dvc[s3]==3.62.0"),
        ("Makefile", "\tnpm install @azure/static-web-apps-cli@2.0.1"),
        ("new/package.json", '    "left-pad": "1.3.0"'),
    ],
)
def test_a_new_pin_of_a_known_kind_is_covered_where_it_is_added(path: str, added: str) -> None:
    assert list(looks_like_a_pin(path, added))
    assert not_covered(path, added) == []
