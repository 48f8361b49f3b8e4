"""The template's own files: workflows are valid and pinned, sources parse before they are rendered."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from tests.template.conftest import LIBRARY, TEMPLATE, parse_yaml, team_files, text_files

OF_A_MACHINE = re.compile(r"/root/(?!\.cache/)|/home/\w|/Users/\w")
WORKFLOWS = sorted(ROOT.glob(".github/workflows/*.yml"))


def sources(pattern: str) -> list[Path]:
    """The template's files that are rendered: all but the library's."""
    return [path for path in team_files(TEMPLATE) if path.match(pattern)]


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tool(*command: str) -> None:
    """Run a tool of this environment in the checkout; it must pass."""
    program = shutil.which(command[0], path=str(Path(sys.executable).parent))
    assert program, f"{command[0]} is not installed beside {sys.executable}"
    result = subprocess.run([program, *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_settings_of_github_are_valid() -> None:
    tool("zizmor", "--offline", "--quiet", ".github")
    tool("check-jsonschema", "--builtin-schema", "vendor.dependabot", ".github/dependabot.yml")


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=named)
def test_workflows_pin_actions_by_commit_and_grant_least(workflow: Path) -> None:
    text = workflow.read_text(encoding="utf-8")
    parsed = yaml.safe_load(text)

    for used in re.findall(r"uses: (.+)", text):
        assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", used), used
    assert parsed["permissions"] == {}
    assert parsed["defaults"]["run"]["shell"] == "bash"
    for name, job in parsed["jobs"].items():
        assert job["permissions"] == {"contents": "read"}, name
        assert job["timeout-minutes"] <= (180 if name == "drills" else 60), name
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False, name


def test_our_workflow_tests_every_python_that_is_promised_on_both_systems() -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text(encoding="utf-8"))["jobs"]

    matrix = jobs["test"]["strategy"]["matrix"]
    assert {name.split("-")[0] for name in matrix["os"]} == {"ubuntu", "macos"}
    assert matrix["python"] == ["3.11", "3.12", "3.13"]
    runs = {name: [step["run"] for step in job["steps"] if "run" in step] for name, job in jobs.items()}
    assert runs["test"] == ["make test"]
    assert "make test-all" in runs["test-all"]


@pytest.mark.parametrize("path", [*sources("*.yaml"), *sources("*.yml")], ids=named)
def test_unrendered_yaml_parses(path: Path) -> None:
    assert parse_yaml(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", sources("pyproject.toml"), ids=named)
def test_unrendered_pyproject_parses(path: Path) -> None:
    """uv reads it as the workspace that the library belongs to."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))

    assert content["tool"]["uv"]["workspace"]["members"] == ["cd4ml"]


@pytest.mark.parametrize("path", [path for path in sources("*.py") if "src" in path.parts], ids=named)
def test_unrendered_source_parses(path: Path) -> None:
    ast.parse(path.read_text(encoding="utf-8"))


def test_what_jinja_would_swallow_is_only_used_to_render() -> None:
    """Shell here-documents, shifts and merge keys would start an expression; `#%` and `#|` stand alone."""
    for path in sources("*"):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            where = f"{named(path)}:{number}: {line}"
            for expression in re.findall(r"<<.{0,40}", line):
                assert re.match(r"<< cookiecutter\.\w+", expression), where
            assert not re.search(r"<%|%>|<#|#>", line), where
            if re.match(r"\s*#%", line):
                assert re.match(r"\s*#% (if|elif|else|endif|set|include)\b", line), where
            if "#|" in line:
                assert line.strip() == "#|", where


def test_no_machine_path_in_what_is_generated() -> None:
    for path in [*sources("*"), *text_files(LIBRARY)]:
        if path.name != "uv.lock":
            text = path.read_text(encoding="utf-8")
            assert not OF_A_MACHINE.search(text), named(path)


def make(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["make", *arguments],
        cwd=ROOT,
        env={**variables, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_make_alone_lists_the_verbs_and_each_expands() -> None:
    listed = make().stdout

    verbs = re.findall(r"^make (\S+)", listed, re.MULTILINE)
    tools = ["workflow-runner", "azurite", "axe"]
    assert verbs == ["help", "demo", "test", "test-all", "drills", "lint", "format", "lock", "data", *tools]
    for verb in verbs:
        assert make("-n", verb).returncode == 0, verb


def test_an_old_python_is_rejected_in_one_line_if_uv_is_missing(tmp_path: Path) -> None:
    """`python3` here is the real one with another `sys.version_info`: truly old ones are hard to find."""
    for name in ("bash", "sh", "awk", "rm", "mv"):
        program = shutil.which(name)
        assert program
        (tmp_path / name).symlink_to(program)
    old = tmp_path / "python3"
    code = "import sys; sys.version_info = (3, 9); exec(sys.argv[1])"
    old.write_text(f'#!/bin/sh\n[ "$1" = -c ] && exec {sys.executable} -c \'{code}\' "$2"\nexit 1\n', encoding="utf-8")
    old.chmod(0o755)
    make_program = shutil.which("make")
    assert make_program

    result = subprocess.run(
        [make_program, "-s", "-f", ROOT / "Makefile", "test"],
        cwd=tmp_path, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert result.returncode == 2
    assert result.stderr.splitlines()[0] == ("make: this needs uv, or Python 3.11 or newer as python3 to get it with")
    assert not (tmp_path / ".uv").exists()
