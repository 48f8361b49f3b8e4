"""Where the champion is looked for, with git and DVC themselves: remotes, branches, caches, and none of them."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cd4ml.bundle.bundle import Bundle
from cd4ml.bundle.manifest import Manifest
from cd4ml.cli import main
from cd4ml.gate.champion import UnknownChampionError, find_champion
from dvc.cli import main as dvc_main

DVC_YAML = """\
stages:
  package:
    cmd: "true"
    outs: [models/bundle]
"""
IGNORED = "/data\n/models\n/houses.csv\n/reports\n"


def run(*command: str) -> str:
    who = {
        "GIT_AUTHOR_NAME": "A",
        "GIT_AUTHOR_EMAIL": "a@b.c",
        "GIT_COMMITTER_NAME": "A",
        "GIT_COMMITTER_EMAIL": "a@b.c",
    }
    return subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | who).stdout


def dvc(*words: str) -> None:
    """Run DVC in this process: its start takes longer than its work."""
    assert dvc_main([*words, "--quiet"]) == 0


def commit(message: str) -> None:
    """Name the bundle that lies here in dvc.lock, and commit."""
    dvc("commit", "--force")
    run("git", "add", "--all")
    run("git", "commit", "--quiet", "--message", message)


def another_bundle(name: str) -> str:
    """Change what the bundle says of itself, as another training would; return its digest."""
    path = Path("models/bundle/bundle.json")
    said = json.loads(path.read_text(encoding="utf-8")) | {"name": name}
    del said["digest"]
    manifest = msgspec.convert(said, Manifest)
    path.unlink()  # DVC may have linked it to its cache
    path.write_text(manifest.to_json(), encoding="utf-8")
    return manifest.digest


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory, large_project: Any) -> Path:
    """A repository on `main` with one bundle committed. Not to be changed: copy it first."""
    folder = tmp_path_factory.mktemp("released") / "houses"
    shutil.copytree(large_project.folder, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run("git", "init", "--quiet", "--initial-branch", "main")
        dvc("init")
        Path("dvc.yaml").write_text(DVC_YAML, encoding="utf-8")
        with Path("params.yaml").open("a", encoding="utf-8") as params:
            params.write("gate:\n  max_calibration_error: 0.3\n")
        Path(".gitignore").write_text(IGNORED, encoding="utf-8")
        commit("released")
    return folder


@pytest.fixture
def houses(released: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that repository, which is the working directory."""
    folder = Path(shutil.copytree(released, tmp_path / "houses", symlinks=True))
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def origin(houses: Path, tmp_path: Path) -> Path:
    """The repository's remote."""
    folder = tmp_path / "origin.git"
    run("git", "clone", "--quiet", "--bare", str(houses), str(folder))
    run("git", "remote", "add", "origin", str(folder))
    return folder


def found(folder: Path) -> tuple[str, str] | None:
    champion = find_champion(folder / "champion")
    return None if champion is None else (champion.branch, champion.bundle.manifest.digest)


def test_before_another_model_is_trained_there_is_none(houses: Path, tmp_path: Path) -> None:
    assert found(tmp_path) is None


def test_before_the_first_release_it_is_the_one_on_main(houses: Path, tmp_path: Path) -> None:
    first = Bundle.load(houses / "models/bundle").manifest.digest
    run("git", "switch", "--quiet", "--create", "better")
    another_bundle("second")
    commit("second")

    assert found(tmp_path) == ("main", first)


def test_after_a_release_it_is_the_one_on_production(houses: Path, tmp_path: Path) -> None:
    run("git", "branch", "production")
    first = Bundle.load(houses / "models/bundle").manifest.digest
    another_bundle("second")
    commit("second")
    another_bundle("third")
    commit("third")

    assert found(tmp_path) == ("production", first)


def test_production_is_asked_of_the_remote_when_the_clone_does_not_know_it(
    houses: Path, origin: Path, tmp_path: Path
) -> None:
    run("git", "push", "--quiet", "origin", "main:production")

    assert found(tmp_path) == ("production", Bundle.load(houses / "models/bundle").manifest.digest)


def test_a_branch_that_only_this_clone_has_is_no_release(houses: Path, origin: Path, tmp_path: Path) -> None:
    run("git", "branch", "production")

    assert found(tmp_path) is None


def test_a_remote_that_does_not_answer_is_no_absence(houses: Path, origin: Path, tmp_path: Path) -> None:
    shutil.rmtree(origin)

    with pytest.raises(UnknownChampionError, match=r"cannot read whether origin has the branch production: .*origin"):
        found(tmp_path)


def test_a_password_in_the_remotes_address_is_not_repeated(houses: Path, tmp_path: Path) -> None:
    run("git", "remote", "add", "origin", "http://ada:secret@127.0.0.1:9/houses.git")

    with pytest.raises(UnknownChampionError) as said:
        found(tmp_path)

    assert "secret" not in str(said.value)
    assert "127.0.0.1" in str(said.value)


def test_remotes_of_which_none_is_origin_cannot_be_chosen_from(houses: Path, tmp_path: Path) -> None:
    run("git", "remote", "add", "one", "/one")
    run("git", "remote", "add", "two", "/two")

    with pytest.raises(UnknownChampionError, match="the remotes one, two, and none is called origin"):
        found(tmp_path)


def test_a_production_without_a_model_is_refused(houses: Path, tmp_path: Path) -> None:
    run("git", "switch", "--quiet", "--orphan", "production")
    run("git", "commit", "--quiet", "--allow-empty", "--message", "empty")
    run("git", "switch", "--quiet", "main")

    with pytest.raises(UnknownChampionError, match=r"dvc\.lock on production names no models/bundle"):
        found(tmp_path)


def test_a_bundle_that_nobody_keeps_is_said(houses: Path, tmp_path: Path) -> None:
    run("git", "branch", "production")
    shutil.rmtree(".dvc/cache")

    with pytest.raises(UnknownChampionError, match=r"the bundle of production at \w{7} is neither in DVC's cache nor"):
        found(tmp_path)


def test_the_bundle_comes_from_dvcs_remote_where_the_cache_lacks_it(houses: Path, tmp_path: Path) -> None:
    dvc("remote", "add", "--default", "storage", str(tmp_path / "storage"))
    run("git", "commit", "--quiet", "--all", "--message", "remote")
    dvc("push")
    run("git", "branch", "production")
    shutil.rmtree(".dvc/cache")

    assert found(tmp_path) == ("production", Bundle.load(houses / "models/bundle").manifest.digest)


def test_a_corrupt_cache_is_noticed(houses: Path, tmp_path: Path) -> None:
    run("git", "branch", "production")
    (model,) = [
        path for path in Path(".dvc/cache/files").rglob("*") if path.is_file() and b"skl2onnx" in path.read_bytes()
    ]
    model.chmod(0o644)
    model.write_bytes(model.read_bytes()[:-100])

    with pytest.raises(UnknownChampionError, match=r"production at \w{7}: its bundle: model.onnx was altered"):
        found(tmp_path)


def test_the_verb_writes_its_verdict(houses: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("git", "branch", "production")

    assert main(["gate"]) == 0

    told = json.loads((houses / "reports/gate.json").read_text(encoding="utf-8"))
    assert told["passed"] is True
    assert told["digest"] == told["champion"]["digest"] == Bundle.load(houses / "models/bundle").manifest.digest
    assert "Gate: `2024-06-30." in (houses / "reports/gate.md").read_text(encoding="utf-8")
    assert "may be released" in capsys.readouterr().out


def test_a_bundle_that_dvc_lock_does_not_name_is_refused(houses: Path, capsys: pytest.CaptureFixture[str]) -> None:
    another_bundle("mine")

    assert main(["gate"]) == 1

    said = capsys.readouterr()
    assert "refused: whole: changed since dvc.lock was written: package; run make train" in said.out
    assert json.loads((houses / "reports/gate.json").read_text(encoding="utf-8"))["passed"] is False


def test_an_altered_bundle_is_refused(houses: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = houses / "models/bundle/model.onnx"
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content + b" ")

    assert main(["gate"]) == 1

    assert "refused: whole: models/bundle: model.onnx was altered" in capsys.readouterr().err


def test_other_rows_are_refused(houses: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy("data/train.parquet", "data/holdout.parquet")

    assert main(["gate"]) == 1

    assert "it was made from other rows" in capsys.readouterr().out


def test_without_a_bundle_it_says_what_makes_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], houses: Path
) -> None:
    shutil.rmtree("models")

    assert main(["gate"]) == 1

    assert capsys.readouterr().err == "gate: no bundle in models/bundle; run `make train`, which makes one\n"
