"""bundle.json: what a bundle was made of, how it decides, and the checksum of every file of it."""

import hashlib
import json
from pathlib import Path
from typing import Literal

import msgspec

from cd4ml.bundle.decision import Decision
from cd4ml.contract.contract import Task
from cd4ml.errors import BundleError

FORMAT = 2  # raised whenever a bundle written before cannot be read as it was

Runtime = Literal["onnx", "sklearn"]
MODEL_FILES: dict[Runtime, str] = {"onnx": "model.onnx", "sklearn": "model.skops"}


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What bundle.json says. Nothing in it depends on a clock, a path or a run: the same inputs, the same bytes."""

    format: int
    name: str
    until: str | None
    task: Task
    runtime: Runtime
    reason: str
    """Why this runtime: the proof that the export is exact, or why it fell back."""
    classes: list[bool | str]
    threshold: float | None
    numbers: list[str]
    categories: list[str]
    made_of: dict[str, str]
    """SHA-256 of the data, the contract, the parameters, the code and the lock file."""
    files: dict[str, str]
    """SHA-256 of every other file of the bundle."""

    @property
    def digest(self) -> str:
        """SHA-256 of the manifest, and so of everything it names, in hexadecimal."""
        return hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()

    @property
    def version(self) -> str:
        """The newest day of the data, or "v", and the first seven digits of the digest."""
        return f"{self.until or 'v'}.{self.digest[:7]}"

    @property
    def decision(self) -> Decision:
        """How scores become answers."""
        return Decision(self.task, list(self.classes), self.threshold)

    def to_json(self) -> str:
        """Return bundle.json's text, which carries the digest of the rest."""
        return json.dumps({**msgspec.to_builtins(self), "digest": self.digest}, indent=1, ensure_ascii=False)


def check(folder: Path) -> Manifest:
    """Return the manifest of a bundle that is whole.

    Raises:
        BundleError: it is absent, incomplete, altered, or newer than this code.
    """
    manifest = _read_manifest(folder)
    there = {path.name for path in folder.iterdir()} - {"bundle.json"}
    for name in sorted(there ^ set(manifest.files)):
        what = "is not one of its files" if name in there else "is missing"
        raise BundleError(f"{folder}: {name} {what}; the bundle is not whole: fetch it again, or run `make train`")
    for name, expected in manifest.files.items():
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != expected:
            raise BundleError(f"{folder}: {name} was altered or cut short: fetch the bundle again, or run `make train`")
    return manifest


def _read_manifest(folder: Path) -> Manifest:
    path = folder / "bundle.json"
    try:
        said = json.loads(path.read_bytes())
        written = int(said["format"])
    except FileNotFoundError:
        raise BundleError(f"no bundle in {folder}; run `make train`, which makes one") from None
    except (ValueError, TypeError, KeyError):
        raise BundleError(f"{path} was altered or cut short: fetch the bundle again, or run `make train`") from None
    if written > FORMAT:
        raise BundleError(f"{path} is of format {written}, this code reads {FORMAT}; update cd4ml")
    if written < FORMAT:
        raise BundleError(f"{path} is of format {written}, this code reads {FORMAT}; train it again: `make train`")
    digest = said.pop("digest", None)
    try:
        manifest = msgspec.convert(said, Manifest)
    except msgspec.ValidationError as altered:
        raise BundleError(f"{path} was altered: {altered}; fetch the bundle again, or run `make train`") from None
    if manifest.digest != digest:
        raise BundleError(f"{path} was altered, it no longer has its digest: fetch it again, or run `make train`")
    return manifest
