"""`update` with SOURCE: a template that has moved is recorded, also if the project has its newest version already."""

from __future__ import annotations

from pathlib import Path

import pytest
from cd4ml.update import update
from cd4ml.update.template import clone
from trained_repository import run


def git(folder: Path, *arguments: str) -> str:
    return run("git", "-C", str(folder), *arguments)


def commit(folder: Path, message: str) -> str:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--no-gpg-sign", "--allow-empty", "--message", message)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def commits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The commits of a template at `old`, its version 1.0.0 and one after that, and `new`, a clone in another place."""
    monkeypatch.setenv("GIT_COMMITTER_NAME", "Ada")
    monkeypatch.setenv("GIT_COMMITTER_EMAIL", "ada@example.org")
    template = tmp_path / "old"
    (template / "slug/cd4ml/src/cd4ml/update").mkdir(parents=True)
    (template / "slug/cd4ml/src/cd4ml/update/carry_out.py").touch()
    (template / "pyproject.toml").write_text('[project]\nversion = "1.0.0"\n', encoding="utf-8")
    (template / "cookiecutter.json").write_text("{}", encoding="utf-8")
    git(tmp_path, "init", "--quiet", "--initial-branch=main", str(template))
    made = {"1.0.0": commit(template, "1.0.0")}
    git(template, "tag", "v1.0.0")
    made["later"] = commit(template, "later")
    git(tmp_path, "clone", "--quiet", str(template), str(tmp_path / "new"))
    (tmp_path / "project").mkdir()
    git(tmp_path, "init", "--quiet", str(tmp_path / "project"))
    monkeypatch.chdir(tmp_path / "project")
    return made


@pytest.mark.parametrize(
    ("version", "source", "started"),
    [("1.0.0", "new", "1.0.0"), ("later", "new", "later"), ("later", "old", ""), ("later", "", "")],
)
def test_the_address_that_a_user_names_is_recorded(
    version: str,
    source: str,
    started: str,
    commits: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path(".cd4ml.toml").write_text(
        f'[template]\nsource = "{tmp_path / "old"}"\nversion = "1.0.0"\ncommit = "{commits[version]}"\n[answers]\n',
        encoding="utf-8",
    )
    commit(Path(), "a project")
    words: list[str] = []
    monkeypatch.setattr(update, "_start", lambda _, given: words.extend(given))

    update.main(["--source", str(tmp_path / source)] if source else [])

    assert words[2:] == (["--target", commits[started], "--moved"] if started else [])
    assert ("nothing to update" in capsys.readouterr().out) is not bool(started)


def test_the_templates_remote_has_its_name_whatever_the_users_settings(
    commits: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By it, the address that a project records is found, and a branch that a user names."""
    (tmp_path / "gitconfig").write_text("[clone]\ndefaultRemoteName = upstream\n", encoding="utf-8")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    git(tmp_path / "old", "switch", "--quiet", "--create", "next")
    commit(tmp_path / "old", "on another branch")
    git(tmp_path / "old", "switch", "--quiet", "main")

    template = clone(str(tmp_path / "old"), tmp_path / "cloned")

    assert not template.is_elsewhere(str(tmp_path / "old"))
    assert template.find("next") == git(tmp_path / "old", "rev-parse", "next")
