"""Fits that were made and judged before, on disk: what an interrupted search goes on from."""

import hashlib
import json
import platform
from pathlib import Path
from typing import Any

import msgspec

from cd4ml.contract.columns import Array
from cd4ml.files.atomic import write_text
from cd4ml.settings import paths
from cd4ml.settings.project import read_project


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one fit."""

    score: float | None
    """The main metric on the rows judged; None when the fit failed."""
    seconds: float
    failure: str | None = None
    """Why it failed, in one line."""


def study_key() -> str:
    """Return a hash of all that decides what a fit gives, but for its settings and rows: the data and the code.

    That is the training rows, the contract, the lock file, features.py and model.py, this library, and Python's
    version: what was remembered of other data or other code is never found.
    """
    digest = hashlib.sha256(platform.python_version().encode())
    project = read_project()
    package = sorted(Path(__file__).parents[1].rglob("*.py"))
    for path in [paths.TRAIN, paths.CONTRACT, paths.LOCK, project.features, project.model, *package]:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


class FitCache:
    """A folder with one small file a fit, each written whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def size(self) -> int:
        """How many fits are remembered."""
        return len(list(self._folder.glob("fit-*.json")))

    def recall(self, key: str) -> Judgement | None:
        """Return what is remembered under a key; None for nothing, or for what cannot be read."""
        try:
            return msgspec.json.decode(self._file(key).read_bytes(), type=Judgement)
        except (FileNotFoundError, msgspec.MsgspecError):
            return None

    def keep(self, key: str, judgement: Judgement) -> None:
        """Remember what became of a fit."""
        write_text(self._file(key), msgspec.json.encode(judgement).decode())

    def _file(self, key: str) -> Path:
        return self._folder / f"fit-{key}.json"


def fit_key(settings: dict[str, Any], learn: Array, judge: Array) -> str:
    """Return a key for a fit with these settings of `model:` on the rows `learn`, judged on the rows `judge`."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=repr).encode())
    for rows in (learn, judge):
        digest.update(hashlib.sha256(rows.astype("<i8").tobytes()).digest())
    return digest.hexdigest()[:32]
