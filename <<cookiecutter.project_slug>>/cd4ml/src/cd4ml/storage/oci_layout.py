"""Pack files of DVC's cache into an OCI image on disk, and unpack them; the same files give the same bytes.

The image has one layer for each output. A file in DVC's cache is called an object; its digest is its name.
"""

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
_CHUNK = 1_048_576  # bytes


class ObjectsError(UserError):
    """Objects are missing, or their content does not match their digests."""


def object_path(cache: Path, digest: str) -> Path:
    """Return the path of an object in DVC's cache."""
    return cache / digest[:2] / digest[2:]


def objects_of(cache: Path, digest: str) -> list[str]:
    """Return the digests of an output's objects: its own, and for a folder those of all its files.

    Raises:
        ObjectsError: the folder's own object is not in the cache.
    """
    if not digest.endswith(".dir"):
        return [digest]
    try:
        files = json.loads(object_path(cache, digest).read_bytes())
    except FileNotFoundError:
        raise ObjectsError(f"DVC's cache lacks {digest}; make train makes it") from None
    return [digest, *sorted({str(file["md5"]) for file in files})]


def missing(cache: Path, outputs: Mapping[str, str]) -> list[str]:
    """Return the paths of the outputs of which the cache lacks an object; `outputs` maps paths to digests."""
    return sorted(path for path, digest in outputs.items() if not _is_complete(cache, digest))


def _is_complete(cache: Path, digest: str) -> bool:
    if not object_path(cache, digest).exists():
        return False
    return all(object_path(cache, member).exists() for member in objects_of(cache, digest))


def pack(cache: Path, outputs: Mapping[str, str], folder: Path) -> None:
    """Write an OCI layout with the objects of all outputs into an empty folder; `outputs` maps paths to digests."""
    blobs = folder / "blobs/sha256"
    blobs.mkdir(parents=True)
    layers = [_layer(cache, digest, blobs) for _, digest in sorted(outputs.items())]
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in layers]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": _write_blob(blobs, _CONFIG, json.dumps(config, sort_keys=True).encode()),
        "layers": layers,
    }
    descriptor = _write_blob(blobs, _MANIFEST, json.dumps(manifest, sort_keys=True).encode())
    index = {"schemaVersion": 2, "manifests": [descriptor]}
    (folder / "index.json").write_text(json.dumps(index), encoding="utf-8")
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}', encoding="utf-8")


def unpack(folder: Path, cache: Path) -> None:
    """Copy the objects of an OCI layout into the cache, after checking that each has the digest in its name.

    Raises:
        ObjectsError: a file's content does not match its name, or it is not an object.
    """
    blobs = folder / "blobs/sha256"
    index = json.loads((folder / "index.json").read_bytes())
    manifest = json.loads(_read_blob(blobs, index["manifests"][0]))
    for layer in manifest["layers"]:
        with tarfile.open(blobs / str(layer["digest"]).partition(":")[2]) as tar:
            for entry in tar:
                _extract(tar, entry, cache)


def _extract(tar: tarfile.TarFile, entry: tarfile.TarInfo, cache: Path) -> None:
    name, content = _OBJECT.fullmatch(entry.name), tar.extractfile(entry) if entry.isreg() else None
    if name is None or content is None:
        raise ObjectsError(f"the registry holds {entry.name[:80]!r}, which is not an object of DVC")
    target = cache / entry.name
    if target.exists():
        return
    with replacing(target) as temporary:
        digest = hashlib.md5(usedforsecurity=False)
        with temporary.open("wb") as file:
            while chunk := content.read(_CHUNK):
                digest.update(chunk)
                file.write(chunk)
        if digest.hexdigest() != (name[1] + name[2]).removesuffix(".dir"):
            raise ObjectsError(f"the registry's {entry.name} does not match the digest in its name; push again")
        temporary.chmod(0o444)  # as DVC does: a file in the workspace may be a link to it


def _layer(cache: Path, digest: str, blobs: Path) -> dict[str, Any]:
    temporary = blobs / "layer"
    with tarfile.open(temporary, "w", format=tarfile.USTAR_FORMAT) as tar:
        for member in objects_of(cache, digest):
            path = object_path(cache, member)
            entry = tarfile.TarInfo(f"{member[:2]}/{member[2:]}")
            entry.size, entry.mode = path.stat().st_size, 0o444
            with path.open("rb") as file:
                tar.addfile(entry, file)
    sha256 = hashlib.sha256()
    for chunk in _chunks(temporary):
        sha256.update(chunk)
    size = temporary.stat().st_size
    temporary.replace(blobs / sha256.hexdigest())
    return {"mediaType": _LAYER, "digest": f"sha256:{sha256.hexdigest()}", "size": size}


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _write_blob(blobs: Path, media_type: str, content: bytes) -> dict[str, Any]:
    """Write a blob, and return its descriptor."""
    sha256 = hashlib.sha256(content).hexdigest()
    (blobs / sha256).write_bytes(content)
    return {"mediaType": media_type, "digest": f"sha256:{sha256}", "size": len(content)}


def _read_blob(blobs: Path, descriptor: Mapping[str, Any]) -> bytes:
    return (blobs / str(descriptor["digest"]).partition(":")[2]).read_bytes()
