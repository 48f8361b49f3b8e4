"""Finding and fetching the champion with git and DVC themselves: from branches, remotes and caches, or none of them."""

import json
import shutil
from pathlib import Path

import pytest
from cd4ml.cli import main
from cd4ml.delivery.production_log import append_entry
from cd4ml.gate.champion import UnknownChampionError, find_champion
from committed_project import commit, digest_here, dvc, rename_bundle, run


@pytest.fixture
def origin(houses: Path, tmp_path: Path) -> Path:
    """The remote of the repository."""
    folder = tmp_path / "origin.git"
    run("git", "clone", "--quiet", "--bare", str(houses), str(folder))
    run("git", "remote", "add", "origin", str(folder))
    return folder


def find(folder: Path) -> tuple[str, str] | None:
    """Return the branch and the digest of the champion; None if there is none."""
    champion = find_champion(folder / "champion")
    return None if champion is None else (champion.branch, champion.bundle.manifest.digest)


def test_there_is_no_champion_until_another_model_is_trained(houses: Path, tmp_path: Path) -> None:
    assert find(tmp_path) is None


def test_before_the_first_release_the_champion_is_the_model_on_main(houses: Path, tmp_path: Path) -> None:
    first = digest_here()
    run("git", "switch", "--quiet", "--create", "better")
    rename_bundle("second")
    commit("second")

    assert find(tmp_path) == ("main", first)


def test_after_a_release_the_champion_is_the_model_on_production(houses: Path, tmp_path: Path) -> None:
    run("git", "branch", "production")
    first = digest_here()
    rename_bundle("second")
    commit("second")
    rename_bundle("third")
    commit("third")

    assert find(tmp_path) == ("production", first)


def test_the_champion_is_read_from_the_log_in_a_clone_that_has_nothing_else(
    houses: Path, origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dvc("remote", "add", "--default", "storage", str(tmp_path / "storage"))
    commit("remote")
    dvc("push")
    first = digest_here()
    released = run("git", "rev-parse", "HEAD").strip()
    append_entry("origin", None, "release first", {"commit": released, "bundle": "first"}, "a test")
    rename_bundle("second")
    commit("second")
    run("git", "push", "--quiet", "origin", "main")
    run("git", "clone", "--quiet", "--depth=1", origin.as_uri(), str(tmp_path / "clone"))
    monkeypatch.chdir(tmp_path / "clone")

    assert find(tmp_path) == ("production", first)


@pytest.mark.parametrize("name", ["master", "trunk"])
def test_the_champion_is_found_whatever_the_default_branch_is_called(name: str, houses: Path, tmp_path: Path) -> None:
    first = digest_here()
    run("git", "branch", "--move", "main", name)
    rename_bundle("second")
    dvc("commit", "--force")

    assert find(tmp_path) == (name, first)


def test_the_remote_is_asked_for_production_if_the_clone_does_not_have_it(
    houses: Path, origin: Path, tmp_path: Path
) -> None:
    run("git", "push", "--quiet", "origin", "main:production")

    assert find(tmp_path) == ("production", digest_here())


def test_a_branch_that_only_this_clone_has_is_no_release(houses: Path, origin: Path, tmp_path: Path) -> None:
    run("git", "branch", "production")

    assert find(tmp_path) is None


def test_a_remote_that_does_not_answer_is_an_error(houses: Path, origin: Path, tmp_path: Path) -> None:
    shutil.rmtree(origin)

    with pytest.raises(UnknownChampionError, match=r"cannot read whether origin has the branch production: .*origin"):
        find(tmp_path)


def test_a_password_in_the_remotes_address_is_not_repeated(houses: Path, tmp_path: Path) -> None:
    run("git", "remote", "add", "origin", "http://ada:secret@127.0.0.1:9/houses.git")

    with pytest.raises(UnknownChampionError) as error:
        find(tmp_path)

    assert "secret" not in str(error.value)
    assert "127.0.0.1" in str(error.value)


def test_several_remotes_without_an_origin_are_an_error(houses: Path, tmp_path: Path) -> None:
    run("git", "remote", "add", "one", "/one")
    run("git", "remote", "add", "two", "/two")

    with pytest.raises(UnknownChampionError, match="the remotes one, two, and none is called origin"):
        find(tmp_path)


def test_a_production_without_a_model_is_an_error(houses: Path, tmp_path: Path) -> None:
    run("git", "switch", "--quiet", "--orphan", "production")
    run("git", "commit", "--quiet", "--allow-empty", "--message", "empty")
    run("git", "switch", "--quiet", "main")

    with pytest.raises(UnknownChampionError, match=r"dvc\.lock on production names no models/bundle"):
        find(tmp_path)


def test_a_bundle_that_is_nowhere_is_an_error(houses: Path, tmp_path: Path) -> None:
    run("git", "branch", "production")
    shutil.rmtree(".dvc/cache")

    with pytest.raises(UnknownChampionError, match=r"the bundle of production at \w{7} is neither in DVC's cache nor"):
        find(tmp_path)


def test_the_bundle_comes_from_dvcs_remote_if_the_cache_lacks_it(houses: Path, tmp_path: Path) -> None:
    dvc("remote", "add", "--default", "storage", str(tmp_path / "storage"))
    run("git", "commit", "--quiet", "--all", "--message", "remote")
    dvc("push")
    run("git", "branch", "production")
    shutil.rmtree(".dvc/cache")

    assert find(tmp_path) == ("production", digest_here())


def test_a_damaged_file_in_the_cache_is_an_error(houses: Path, tmp_path: Path) -> None:
    run("git", "branch", "production")
    (model,) = [
        path for path in Path(".dvc/cache/files").rglob("*") if path.is_file() and b"skl2onnx" in path.read_bytes()
    ]
    model.chmod(0o644)
    model.write_bytes(model.read_bytes()[:-100])

    with pytest.raises(UnknownChampionError, match=r"production at \w{7}: its bundle: model.onnx was altered"):
        find(tmp_path)


def test_the_verb_writes_both_reports(houses: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("git", "branch", "production")

    assert main(["gate"]) == 0

    verdict = json.loads((houses / "reports/gate.json").read_text(encoding="utf-8"))
    assert verdict["passed"] is True
    assert verdict["digest"] == verdict["champion"]["digest"] == digest_here()
    assert "Gate: `2024-06-30." in (houses / "reports/gate.md").read_text(encoding="utf-8")
    assert "may be released" in capsys.readouterr().out


def test_a_bundle_that_dvc_lock_does_not_name_is_rejected(houses: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rename_bundle("mine")

    assert main(["gate"]) == 1

    printed = capsys.readouterr().out
    assert "rejected: whole: changed since dvc.lock was written: package; run make train" in printed
    assert json.loads((houses / "reports/gate.json").read_text(encoding="utf-8"))["passed"] is False


def test_an_altered_bundle_is_rejected(houses: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = houses / "models/bundle/model.onnx"
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content + b" ")

    assert main(["gate"]) == 1

    assert "rejected: whole: models/bundle: model.onnx was altered" in capsys.readouterr().err


def test_other_rows_are_rejected(houses: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy("data/train.parquet", "data/holdout.parquet")

    assert main(["gate"]) == 1

    assert "it was made from other rows" in capsys.readouterr().out


def test_without_a_bundle_the_message_names_what_makes_one(houses: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree("models")

    assert main(["gate"]) == 1

    assert capsys.readouterr().err == "gate: no bundle in models/bundle; run `make train`, which makes one\n"
