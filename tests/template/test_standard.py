"""A fork sets its company's defaults in one file, standard.toml, that no merge of the template touches."""

from __future__ import annotations

import filecmp
import json
import re
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from cd4ml.delivery.pin_image import base_images
from cd4ml.delivery.required_settings import command_for, required_settings
from cd4ml.settings.project import read_project
from cookiecutter.exceptions import FailedHookException

from scripts.generator import copy_generator, has_standard
from scripts.standard import FILE, HOOK, HOOK_TEXT, PROJECT_KEYS, answer_keys, apply, main
from tests.conftest import ROOT, Bake, Once
from tests.template.conftest import DEFAULT, PLAINEST, TOOLS, files_of, findings
from tests.template.workflow_files import actions, commands, jobs, steps

AUTHOR = 'Acme << 7*7 >> "ML" 🚀'
LABELS = ["self-hosted", "linux"]
INDEX = "https://packages.acme.example/simple"
CHECKS = ["uv run --frozen python -m compileall -q src", 'echo "licenses: # none"']
ACME = f"""
[answers]
problem = "regression"
author = '{AUTHOR}'
github_owner = "acme-ml"
platform = "fargate"
credentials = "oidc"
registry = "ghcr"
license = "Proprietary"

[project]
runner = {json.dumps(LABELS)}
python_image = "registry.acme.example/base/python:3.12-slim"
uv_image = "registry.acme.example:5000/uv:0.13.8"
index = "{INDEX}"
index_login = true
region = {{cloud-run = "europe-west3", fargate = "eu-central-1", aci = "northeurope"}}
checks = {json.dumps(CHECKS)}
"""

Bakes = Callable[[str], Path]


def generate(bake: Bake, fork: Path, folder: Path) -> Path:
    """Generate a project from a fork in a new folder, in which cookiecutter's copy is made, too."""
    (folder / "temporary").mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(folder / "temporary"))
        return bake(template=fork, into=folder / "projects")


def forked(folder: Path, standard: str) -> Path:
    """Make a fork of the template in a new folder, with a standard."""
    copy_generator(folder)
    main(folder)
    (folder / FILE).write_text(standard, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def standard(bake: Bake, once: Once) -> Bakes:
    """`standard("acme")`: a project that was generated from that fork, which is not to be changed."""

    def make(name: str, into: Path) -> None:
        into.mkdir()
        fork = into / "fork"
        if name == "own":
            copy_generator(fork, standard=True)
        else:
            forked(fork, ACME)
        generate(bake, fork, into)
        shutil.rmtree(fork)

    def baked(name: str) -> Path:
        (project,) = (once(f"standard-{name}", lambda into: make(name, into)) / "projects").iterdir()
        return project

    return baked


@pytest.fixture
def acme(standard: Bakes) -> Path:
    return standard("acme")


def text(project: Path, name: str) -> str:
    return (project / name).read_text(encoding="utf-8")


def workflows(project: Path) -> list[Path]:
    return sorted((project / ".github/workflows").glob("*.yml"))


@pytest.mark.parametrize("name", ["acme", *(["own"] if has_standard() else [])])
def test_what_a_fork_generates_is_formatted_and_no_tool_finds_anything(standard: Bakes, name: str) -> None:
    project = standard(name)
    for command in (["format", "--check"], ["check"]):
        done = subprocess.run(
            [TOOLS / "ruff", *command, "--no-cache", "."], cwd=project, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout
    files = workflows(project)
    assert findings("actionlint", *files) == ""
    assert findings("zizmor", "--offline", "--quiet", "--no-progress", *files, *actions(files)) == ""
    dependabot = project / ".github/dependabot.yml"
    assert findings("check-jsonschema", "--builtin-schema", "vendor.dependabot", dependabot) == ""
    assert findings("hadolint", project / "Dockerfile") == ""
    tomllib.loads(text(project, "pyproject.toml"))


def test_its_answers_are_the_defaults_of_the_questions(acme: Path) -> None:
    project = read_project(acme / "pyproject.toml")
    content = tomllib.loads(text(acme, "pyproject.toml"))

    assert (project.platform, project.credentials, project.registry) == ("fargate", "oidc", "ghcr")
    assert project.repository == f"https://github.com/acme-ml/{acme.name}"
    assert content["project"]["authors"] == [{"name": AUTHOR}]
    assert text(acme, "LICENSE").startswith(f"Copyright (c) {AUTHOR}")
    assert yaml.safe_load(text(acme, "contract.yaml"))["target"]["type"] == "number"


def test_every_job_runs_on_its_runner_unless_a_variable_names_another(acme: Path) -> None:
    runs_on = {job["runs-on"] for _, job in jobs(workflows(acme))}

    own = f"vars.RUNNER || fromJSON('{json.dumps(LABELS)}')"
    assert runs_on == {f"${{{{ {more}{own} }}}}" for more in ("", "vars.CT_RUNNER || ", "vars.SCORE_RUNNER || ")}
    assert "| `RUNNER` | self-hosted, linux |" in text(acme, "docs/delivery.md")


def test_its_images_are_those_that_images_are_made_from(acme: Path) -> None:
    names = [base.name for base in base_images(text(acme, "Dockerfile"))]

    assert names == ["registry.acme.example:5000/uv:0.13.8", "registry.acme.example/base/python:3.12-slim"]


def test_packages_come_from_its_index_on_laptops_in_workflows_and_in_images(acme: Path) -> None:
    project = read_project(acme / "pyproject.toml")
    (index,) = tomllib.loads(text(acme, "pyproject.toml"))["tool"]["uv"]["index"]
    assert index == {"name": "company", "url": INDEX, "default": True, "authenticate": "always"}
    assert (project.index, project.index_login) == (f"company={INDEX}", True)
    assert f'PIP_INDEX_URL="$${{PIP_INDEX_URL:-{INDEX}}}"' in text(acme, "Makefile")

    login = {f"UV_INDEX_COMPANY_{part}" for part in ("USERNAME", "PASSWORD")}
    fetches = re.compile(r"uv run cd4ml (build-image|archive-image|lint-workflows|audit|write-update .*)")
    given = {where: login & step.get("env", {}).keys() for where, step in steps(workflows(acme))}
    needed = {
        where: set(login)
        for where, step in steps(workflows(acme))
        if step.get("uses") == "./.github/actions/setup" or fetches.fullmatch(step.get("run", ""))
    }
    assert len(needed) > 20
    assert {where: names for where, names in given.items() if names} == needed  # and no other step sees them
    assert [where for where, step in steps(workflows(acme)) if "cache" in step.get("with", {})] == []
    shown = re.search(r"```dockerfile\n(.*?)```", text(acme, "cd4ml/README.md"), re.DOTALL)
    assert shown  # tests/project/test_own_index.py builds an image with these lines
    assert shown[1].replace("_OURS_", "_COMPANY_") in text(acme, "Dockerfile")
    mounted = re.findall(r"--mount=type=secret,id=(\w+)", text(acme, "Dockerfile"))
    assert set(mounted) == login
    assert not re.search(r"^(ARG|ENV).*UV_INDEX", text(acme, "Dockerfile"), re.MULTILINE)

    settings = {setting.name: setting for setting in required_settings(project)}
    assert login < settings.keys()
    every = "".join(path.read_text(encoding="utf-8") for path in workflows(acme))
    secrets = {name for name, setting in settings.items() if setting.kind == "secret"}
    assert secrets == set(re.findall(r"\bsecrets\.(\w+)", every))
    assert login < set(re.findall(r"\bSET_(\w+):", every))
    (registry,) = yaml.safe_load(text(acme, ".github/dependabot.yml"))["registries"].values()
    assert registry["url"] == INDEX


def test_its_region_is_in_the_pages_and_in_what_doctor_suggests(acme: Path) -> None:
    for page in ("docs/fargate.md", "docs/runbook.md"):
        assert "export AWS_REGION=eu-central-1\n" in text(acme, page)
    settings = {setting.name: setting for setting in required_settings(read_project(acme / "pyproject.toml"))}
    assert command_for(settings["AWS_REGION"], "") == "gh variable set AWS_REGION --body eu-central-1"


def test_its_checks_are_the_last_steps_of_ci_for_the_code(acme: Path) -> None:
    lines = [line for where, line in commands(workflows(acme)) if where.startswith("ci.yml: code,")]

    assert lines == ["make lint", "make test", "uv run cd4ml lint-workflows", *CHECKS]


def test_a_standard_that_sets_nothing_changes_nothing(
    bake: Bake, combination: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fork = tmp_path / "fork"
    copy_generator(fork)
    main(fork)
    assert f"wrote {FILE}\nwrote {HOOK}\n" in capsys.readouterr().out
    before = {path: path.read_bytes() for path in fork.rglob("*") if path.is_file()}

    project, usual = generate(bake, fork, tmp_path / "baked"), combination(DEFAULT)

    assert files_of(project) == files_of(usual)
    names = [name for name in files_of(project) if not name.startswith(".cd4ml.")]  # the template's folder is in it
    assert [name for name in names if not filecmp.cmp(project / name, usual / name, shallow=False)] == []
    main(fork)  # again
    assert {path: path.read_bytes() for path in fork.rglob("*") if path.is_file()} == before
    assert "wrote" not in capsys.readouterr().out


def test_the_file_shows_every_key_with_what_is_true_without_it(
    combination: Callable[[str], Path], tmp_path: Path
) -> None:
    fork = forked(tmp_path / "fork", ACME)
    (fork / FILE).unlink()
    main(fork)
    shown = re.sub(r"^# (\w+ = )", r"\1", text(fork, FILE), flags=re.MULTILINE)
    content = tomllib.loads(shown)

    context = json.loads(text(fork, "cookiecutter.json"))
    assert list(content["answers"]) == [key.name for key in answer_keys(context)]
    assert list(content["project"]) == [key.name for key in PROJECT_KEYS] == list(context["_standard"])
    for name, value in content["answers"].items():
        assert value == (context[name][0] if isinstance(context[name], list) else context[name])
    project = content["project"]
    bases = [base.name for base in base_images(text(combination(DEFAULT), "Dockerfile"))]
    assert [project["uv_image"], project["python_image"]] == bases
    assert f"vars.RUNNER || '{project['runner']}' " in text(combination(DEFAULT), ".github/workflows/ci.yml")
    for platform, region in project["region"].items():
        assert f"={region}" in text(combination(PLAINEST[platform]), "docs/runbook.md")
    (fork / FILE).write_text(shown, encoding="utf-8")
    apply(fork)  # each is a value that is accepted


WRONG = {
    "answers.platform is": '[answers]\nplatform = "heroku"',
    "answers.platform is [": '[answers]\nplatform = ["aci"]',
    "answers.author is 7; expected text": "[answers]\nauthor = 7",
    'answers.author is " "; expected text': '[answers]\nauthor = " "',
    r'answers.author is "a\nb"; expected text': '[answers]\nauthor = "a\\nb"',
    "answers.project_name is not a key; expected problem, author": '[answers]\nproject_name = "X"',
    "answers._standard is not a key": "[answers]\n_standard = {}",
    "project.runners is not a key; expected runner, python_image": '[project]\nrunners = "x"',
    "project.runner is []; expected a label, or": "[project]\nrunner = []",
    "project.runner is \"x'y\"": "[project]\nrunner = \"x'y\"",
    "project.python_image is": '[project]\npython_image = "python"',
    "project.python_image is \"python:3 AS": '[project]\npython_image = "python:3 AS base\\nRUN x"',
    "project.uv_image is 1; expected an image": "[project]\nuv_image = 1",
    'project.index is "http://packages': '[project]\nindex = "http://packages.acme.example/simple"',
    'project.index is "https://user:secret@': '[project]\nindex = "https://user:secret@acme.example/simple"',
    'project.index is "https://a/$(x)"': '[project]\nindex = "https://a/$(x)"',
    "project.index_login is \"yes\"; expected true or": '[project]\nindex_login = "yes"',
    "project.index_login is true, and project.index is not": "[project]\nindex_login = true",
    'project.region is {"fargate": "Frankfurt"}': '[project]\nregion = {fargate = "Frankfurt"}',
    'project.region is {"docker-host"': '[project]\nregion = {docker-host = "here"}',
    'project.checks is "make x"; expected a list': '[project]\nchecks = "make x"',
    'project.checks is ["${{': '[project]\nchecks = ["${{ github.head_ref }}"]',
    r'project.checks is ["a\nb"]': '[project]\nchecks = ["a\\nb"]',
    "company is not known; expected the tables": "[company]",
    "answers is 3; expected a table, [answers]": "answers = 3",
    "not valid TOML: ": "[answers",
}  # fmt: skip


@pytest.mark.parametrize("reason", WRONG)
def test_what_no_project_can_be_made_with_is_rejected_in_one_line(reason: str, tmp_path: Path) -> None:
    shutil.copy(ROOT / "cookiecutter.json", tmp_path)
    before = (tmp_path / "cookiecutter.json").read_bytes()
    (tmp_path / FILE).write_text(WRONG[reason] + "\n", encoding="utf-8")

    with pytest.raises(SystemExit) as stopped:
        apply(tmp_path)

    assert str(stopped.value).startswith(f"{FILE}: {reason}")
    assert "\n" not in str(stopped.value)
    assert (tmp_path / "cookiecutter.json").read_bytes() == before


TOGETHER = {
    "answers.github_owner: 'Acme Inc.' is not a GitHub name": '[answers]\ngithub_owner = "Acme Inc."',
    "answers.registry: a host of one's own has no registry": '[answers]\nplatform = "docker-host"',
    "answers.credentials: a host of one's own lets in keys":
        '[answers]\nplatform = "docker-host"\nregistry = "ghcr"\ncredentials = "oidc"',
}  # fmt: skip


@pytest.mark.parametrize("reason", TOGETHER)
def test_defaults_that_the_template_rejects_together_are_told_by_make_standard(reason: str, tmp_path: Path) -> None:
    for name in ("cookiecutter.json", "hooks/pre_gen_project.py", "<<cookiecutter.project_slug>>/Dockerfile"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / FILE).write_text(TOGETHER[reason] + "\n", encoding="utf-8")

    with pytest.raises(SystemExit) as stopped:
        main(tmp_path)

    assert str(stopped.value).startswith(f"{FILE}: {reason}")
    assert "\n" not in str(stopped.value)


@pytest.mark.parametrize("standard", ['[answers]\nplatform = "heroku"\n', None], ids=["wrong", "missing"])
def test_a_wrong_standard_stops_generation(
    standard: str | None, bake: Bake, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    fork = tmp_path / "fork"
    (fork / "hooks").mkdir(parents=True)
    (fork / "scripts").mkdir()
    (fork / HOOK).write_text(HOOK_TEXT, encoding="utf-8")
    for name in ("cookiecutter.json", "local_extensions.py", "scripts/standard.py"):
        shutil.copy(ROOT / name, fork / name)
    if standard:
        (fork / FILE).write_text(standard, encoding="utf-8")

    with pytest.raises(FailedHookException):
        generate(bake, fork, tmp_path / "baked")

    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(f"{FILE}: " + ("answers.platform is" if standard else "there is no such file"))
    assert not (tmp_path / "baked/projects").exists()


def test_the_hook_is_as_ours_are() -> None:
    for command in (["format", "--check"], ["check"]):
        done = subprocess.run(
            [TOOLS / "ruff", *command, "--no-cache", "--stdin-filename", ROOT / HOOK, "-"],
            input=HOOK_TEXT, capture_output=True, text=True, check=False, cwd=ROOT,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
    assert len(HOOK_TEXT.strip().splitlines()) == 5


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.run(["git", *identity, *words], cwd=folder, capture_output=True, text=True, check=True).stdout


def test_a_merge_of_the_template_leaves_the_standard_alone_and_brings_the_rest(tmp_path: Path) -> None:
    upstream, fork = tmp_path / "upstream", tmp_path / "fork"
    dockerfile = "<<cookiecutter.project_slug>>/Dockerfile"
    for name in ("cookiecutter.json", "scripts/standard.py", "hooks/pre_gen_project.py", dockerfile):
        (upstream / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, upstream / name)
    git(tmp_path, "init", "--quiet", "--initial-branch=main", str(upstream))
    git(upstream, "add", "--all")
    git(upstream, "commit", "--quiet", "--message=one")
    git(tmp_path, "clone", "--quiet", str(upstream), str(fork))
    main(fork)
    (fork / FILE).write_text(ACME, encoding="utf-8")
    git(fork, "add", "--all")
    git(fork, "commit", "--quiet", "--message=our standard")
    questions = text(upstream, "cookiecutter.json")
    questions = questions.replace('"aci", "docker-host"]', '"aci", "docker-host", "spaceship"]')
    questions = questions.replace('"Your Name"', '"Your New Name"').replace('"checks": []', '"checks": ["make new"]')
    (upstream / "cookiecutter.json").write_text(questions, encoding="utf-8")
    git(upstream, "commit", "--all", "--quiet", "--message=two")

    git(fork, "remote", "add", "upstream", str(upstream))
    git(fork, "fetch", "--quiet", "upstream")
    git(fork, "merge", "--quiet", "--no-edit", "upstream/main")

    assert text(fork, FILE) == ACME
    assert set(git(fork, "diff", "--name-only", "upstream/main", "HEAD").split()) == {FILE, HOOK}
    apply(fork)
    new: dict[str, Any] = json.loads(text(fork, "cookiecutter.json"))
    assert new["platform"] == ["fargate", "cloud-run", "aci", "docker-host", "spaceship"]
    assert new["_standard"]["checks"] == CHECKS


def test_the_page_explains_every_key() -> None:
    page = text(ROOT, "docs/team-standard.md")
    rows = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)

    context = json.loads(text(ROOT, "cookiecutter.json"))
    assert rows == [key.name for key in (*answer_keys(context), *PROJECT_KEYS)]
