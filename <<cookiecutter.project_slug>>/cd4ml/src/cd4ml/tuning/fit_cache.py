"""Store the results of fits on disk, from which a search that was stopped continues."""

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


class FitResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one fit on one fold."""

    score: float | None
    """The main metric on the validation rows; None if the fit failed."""
    seconds: float
    failure: str | None = None
    """Why it failed, in one line."""


def study_key() -> str:
    """Return a hash of everything that affects a fit, except its settings and rows: the data and the code.

    That is the training set, the contract, the lock file, features.py and model.py, this library, and Python's
    version. Results for other data or other code are therefore never used.
    """
    digest = hashlib.sha256(platform.python_version().encode())
    project = read_project()
    library = sorted(Path(__file__).parents[1].rglob("*.py"))
    for path in [paths.TRAIN, paths.CONTRACT, paths.LOCK, project.features, project.model, *library]:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


class FitCache:
    """A folder with one small file for each fit, written atomically."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def size(self) -> int:
        """The number of results in the cache."""
        return len(list(self._folder.glob("fit-*.json")))

    def get(self, key: str) -> FitResult | None:
        """Return the result with this key; None if there is none, or its file cannot be read."""
        try:
            return msgspec.json.decode(self._file(key).read_bytes(), type=FitResult)
        except (FileNotFoundError, msgspec.MsgspecError):
            return None

    def put(self, key: str, result: FitResult) -> None:
        """Store a result."""
        write_text(self._file(key), msgspec.json.encode(result).decode())

    def _file(self, key: str) -> Path:
        return self._folder / f"fit-{key}.json"


def fit_key(settings: dict[str, Any], train: Array, validation: Array) -> str:
    """Return a hash of the settings of `model:` and of the positions of the rows to fit on and to score on."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=repr).encode())
    for rows in (train, validation):
        digest.update(hashlib.sha256(rows.astype("<i8").tobytes()).digest())
    return digest.hexdigest()[:32]
