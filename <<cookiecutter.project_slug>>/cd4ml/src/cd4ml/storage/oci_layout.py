"""DVC's objects as an OCI image on disk, one layer for each output; the same objects are the same bytes."""

import hashlib
import json
import re
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cd4ml.errors import UserError
from cd4ml.files.atomic import replacing

_LAYER = "application/vnd.oci.image.layer.v1.tar"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_OBJECT = re.compile(r"([0-9a-f]{2})/([0-9a-f]{30}(?:\.dir)?)")
_PIECE = 1_048_576  # bytes


class ObjectsError(UserError):
    """Objects are missing, or are not what their names say."""


def path_of(cache: Path, digest: str) -> Path:
    """Return where DVC's cache keeps an object."""
    return cache / digest[:2] / digest[2:]


def objects_of(cache: Path, digest: str) -> list[str]:
    """Return an output's objects: itself, and for a folder all its files.

    Raises:
        ObjectsError: the folder's own object is not in the cache.
    """
    if not digest.endswith(".dir"):
        return [digest]
    try:
        files = json.loads(path_of(cache, digest).read_bytes())
    except FileNotFoundError:
        raise ObjectsError(f"DVC's cache lacks {digest}; make train makes it") from None
    return [digest, *sorted({str(file["md5"]) for file in files})]


def missing(cache: Path, named: Mapping[str, str]) -> list[str]:
    """Return the outputs of which the cache lacks an object."""
    return sorted(path for path, digest in named.items() if not _there(cache, digest))


def _there(cache: Path, digest: str) -> bool:
    if not path_of(cache, digest).exists():
        return False
    return all(path_of(cache, one).exists() for one in objects_of(cache, digest))


def pack(cache: Path, named: Mapping[str, str], folder: Path) -> None:
    """Write an OCI layout with the objects of all outputs into an empty folder."""
    blobs = folder / "blobs/sha256"
    blobs.mkdir(parents=True)
    layers = [_layer(cache, digest, blobs) for _, digest in sorted(named.items())]
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in layers]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": _blob(blobs, _CONFIG, json.dumps(config, sort_keys=True).encode()),
        "layers": layers,
    }
    index = {"schemaVersion": 2, "manifests": [_blob(blobs, _MANIFEST, json.dumps(manifest, sort_keys=True).encode())]}
    (folder / "index.json").write_text(json.dumps(index), encoding="utf-8")
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}', encoding="utf-8")


def unpack(folder: Path, cache: Path) -> None:
    """Put the objects of an OCI layout into the cache, each after looking that it is what its name says.

    Raises:
        ObjectsError: one of them is not, or is no object at all.
    """
    blobs = folder / "blobs/sha256"
    index = json.loads((folder / "index.json").read_bytes())
    manifest = json.loads(_read(blobs, index["manifests"][0]))
    for layer in manifest["layers"]:
        with tarfile.open(blobs / str(layer["digest"]).partition(":")[2]) as tar:
            for entry in tar:
                _take(tar, entry, cache)


def _take(tar: tarfile.TarFile, entry: tarfile.TarInfo, cache: Path) -> None:
    name, content = _OBJECT.fullmatch(entry.name), tar.extractfile(entry) if entry.isreg() else None
    if name is None or content is None:
        raise ObjectsError(f"the registry holds {entry.name[:80]!r}, which is no object of DVC's")
    target = cache / entry.name
    if target.exists():
        return
    with replacing(target) as temporary:
        digest = hashlib.md5(usedforsecurity=False)
        with temporary.open("wb") as file:
            while piece := content.read(_PIECE):
                digest.update(piece)
                file.write(piece)
        if digest.hexdigest() != (name[1] + name[2]).removesuffix(".dir"):
            raise ObjectsError(f"the registry's {entry.name} is not what its name says; push the objects again")
        temporary.chmod(0o444)  # as DVC does: what is linked to it must not change it


def _layer(cache: Path, digest: str, blobs: Path) -> dict[str, Any]:
    temporary = blobs / "layer"
    with tarfile.open(temporary, "w", format=tarfile.USTAR_FORMAT) as tar:
        for one in objects_of(cache, digest):
            path = path_of(cache, one)
            entry = tarfile.TarInfo(f"{one[:2]}/{one[2:]}")
            entry.size, entry.mode = path.stat().st_size, 0o444
            with path.open("rb") as file:
                tar.addfile(entry, file)
    sha256 = hashlib.sha256()
    for piece in _pieces(temporary):
        sha256.update(piece)
    size = temporary.stat().st_size
    temporary.replace(blobs / sha256.hexdigest())
    return {"mediaType": _LAYER, "digest": f"sha256:{sha256.hexdigest()}", "size": size}


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


def _blob(blobs: Path, kind: str, content: bytes) -> dict[str, Any]:
    sha256 = hashlib.sha256(content).hexdigest()
    (blobs / sha256).write_bytes(content)
    return {"mediaType": kind, "digest": f"sha256:{sha256}", "size": len(content)}


def _read(blobs: Path, said: Mapping[str, Any]) -> bytes:
    return (blobs / str(said["digest"]).partition(":")[2]).read_bytes()
