"""DVC's objects as an OCI image: the same objects give the same bytes, and only objects are unpacked."""

import hashlib
import io
import json
import shutil
import tarfile
from pathlib import Path

import pytest
from cd4ml.storage.oci_layout import ObjectsError, missing, objects_of, pack, unpack


def add_object(cache: Path, content: bytes, suffix: str = "") -> str:
    """Put an object into a cache; return its digest."""
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest() + suffix
    (cache / digest[:2]).mkdir(parents=True, exist_ok=True)
    (cache / digest[:2] / digest[2:]).write_bytes(content)
    return digest


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def outputs(cache: Path) -> dict[str, str]:
    """A file and a folder of two files, in the cache: path to digest."""
    files = [{"md5": add_object(cache, text), "relpath": name} for name, text in (("a", b"A"), ("b", b"B"))]
    return {"raw": add_object(cache, b"rows"), "bundle": add_object(cache, json.dumps(files).encode(), ".dir")}


@pytest.fixture
def image(cache: Path, outputs: dict[str, str], tmp_path: Path) -> Path:
    pack(cache, outputs, tmp_path / "image")
    return tmp_path / "image"


def test_unpack_restores_every_packed_object(image: Path, cache: Path, outputs: dict[str, str], tmp_path: Path) -> None:
    assert missing(tmp_path / "other", outputs) == ["bundle", "raw"]

    unpack(image, tmp_path / "other")

    assert missing(tmp_path / "other", outputs) == []
    files = {path.relative_to(cache): path.read_bytes() for path in cache.rglob("*") if path.is_file()}
    other = tmp_path / "other"
    assert {path.relative_to(other): path.read_bytes() for path in other.rglob("*") if path.is_file()} == files


def test_the_same_objects_give_the_same_image(
    image: Path, cache: Path, outputs: dict[str, str], tmp_path: Path
) -> None:
    shutil.copytree(cache, tmp_path / "copy", copy_function=shutil.copyfile)  # with other modification times
    pack(tmp_path / "copy", outputs, tmp_path / "again")

    assert (image / "index.json").read_bytes() == (tmp_path / "again/index.json").read_bytes()


def test_a_folder_that_lacks_a_file_counts_as_missing(cache: Path, outputs: dict[str, str]) -> None:
    file = objects_of(cache, outputs["bundle"])[1]
    (cache / file[:2] / file[2:]).unlink()

    assert missing(cache, outputs) == ["bundle"]


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("ab/" + "0" * 30, tarfile.REGTYPE, "does not match the digest in its name"),
        ("../../evil", tarfile.REGTYPE, "is not an object of DVC"),
        ("ab/" + "0" * 30, tarfile.SYMTYPE, "is not an object of DVC"),
    ],
    ids=["altered", "path outside the cache", "link"],
)
def test_unpack_rejects_what_is_not_an_object(
    name: str, kind: bytes, message: str, image: Path, tmp_path: Path
) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.type, entry.linkname = (4, kind, "") if kind == tarfile.REGTYPE else (0, kind, "/etc/passwd")
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        tar.addfile(entry, io.BytesIO(b"evil") if kind == tarfile.REGTYPE else None)
    (image / "blobs/sha256/evil").write_bytes(layer.getvalue())
    index = json.loads((image / "index.json").read_bytes())
    manifest = image / "blobs/sha256" / index["manifests"][0]["digest"].partition(":")[2]
    manifest.write_text(json.dumps({"layers": [{"digest": "sha256:evil"}]}), encoding="utf-8")

    with pytest.raises(ObjectsError, match=message):
        unpack(image, tmp_path / "other/cache")

    assert [path for path in tmp_path.rglob("*evil*") if path.parent.name != "sha256"] == []
    assert not [path for path in (tmp_path / "other").rglob("*") if path.is_file()]
