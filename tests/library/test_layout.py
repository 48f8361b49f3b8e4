"""DVC's objects as an image: the same objects are the same bytes, and nothing else passes for an object."""

import hashlib
import io
import json
import shutil
import tarfile
from pathlib import Path

import pytest
from cd4ml.files.git import github_credentials
from cd4ml.storage.oci_layout import ObjectsError, missing, objects_of, pack, unpack
from cd4ml.storage.registry import Registry, RegistryError, tag
from trained_repository import dvc, train


def keep(cache: Path, content: bytes, ending: str = "") -> str:
    """Put an object into a cache; return its digest."""
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest() + ending
    (cache / digest[:2]).mkdir(parents=True, exist_ok=True)
    (cache / digest[:2] / digest[2:]).write_bytes(content)
    return digest


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def named(cache: Path) -> dict[str, str]:
    """A file and a folder of two files, in the cache."""
    files = [{"md5": keep(cache, text), "relpath": name} for name, text in (("a", b"A"), ("b", b"B"))]
    return {"raw": keep(cache, b"rows"), "bundle": keep(cache, json.dumps(files).encode(), ".dir")}


@pytest.fixture
def packed(cache: Path, named: dict[str, str], tmp_path: Path) -> Path:
    pack(cache, named, tmp_path / "image")
    return tmp_path / "image"


def test_what_is_packed_comes_out(packed: Path, cache: Path, named: dict[str, str], tmp_path: Path) -> None:
    assert missing(tmp_path / "other", named) == ["bundle", "raw"]

    unpack(packed, tmp_path / "other")

    assert missing(tmp_path / "other", named) == []
    files = {path.relative_to(cache): path.read_bytes() for path in cache.rglob("*") if path.is_file()}
    other = tmp_path / "other"
    assert {path.relative_to(other): path.read_bytes() for path in other.rglob("*") if path.is_file()} == files


def test_the_same_objects_are_the_same_image(packed: Path, cache: Path, named: dict[str, str], tmp_path: Path) -> None:
    shutil.copytree(cache, tmp_path / "copy", copy_function=shutil.copyfile)  # other times
    pack(tmp_path / "copy", named, tmp_path / "again")

    assert (packed / "index.json").read_bytes() == (tmp_path / "again/index.json").read_bytes()


def test_a_folder_that_lacks_a_file_is_missing(cache: Path, named: dict[str, str]) -> None:
    file = objects_of(cache, named["bundle"])[1]
    (cache / file[:2] / file[2:]).unlink()

    assert missing(cache, named) == ["bundle"]


@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [
        ("ab/" + "0" * 30, tarfile.REGTYPE, "is not what its name says"),
        ("../../evil", tarfile.REGTYPE, "is no object of DVC's"),
        ("ab/" + "0" * 30, tarfile.SYMTYPE, "is no object of DVC's"),
    ],
    ids=["altered", "elsewhere", "link"],
)
def test_what_is_no_object_is_refused(name: str, kind: bytes, said: str, packed: Path, tmp_path: Path) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.type, entry.linkname = (4, kind, "") if kind == tarfile.REGTYPE else (0, kind, "/etc/passwd")
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        tar.addfile(entry, io.BytesIO(b"evil") if kind == tarfile.REGTYPE else None)
    (packed / "blobs/sha256/evil").write_bytes(layer.getvalue())
    index = json.loads((packed / "index.json").read_bytes())
    manifest = packed / "blobs/sha256" / index["manifests"][0]["digest"].partition(":")[2]
    manifest.write_text(json.dumps({"layers": [{"digest": "sha256:evil"}]}), encoding="utf-8")

    with pytest.raises(ObjectsError, match=said):
        unpack(packed, tmp_path / "other/cache")

    assert [path for path in tmp_path.rglob("*evil*") if path.parent.name != "sha256"] == []
    assert not [path for path in (tmp_path / "other").rglob("*") if path.is_file()]


def test_the_image_is_named_after_what_dvc_keeps(repository: Path) -> None:
    before = tag()
    Path("reports/model-card.md").write_text("other words, which git keeps", encoding="utf-8")
    dvc("commit", "--force", "evaluate")
    assert tag() == before

    Path("model.py").write_text("two", encoding="utf-8")
    train("2024-02-29.bbbbbbb")
    assert tag() != before
    assert tag("HEAD") == before


@pytest.mark.parametrize(
    "name", ["", "houses", "ghcr.io", "--help", "ghcr.io/a b", "ghcr.io/ada/houses:tag", "ghcr.io/../x"]
)
def test_a_name_that_is_none_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OBJECTS", name)

    with pytest.raises(RegistryError, match="OBJECTS is no repository in a registry"):
        Registry.here()


def test_a_repository_with_capitals_has_a_registry_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OBJECTS", "ghcr.io/Ada/Houses-objects")

    assert Registry.here().name == "ghcr.io/ada/houses-objects"


def test_git_is_told_the_token_beside_what_it_was_told() -> None:
    there = {"GITHUB_ACTIONS": "true", "GITHUB_TOKEN": "t", "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "x"}

    assert github_credentials(there) == {
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_1": "http.https://github.com/.extraheader",
        "GIT_CONFIG_VALUE_1": "AUTHORIZATION: basic eC1hY2Nlc3MtdG9rZW46dA==",
    }
    assert github_credentials({"GITHUB_TOKEN": "t"}) == {}
