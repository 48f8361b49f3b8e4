"""The generated project's Makefile: `make` lists few verbs in groups, and each of its targets can run."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.template.conftest import DEFAULT, PLAINEST, TEMPLATE, TOOLS

MOST_VERBS = 24
GROUPS = ["data", "model", "look", "service", "keep and ship"]


@pytest.fixture(scope="module")
def project(combination: Callable[[str], Path]) -> Path:
    return combination(DEFAULT)


def make(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", *arguments], cwd=project, capture_output=True, text=True, check=False)


def targets(project: Path) -> list[str]:
    makefile = (project / "Makefile").read_text(encoding="utf-8")
    return re.findall(r"^([a-z][a-z-]*):(?!=)", makefile, re.MULTILINE)


def test_is_the_same_whatever_is_answered(project: Path, combination: Callable[[str], Path]) -> None:
    for name in (*PLAINEST.values(), "regression-Proprietary", "hostile"):
        assert (combination(name) / "Makefile").read_bytes() == (project / "Makefile").read_bytes()
    expressions = re.findall(r"<< *(\S+)", (TEMPLATE / "Makefile").read_text(encoding="utf-8"))
    assert [each for each in expressions if not each.startswith("cookiecutter._standard.")] == []  # which is no answer


def test_make_alone_lists_the_verbs_in_groups(project: Path) -> None:
    listed = make(project).stdout

    assert re.findall(r"^([a-z][a-z ]*)$", listed, re.MULTILINE) == GROUPS
    verbs = re.findall(r"^  make ([a-z-]+) +\S", listed, re.MULTILINE)
    assert len(verbs) == len(set(verbs)) <= MOST_VERBS
    assert (
        {"train", "gate", "test", "lint", "serve", "predict", "undo", "doctor"} <= set(verbs) <= set(targets(project))
    )
    assert [line for line in listed.splitlines() if len(line) > 120] == []


def test_every_target_expands(project: Path) -> None:
    names = targets(project)
    assert {"format", "plots", "setup", "smoke", "track"} <= set(names)

    result = make(project, "-n", *names)

    assert result.returncode == 0, result.stderr


def test_every_target_is_phony(project: Path) -> None:
    makefile = (project / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    (phony,) = re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)

    assert sorted(phony.split()) == sorted(targets(project))


def test_every_call_of_the_command_line_names_a_verb_that_it_has(project: Path) -> None:
    help_text = subprocess.run([TOOLS / "cd4ml", "--help"], capture_output=True, text=True, check=True).stdout
    verbs = set(re.findall(r"^  ([a-z-]+) +\S", help_text, re.MULTILINE))
    called = re.findall(r"^\t@cd4ml ([a-z-]+)", (project / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)

    assert len(called) > 10
    assert set(called) <= verbs


@pytest.mark.parametrize("line", [".DEFAULT_GOAL := help", "ALSO :=", "READY := .venv/ready", "setup: $(READY)"])
def test_a_conflict_anywhere_in_it_is_named_with_what_to_do(line: str, project: Path, tmp_path: Path) -> None:
    text = (project / "Makefile").read_text(encoding="utf-8")
    assert f"\n{line}\n" in text
    conflict = f"<<<<<<< HEAD\n{line}\n=======\n{line} # theirs\n>>>>>>> 1234567 (update)\n"
    (tmp_path / "Makefile").write_text(text.replace(f"{line}\n", conflict, 1), encoding="utf-8")
    for words in (("init", "--quiet"), ("add", "Makefile")):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)

    for verb in ((), ("train",)):
        stopped = make(tmp_path, *verb)

        (told,) = stopped.stderr.splitlines()
        assert "*** conflicts in Makefile: edit what is between the markers" in told
        assert (stopped.returncode, stopped.stdout) == (2, "")
