"""Pack a folder into an archive whose bytes depend on nothing but the files: sorted, one time, no owner."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

LEFT_OUT = (".git",)
"""Folders that are not packed: whoever unpacks it starts a repository of their own."""


def packed(folder: Path, moment: int) -> bytes:
    """Return a folder as a .tar.gz in which every file is of one moment, in seconds since 1970."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in files(folder):
            data = path.read_bytes()
            entry = tarfile.TarInfo(str(path.relative_to(folder.parent)))
            entry.size, entry.mtime = len(data), moment
            entry.mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
            archive.addfile(entry, io.BytesIO(data))
    return gzip.compress(content.getvalue(), mtime=moment)


def files(folder: Path) -> list[Path]:
    """Return a folder's files in the order of their names, wherever it lies."""
    found = [path for path in folder.rglob("*") if path.is_file() and path.relative_to(folder).parts[0] not in LEFT_OUT]
    return sorted(found, key=lambda path: path.relative_to(folder).parts)
