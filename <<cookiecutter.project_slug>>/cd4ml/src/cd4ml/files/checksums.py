"""Checksums of files in a text as `sha256sum` prints it, and which files they are not true of."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

SUMS = ".cd4ml.sums"
"""The file of a project that has the checksums of all files as they were generated."""


def parse_checksums(text: str) -> dict[str, str]:
    """Return the checksums in a text as `sha256sum` prints it: by path, in hexadecimal."""
    lines = (line.partition("  ") for line in text.splitlines() if line)
    return {path: checksum for checksum, _, path in lines}


def differing(folder: Path, checksums: Mapping[str, str]) -> list[str]:
    """Return the paths of those files in a folder that are missing, or are not what their checksums say."""
    return [path for path, checksum in checksums.items() if checksum_of(folder / path) != checksum]


def checksum_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal; empty if there is no such file."""
    return sha256_of(path) if path.is_file() else ""


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file of any size, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
