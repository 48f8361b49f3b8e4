"""`make state` and `make current`: what git says of the model, also in a clone that holds none of DVC's files."""

import shutil
from pathlib import Path

import pytest
from cd4ml.cli import main
from trained_repository import clone, commit, dvc, judged, run, train


@pytest.fixture
def fresh(repository: Path, origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shallow clone without any of DVC's files, which is the working directory."""
    folder = clone(origin, tmp_path / "fresh", "--depth=1")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def state(step):
    return lambda: step("status")


def test_a_fresh_clone_without_any_object_is_current(fresh: Path, state) -> None:
    told = state()

    assert told["model"] == "current"
    assert told["bundle"] == "2024-01-31.aaaaaaa"
    assert told["digest"].endswith(".dir")
    assert (told["changed"], told["passed"], told["held"]) == ("no", "yes", "no")
    assert (told["remote"], told["reachable"]) == ("no", "no")


@pytest.mark.parametrize(
    ("file", "text", "why"),
    [
        ("model.py", "two\n", "package  model.py: modified"),
        ("params.yaml", "model: {depth: 2}\n", "package  params.yaml: model"),
        ("rows.csv", "3\n", "ingest  rows.csv: modified"),
        ("reports/model-card.md", "mine\n", "evaluate  reports/model-card.md: modified"),
        ("dvc.yaml", "stages: {ingest: {cmd: cp rows.csv data/raw.parquet}}\n", "ingest"),
    ],
)
def test_a_change_in_git_is_stale_and_why_is_said(
    file: str, text: str, why: str, fresh: Path, state, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(file).write_text(text, encoding="utf-8")

    assert state()["model"] == "stale"
    assert why in capsys.readouterr().out


def test_another_limit_of_the_gate_is_not_stale(fresh: Path, state) -> None:
    Path("params.yaml").write_text("model: {depth: 1}\ngate: {floor: 1}\n", encoding="utf-8")

    assert state()["model"] == "current"


def test_rows_that_no_model_was_made_of_are_stale(repository: Path, state) -> None:
    """As after make refresh: dvc.lock names the new rows, and a model of the old ones."""
    Path("rows.csv").write_text("3\n", encoding="utf-8")
    dvc("repro", "ingest")

    assert state()["model"] == "stale"


def test_without_dvc_lock_there_is_no_model(fresh: Path, state) -> None:
    Path("dvc.lock").unlink()

    assert state() | {"reachable": ""} == {
        "model": "none", "bundle": "", "digest": "", "changed": "no",
        "remote": "no", "reachable": "", "passed": "no", "held": "no",
    }  # fmt: skip


def test_a_verdict_on_another_bundle_is_no_pass(repository: Path, state) -> None:
    judged({"bundle": "2024-01-31.aaaaaaa", "digest": "d", "passed": True, "dvc_lock": "another.dir"})
    assert state()["passed"] == "no"

    Path("reports/gate.json").write_text("[", encoding="utf-8")
    assert state()["passed"] == "no"

    train("2024-01-31.aaaaaaa", passed=False)
    assert state()["passed"] == "no"


def test_changed_is_held_against_production_once_there_is_one(repository: Path, state) -> None:
    run("git", "push", "--quiet", "origin", "main:production")
    Path("model.py").write_text("two\n", encoding="utf-8")
    train("2024-02-29.bbbbbbb")
    commit("second")
    run("git", "push", "--quiet", "origin", "main")

    told = state()

    assert (told["changed"], told["bundle"]) == ("yes", "2024-02-29.bbbbbbb")


def test_a_bundle_that_was_rolled_back_is_held_until_it_is_let_go(
    repository: Path, state, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run("git", "push", "--quiet", "origin", "main:held/aaaaaaa")

    assert state()["held"] == "yes"
    assert "git push origin --delete held/aaaaaaa lets it go" in capsys.readouterr().out
    monkeypatch.setenv("FORCE", "1")
    assert state()["held"] == "no"


def test_an_origin_that_does_not_answer_is_no_answer(
    repository: Path, origin: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(origin)

    assert main(["status"]) == 1
    assert "origin did not say whether it has a branch production" in capsys.readouterr().err


def test_current_says_which_objects_the_remote_lacks(
    repository: Path, origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    dvc("remote", "add", "--default", "storage", str(tmp_path / "storage"))
    commit("remote")
    run("git", "push", "--quiet", "origin", "main")
    assert main(["check-lock"]) == 1
    said = capsys.readouterr().err
    assert "the DVC remote storage lacks data/raw.parquet, models/bundle" in said
    assert "make push; or put the label `train` on the pull request, and ct does it" in said

    assert main(["push"]) == 0
    (file,) = (path for path in (tmp_path / "storage").rglob("*") if path.is_file() and b"depth" in path.read_bytes())
    file.unlink()  # one file of the folder models/bundle, which DVC itself takes for granted
    monkeypatch.chdir(clone(origin, tmp_path / "fresh"))
    assert main(["check-lock"]) == 1
    assert "the DVC remote storage lacks models/bundle\n" in capsys.readouterr().err

    monkeypatch.chdir(repository)
    assert main(["push"]) == 0
    monkeypatch.chdir(tmp_path / "fresh")
    assert main(["check-lock"]) == 0
    assert "the DVC remote storage has all that it names" in capsys.readouterr().out
    assert main(["pull"]) == 0
    assert Path("models/bundle/bundle.json").exists()


def test_current_refuses_a_stale_lock_with_the_command_that_mends_it(
    fresh: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("model.py").write_text("two\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))

    assert main(["check-lock"]) == 1

    said = capsys.readouterr().err
    assert "check-lock: dvc.lock is stale" in said
    assert "mend it: make train" in said
    assert "label `train`" in (tmp_path / "summary").read_text(encoding="utf-8")


def test_where_nobody_signed_in_the_remote_is_left_alone(
    fresh: Path, state, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    dvc("remote", "add", "--default", "storage", "gs://houses-dvc")
    monkeypatch.setenv("SIGNED_IN", "false")

    assert (state()["remote"], state()["reachable"]) == ("yes", "no")
    assert main(["check-lock"]) == 0
    assert "not signed in" in capsys.readouterr().out


def test_push_and_pull_without_a_remote_say_how_to_get_one(fresh: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["push"]) == main(["pull"]) == 1
    assert capsys.readouterr().err.count("dvc remote add --default storage") == 2
