"""The branch `template`: what updates put onto it, what else may be on it, and one that is the team's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from cd4ml.update.generation import Generation, check_branch, generation_before, keep
from cd4ml.update.layout import layout_here
from cd4ml.update.record import RECORD, Record, UpdateError
from cd4ml.update.template import Template
from cd4ml.update.trees import tree_of_folder
from trained_repository import run
from update_repository import commit, generation, git, start, write


def project(version: str, name: str = "houses") -> dict[str, str]:
    """Return the files of a project as a version of the template generates it."""
    record = f'[template]\nsource = "x"\nversion = "{version}"\ncommit = "c"\n[answers]\nproject_slug = "{name}"\n'
    return {RECORD: record, "docs/gate.md": f"{name} {version}\n"}


def kept(version: str, tmp_path: Path) -> Generation:
    """Return the generation that an update finds on the branch; the template is not asked."""
    record = Record("x", version, "c", {})
    return generation_before(Template(Path("nowhere")), record, layout_here(), tmp_path / "scratch")


def titled(version: str, tmp_path: Path, name: str = "houses") -> Generation:
    """Return the generation of a version, as if it was made from the template."""
    made = generation(tmp_path / f"{name} {version}", project(version, name))
    return Generation(made.tree, f"{version} (c)")


def bring(version: str, to: str, tmp_path: Path, name: str = "houses") -> None:
    """Bring the project in the working directory from one version to another, by what the branch has if it has it."""
    check_branch()
    try:
        old = kept(version, tmp_path)
    except UpdateError:
        old = titled(version, tmp_path, name)
    keep(old, titled(to, tmp_path, name))
    write(Path(), project(to, name))
    commit("update")


def subjects() -> list[str]:
    """Return the subjects of the branch's commits, the oldest first; of generations, the version."""
    listed = git("log", "--reverse", "--format=%s", "template").splitlines()
    return [subject.removeprefix("generated from the template ").removesuffix(" (c)") for subject in listed]


def test_what_somebody_commits_to_the_branch_template_is_no_generation(folder: Path, tmp_path: Path) -> None:
    """Taken for one, edits of the team's would be undone by the next update."""
    start(folder, project("1.0.0"))
    pristine = Generation(tree_of_folder(folder), "1.0.0 (c)")
    keep(pristine, pristine)
    git("switch", "--quiet", "template")
    write(folder, {"Makefile": "edited\n"})
    edit = commit("an edit")
    git("switch", "--quiet", "main")
    check_branch()

    old = kept("1.0.0", tmp_path)

    assert (old.tree, old.commit) == (pristine.tree, git("rev-parse", "template~1"))
    bring("1.0.0", "1.1.0", tmp_path)
    assert subjects() == ["1.0.0", "1.0.0", "an edit", "1.0.0", "1.1.0"]
    assert git("merge-base", edit, "template") == edit, "it stays, so that the branch can be pushed"


def test_each_update_adds_a_commit_and_one_that_is_made_again_adds_none(folder: Path, tmp_path: Path) -> None:
    start(folder, project("1.0.0"))
    bring("1.0.0", "1.1.0", tmp_path)
    bring("1.1.0", "1.2.0", tmp_path)
    assert subjects() == ["1.0.0", "1.1.0", "1.2.0"]
    tip = git("rev-parse", "template")
    git("reset", "--quiet", "--hard", "HEAD~1")

    bring("1.1.0", "1.2.0", tmp_path)

    assert git("rev-parse", "template") == tip


def test_two_projects_of_a_repository_share_the_branch(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(folder, {f"{name}/{path}": text for name in "ab" for path, text in project("1.0.0", name).items()})
    for name, version, to in (("a", "1.0.0", "1.1.0"), ("b", "1.0.0", "1.1.0"), ("a", "1.1.0", "1.2.0")):
        before = git("for-each-ref", "--format=%(objectname)", "refs/heads/template")
        monkeypatch.chdir(folder / name)

        bring(version, to, tmp_path, name)

        if before:
            assert git("merge-base", before, "template") == before, "or it could not be pushed"
        shown = git("diff", "template~1", "template", "--", ":/docs/gate.md")  # as cd4ml/docs/updating.md has it
        assert f"-{name} {version}\n+{name} {to}" in shown
        assert git("diff", "template", "HEAD:./", "--", ":/docs/gate.md") == ""
        assert "docs/gate.md" not in git("diff", "--name-only", "template", "HEAD:./")


@pytest.mark.parametrize("files", [{}, {RECORD: None}], ids=["with the record", "without"])
def test_a_branch_of_the_teams_is_not_taken_for_it(files: Mapping[str, None], folder: Path) -> None:
    start(folder, project("1.0.0"))
    git("switch", "--quiet", "--create", "template")
    for name in files:
        Path(name).unlink()
    write(folder, {"mail.txt": "ours\n"})
    ours = commit("our mail templates")
    git("switch", "--quiet", "main")

    with pytest.raises(UpdateError, match=r"^the branch template is yours, and updates need the name: git ") as refused:
        check_branch()

    run("sh", "-c", str(refused.value).rpartition(": ")[2])
    check_branch()
    assert git("rev-parse", "another-name") == ours


def test_a_branch_of_the_teams_that_only_the_remote_has_is_renamed_there(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(folder, project("1.0.0"))
    git("branch", "template")
    git("clone", "--quiet", str(folder), str(tmp_path / "clone"))
    monkeypatch.chdir(tmp_path / "clone")
    git("-C", str(folder), "switch", "--quiet", "template")
    write(folder, {"mail.txt": "ours\n"})
    git("-C", str(folder), "add", "--all")
    git("-C", str(folder), "commit", "--quiet", "--message", "since the last fetch")
    git("-C", str(folder), "switch", "--quiet", "main")

    with pytest.raises(UpdateError, match=r"^the branch template of origin is yours, .* name: git fetch ") as refused:
        check_branch()

    run("sh", "-c", str(refused.value).partition(" name: ")[2])
    check_branch()
    assert git("-C", str(folder), "branch", "--format=%(refname:short)").split() == ["another-name", "main"]
    assert git("-C", str(folder), "show", "another-name:mail.txt") == "ours"


def test_the_branch_of_the_remote_is_as_good_as_a_local_one(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(folder, project("1.0.0"))
    bring("1.0.0", "1.1.0", tmp_path)
    git("clone", "--quiet", str(folder), str(tmp_path / "clone"))
    monkeypatch.chdir(tmp_path / "clone")
    git("config", "grep.patternType", "fixed")

    check_branch()
    keep(kept("1.1.0", tmp_path), titled("1.2.0", tmp_path))

    assert subjects() == ["1.0.0", "1.1.0", "1.2.0"]
