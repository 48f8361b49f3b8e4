"""Read, write and check bundle.json: a bundle's inputs, how it decides, and the checksum of each of its files."""

import hashlib
import json
from pathlib import Path
from typing import Any, Literal

import msgspec

from cd4ml.bundle.decision import Decision
from cd4ml.contract.contract import Task
from cd4ml.errors import BundleError

FORMAT = 2  # to be increased if this code can no longer read the bundles that were written before

Runtime = Literal["onnx", "sklearn"]
MODEL_FILES: dict[Runtime, str] = {"onnx": "model.onnx", "sklearn": "model.skops"}


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The content of bundle.json. It holds no clock time, path or run id: the same inputs give the same bytes."""

    format: int
    name: str
    until: str | None
    task: Task
    runtime: Runtime
    reason: str
    """Why this runtime: the export was proved exact, or why scikit-learn is used."""
    classes: list[bool | str]
    threshold: float | None
    numbers: list[str]
    """The numeric features, in the order of the model's inputs; `categories` follow."""
    categories: list[str]
    trusted_types: list[str] = []
    """Libraries and types that the model's file may hold besides scikit-learn's; left out of bundle.json if empty."""
    made_of: dict[str, str]
    """SHA-256 of the data, the contract, the parameters, the code and the lock file."""
    files: dict[str, str]
    """SHA-256 of every other file of the bundle."""

    @property
    def digest(self) -> str:
        """SHA-256 of the manifest, and so of everything it names, in hexadecimal."""
        return _digest(self)

    @property
    def version(self) -> str:
        """The newest day of the data, or "v", and the first seven digits of the digest."""
        return f"{self.until or 'v'}.{self.digest[:7]}"

    @property
    def decision(self) -> Decision:
        """How scores become predictions."""
        return Decision(self.task, list(self.classes), self.threshold)

    def to_json(self) -> str:
        """Return the text of bundle.json, which also holds the digest of the other fields."""
        return json.dumps({**msgspec.to_builtins(self), "digest": self.digest}, indent=1, ensure_ascii=False)


def _digest(manifest: Manifest | dict[str, Any]) -> str:
    return hashlib.sha256(msgspec.json.encode(manifest, order="sorted")).hexdigest()


def load_manifest(folder: Path) -> Manifest:
    """Return the manifest of the bundle in a folder, after checking every file of the bundle.

    Raises:
        BundleError: it is missing, incomplete or altered, or was written by a newer version of the library.
    """
    manifest = _read(folder / "bundle.json")
    entries = {path.name for path in folder.iterdir()} - {"bundle.json"}
    missing = {name for name in manifest.files if not (folder / name).is_file()}
    for name in sorted(missing | (entries - set(manifest.files))):
        state = "is missing" if name in missing else "is not one of its files"
        raise BundleError(f"{folder}: {name} {state}: fetch the bundle again, or run `make train`")
    for name, expected in manifest.files.items():
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != expected:
            raise BundleError(f"{folder}: {name} was altered or cut short: fetch the bundle again, or run `make train`")
    return manifest


def _read(path: Path) -> Manifest:
    try:
        content = json.loads(path.read_bytes())
        written = int(content["format"])
    except (FileNotFoundError, NotADirectoryError):
        raise BundleError(f"no bundle in {path.parent}; run `make train`, which makes one") from None
    except (ValueError, TypeError, KeyError, OverflowError, IsADirectoryError):
        raise BundleError(f"{path} was altered or cut short: fetch the bundle again, or run `make train`") from None
    if written > FORMAT:
        raise BundleError(f"{path} has format {written}, and this code reads {FORMAT}; update cd4ml")
    if written < FORMAT:
        raise BundleError(f"{path} has format {written}, and this code reads {FORMAT}; train it again: `make train`")
    digest = content.pop("digest", None)
    try:
        manifest = msgspec.convert(content, Manifest)
    except msgspec.ValidationError as invalid:
        if _is_intact(content, digest):
            raise BundleError(f"{path} was written by another version of cd4ml ({invalid}); update cd4ml") from None
        raise BundleError(f"{path} was altered: {invalid}; fetch the bundle again, or run `make train`") from None
    if manifest.digest != digest:
        raise BundleError(f"{path} was altered, its digest is wrong: fetch the bundle again, or run `make train`")
    return manifest


def _is_intact(content: dict[str, Any], digest: object) -> bool:
    """Return whether a manifest that this code cannot read is as it was written, by a newer version then."""
    try:
        return _digest(content) == digest
    except (OverflowError, ValueError):  # values that no version writes
        return False
