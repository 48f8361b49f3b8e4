"""After a change, a merge in conflict, a damaged cache: the last state comes back, or the error says why not."""

import shutil
import subprocess
from pathlib import Path

import pytest
from cd4ml.cli import main
from cd4ml.terminal.verbs import VERBS
from trained_repository import commit, dvc, run, train

Captured = pytest.CaptureFixture[str]

CHANGED = "model: {depth: 2}\ngate: {floor: 0}\n"


def state() -> dict[str, bytes]:
    """The files of the working directory, but for git's and DVC's own."""
    files = [path for path in Path().rglob("*") if path.is_file() and path.parts[0] not in (".git", ".dvc")]
    return {str(path): path.read_bytes() for path in files}


def cached(name: str) -> Path:
    """Return where DVC's cache keeps a file."""
    content = Path(name).read_bytes()
    (path,) = (path for path in Path(".dvc/cache/files").rglob("*") if path.is_file() and path.read_bytes() == content)
    path.chmod(0o644)
    return path


def test_undo_brings_back_data_models_and_reports(repository: Path, capsys: Captured) -> None:
    before = state()
    Path("params.yaml").write_text(CHANGED, encoding="utf-8")
    train("2024-01-31.bbbbbbb")
    Path("reports/notes.txt").write_text("in no commit", encoding="utf-8")
    run("git", "checkout", "params.yaml")

    assert main(["undo"]) == 0

    assert state() == before
    assert "data, models and reports are as in the last commit" in capsys.readouterr().out


def test_undo_keeps_what_the_user_changed(repository: Path) -> None:
    Path("params.yaml").write_text(CHANGED, encoding="utf-8")

    assert main(["undo"]) == 0

    assert Path("params.yaml").read_text(encoding="utf-8") == CHANGED


def test_undo_needs_a_commit_with_a_model_and_the_files_that_it_names(repository: Path, capsys: Captured) -> None:
    shutil.rmtree(".dvc/cache")
    shutil.rmtree("models")
    assert main(["undo"]) == 1
    assert "DVC's cache lacks files that dvc.lock lists: `make pull` fetches them" in capsys.readouterr().err

    run("git", "rm", "--quiet", "--cached", "dvc.lock")
    run("git", "commit", "--quiet", "--message", "no model")
    assert main(["undo"]) == 1
    assert "the last commit has no dvc.lock" in capsys.readouterr().err

    run("git", "update-ref", "-d", "HEAD")
    assert main(["undo"]) == 1
    assert "there is no commit to go back to" in capsys.readouterr().err


def test_a_damaged_file_of_the_cache_is_removed_and_made_again(repository: Path, capsys: Captured) -> None:
    before = state()
    damaged = cached("models/bundle/bundle.json")
    damaged.write_bytes(b"cut sh")
    shutil.rmtree("models")

    assert main(["repair-cache"]) == 0
    printed = capsys.readouterr().out
    assert f"removed {damaged.parent.name}{damaged.name}, which was damaged" in printed
    assert "make train" in printed

    dvc("repro")
    assert state() == before
    assert main(["repair-cache"]) == 0
    assert "no file in DVC's cache is damaged" in capsys.readouterr().out


def test_a_merge_in_conflict_is_resolved_by_the_commands_that_its_errors_name(
    repository: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for branch, model in (("theirs", "two\n"), ("main", "three\n")):
        run("git", "switch", "--quiet", *(["--create"] if branch == "theirs" else []), branch)
        Path("model.py").write_text(model, encoding="utf-8")
        train(f"2024-01-31.{branch}")
        commit(branch)
    merge = ["git", "-c", "user.name=T", "-c", "user.email=t@example.org", "merge", "theirs"]
    merged = subprocess.run(merge, capture_output=True, text=True, check=False)
    assert "CONFLICT (content): Merge conflict in dvc.lock" in merged.stdout

    assert main(["train", "--no-track"]) == 1
    assert "train: a merge left conflicts in model.py: resolve them, git add them, and run" in capfd.readouterr().err

    Path("model.py").write_text("four\n", encoding="utf-8")
    run("git", "add", "model.py")
    assert main(["train", "--no-track"]) == 1
    assert "train: a merge left conflicts in dvc.lock or reports: make undo takes" in capfd.readouterr().err

    assert main(["undo"]) == 0
    assert main(["train", "--no-track"]) == 0
    commit("merged")
    assert "four" in Path("models/bundle/bundle.json").read_text(encoding="utf-8")
    assert "<<<<" not in Path("dvc.lock").read_text(encoding="utf-8")


@pytest.mark.parametrize("verb", ["train", "undo", "gate", "refresh"])
def test_outside_a_repository_the_error_says_what_to_do(
    verb: str, repository: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(repository.parent))
    Path(".git").rename("aside")

    assert main([verb]) == 1

    assert capsys.readouterr().err == f"{verb}: not in a git repository, which DVC needs: run git init -b main\n"


def test_without_git_the_error_says_what_to_install(
    repository: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(repository / "no such folder"))

    assert main(["train"]) == 1

    assert (
        capsys.readouterr().err
        == "train: git was not found, and DVC needs it: install git, then run git init -b main\n"
    )


@pytest.mark.parametrize("verb", VERBS)
def test_a_verbs_help_is_shown_in_any_folder(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = main([verb, "--help"])
    except SystemExit as end:
        code = int(end.code or 0)

    printed = capsys.readouterr()
    assert (code, printed.err) == (0, "")
    assert printed.out.startswith(f"usage: cd4ml {verb}")
