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

LONGEST = {"drills": 180, "test-all": 150}  # minutes of a job
OF_A_MACHINE = re.compile(r"/root/(?!\.cache/)|/home/(?!dev/)\w|/Users/\w")  # dev: the user in a dev container
MAY_WRITE = {
    ("relock", "propose"): {"contents": "write", "pull-requests": "write", "actions": "write"},
    ("release", "attest"): {"id-token": "write", "attestations": "write"},
    ("release", "publish"): {"contents": "write"},
}
"""The jobs that may do more than read."""
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
        assert re.fullmatch(
            r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+|\./\.github/workflows/(test|drills)\.yml", used
        ), used
    assert parsed["permissions"] == {}
    assert parsed["defaults"]["run"]["shell"] == "bash"
    for name, job in parsed["jobs"].items():
        assert job["permissions"] == MAY_WRITE.get((workflow.stem, name), {"contents": "read"}), name
        if "steps" not in job:
            continue  # another workflow, which is tested here, too
        assert job["timeout-minutes"] <= LONGEST.get(name, 60), name
        for step in job["steps"]:
            assert "${{" not in step.get("run", ""), name
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False, name


@pytest.mark.parametrize(("name", "job"), [("test", "test-all"), ("drills", "drills")])
def test_our_workflows_install_what_dot_ci_run_does(name: str, job: str) -> None:
    steps = yaml.safe_load((ROOT / f".github/workflows/{name}.yml").read_text(encoding="utf-8"))["jobs"][job]
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")
    runs = "\n".join(step.get("run", "") for step in steps["steps"])

    assert words(APT, script) - words(APT, runs) == {"postgresql", "chromium"}  # which GitHub's machines have
    assert words(APT, runs) <= words(APT, script)
    expected = words(r'CD4ML_EXPECT="([\w -]+)"', script)
    assert expected - set(steps["env"]["CD4ML_EXPECT"].split()) == {"newest-python", "chromium"}
    assert set(steps["env"]["CD4ML_EXPECT"].split()) <= expected
    installed = words(r"make ((?:workflow-runner|azurite|axe|az)\b[a-z -]*)", script.replace(" ||", "\n"))
    assert installed == words(r"make (workflow-runner .*)", runs)


APT = r"--no-install-recommends\s+(?:\\\n\s+)?([a-z][a-z -]*)"


def words(pattern: str, text: str) -> set[str]:
    """The words of all that a pattern finds."""
    return {word for found in re.findall(pattern, text) for word in found.split()}


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
    assert verbs[:7] == ["help", "demo", "test", "test-all", "drills", "lint", "format"]
    assert verbs[7:] == [
        "relock",
        "release",
        "update",
        "standard",
        "data",
        "pictures",
        "workflow-runner",
        "azurite",
        "axe",
        "az",
    ]
    for verb in verbs:
        assert make("-n", verb).returncode == 0, verb
    words = make("-n", "relock", "ONLY=lock", "UPGRADE=no", "INDEX=https://example.org/simple", "COOLDOWN=14").stdout
    assert ' --upgrade "no"' in words
    assert ' --only "lock" --index "https://example.org/simple" --cooldown "14"' in words


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


def test_what_lies_at_the_top_is_named_in_contributing() -> None:
    """What a test or a trial leaves there was committed once, and cloned by every user."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    at_the_top = {name.partition("/")[0].strip('"') for name in listed.splitlines()}
    told = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    known_by_everybody = {
        ".gitattributes", ".gitignore", ".github", "LICENSE", "README.md", "CONTRIBUTING.md", "Makefile",
        "pyproject.toml", "uv.lock",
    }  # fmt: skip

    assert [
        name
        for name in sorted(at_the_top - known_by_everybody)
        if not re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", told)
    ] == []
