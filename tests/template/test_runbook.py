"""Every command of the runbook exists: verbs, arguments, workflows, their inputs, settings and secrets of GitHub.

Those that can be run without an account are run in tests/project/test_runbook.py and tests/delivery/test_runbook.py.
"""

from __future__ import annotations

import functools
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from cd4ml.settings.project import read_project
from cd4ml.terminal.verbs import VERBS

from tests.runbook import blocks, commands, dispatch, pages
from tests.template.conftest import DEPLOYED, PLAINEST, PLATFORMS, TOOLS, verbs_of

SECTIONS = [
    "A bad model is live",
    "Monitoring alarms",
    "Labels are broken",
    "The prediction log is not written",
    "A key leaked",
    "The service answers 503",
    "Cloud credentials were revoked",
]
TOOL_OF = {"cloud-run": "gcloud", "fargate": "aws", "aci": "az", "docker-host": "docker"}
PLAIN = {"cat", "curl", "export", "git", "grep", "printf", "rm", "ssh-keygen"}


@pytest.fixture(params=[name for name in DEPLOYED if name.endswith("-cloud") or name == PLAINEST["docker-host"]])
def project(request: pytest.FixtureRequest, combination: Callable[[str], Path]) -> Path:
    return combination(request.param)


def named(project: Path, *program: str) -> Iterator[list[str]]:
    """The commands of both pages that begin with these words, without them."""
    for page in pages(project).values():
        for words in commands(page):
            if tuple(words[: len(program)]) == program:
                yield words[len(program) :]


def workflow(project: Path, name: str) -> dict[Any, Any]:
    return dict(yaml.safe_load((project / f".github/workflows/{name}.yml").read_text(encoding="utf-8")))


def workflow_texts(folder: Path) -> str:
    return "".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob(".github/workflows/*.yml")))


@functools.cache
def help_of(*program: str) -> str:
    done = subprocess.run([TOOLS / program[0], *program[1:]], capture_output=True, text=True, check=True)
    return done.stdout


def options(words: list[str]) -> list[str]:
    return [word for word in words if word.startswith("--")]


def test_every_situation_has_its_steps_numbered_from_one(project: Path) -> None:
    text = pages(project)["cd4ml/docs/runbook.md"]

    assert list(blocks(text)) == SECTIONS
    for part in text.split("\n## ")[1:]:
        numbers = [int(number) for number in re.findall(r"^(\d+)\. ", part, re.MULTILINE)]
        assert numbers == list(range(1, len(numbers) + 1)), part
        assert len(numbers) >= 3, part
        assert blocks(f"\n## {part}")[part.partition("\n")[0]], part


def test_every_line_is_a_known_command_that_a_shell_can_read(project: Path) -> None:
    tool = TOOL_OF[read_project(project / "pyproject.toml").platform]
    for name, page in pages(project).items():
        for part in (part for parts in blocks(page).values() for part in parts):
            assert subprocess.run(["bash", "-n", "-c", part], check=False).returncode == 0, part
        first = {words[0] for words in commands(page)}
        cloud = {tool} if name == "docs/runbook.md" else set()
        assert first <= PLAIN | {"make", "uv", "gh"} | cloud, name
        assert cloud <= first
    assert {words[0] for words in named(project, "gh")} <= {"workflow", "run", "release", "variable", "secret"}
    assert {tuple(words[:2]) for words in named(project, "uv")} == {("run", "cd4ml")}


def test_verbs_of_make_and_their_variables_exist(project: Path) -> None:
    makefile = (project / "Makefile").read_text(encoding="utf-8")

    calls = list(named(project, "make"))

    assert len(calls) > 10
    for verb, *settings in calls:
        (recipe,) = re.findall(rf"^{verb}:.*\n((?:\t.*\n)*)", makefile, re.MULTILINE)
        for setting in settings:
            assert f"$${{{setting.partition('=')[0]}:" in recipe, (verb, setting)


def test_verbs_of_the_command_line_and_their_options_exist(project: Path) -> None:
    calls = [words for words in named(project, "uv", "run", "cd4ml") if words[0] != "cloud"]

    assert calls
    for verb, *arguments in calls:
        assert verb in VERBS
        assert [option for option in options(arguments) if option not in help_of("cd4ml", verb, "--help")] == []


def test_verbs_of_the_cloud_take_these_arguments(project: Path) -> None:
    listed = verbs_of(read_project(project / "pyproject.toml").platform)

    calls = list(named(project, "uv", "run", "cd4ml", "cloud"))

    assert len(calls) > 8
    for verb, *arguments in calls:
        (usage,) = re.findall(rf"^  {verb}\b *(.*)$", listed, re.MULTILINE)
        assert [option for option in options(arguments) if option not in listed] == [], verb
        plain = [word for word in arguments if not word.startswith("--")]
        if "ENV" in usage:
            assert plain[0] in ("staging", "production"), verb
            assert len(plain) == (2 if "DIGEST" in usage and "[DIGEST" not in usage else 1), verb
        elif verb == "rotate":
            assert plain[0] in usage.split()[0].split("|")
        else:
            assert plain == [], verb


def test_workflows_have_these_names_and_inputs(project: Path) -> None:
    calls = [dispatch(["gh", "workflow", "run", *words]) for words in named(project, "gh", "workflow", "run")]
    looked_at = [words[words.index("--workflow") + 1] for words in named(project, "gh", "run", "list")]

    assert {"rollback", "ct", "cd", "doctor"} == {name for name, _ in calls}
    for name, inputs in calls:
        asked = workflow(project, name)[True]["workflow_dispatch"] or {}  # YAML takes `on` for true
        known = asked.get("inputs", {})
        assert inputs.keys() <= known.keys(), name
        assert {key for key, value in known.items() if value.get("required")} <= inputs.keys(), name
    for name in looked_at:
        assert workflow(project, name)["name"] == name


def test_settings_and_secrets_of_github_are_those_that_workflows_read(
    project: Path, combination: Callable[[str], Path]
) -> None:
    text = workflow_texts(project)
    on_fargate = workflow_texts(combination("fargate-oidc-cloud"))

    variables = {words[0]: words[words.index("--body") + 1] for words in named(project, "gh", "variable", "set")}
    secrets = {(words[0], words[words.index("--env") + 1]) for words in named(project, "gh", "secret", "set")}

    assert variables.keys() == {"CT_EVERY", "SERVICE_MAX_INSTANCES"}
    assert "vars.CT_EVERY" in text
    platform = read_project(project / "pyproject.toml").platform
    assert "vars.SERVICE_MAX_INSTANCES" in (on_fargate if platform in ("aci", "docker-host") else text)
    wanted = {"SERVICE_API_KEYS", *(["DOCKER_HOST_KEY"] if platform == "docker-host" else [])}
    assert secrets == {(name, place) for name in wanted for place in ("staging", "production")}
    assert "secrets.SERVICE_API_KEYS" in text


def test_ct_knows_the_two_values_of_how_often_it_runs(project: Path) -> None:
    text = (project / ".github/workflows/ct.yml").read_text(encoding="utf-8")
    words = [words[words.index("--body") + 1] for words in named(project, "gh", "variable", "set", "CT_EVERY")]

    assert words == ["never", "week"]
    assert "day, week (default), month, or never" in text


def test_no_line_names_another_cloud_or_credentials_that_were_not_chosen(project: Path) -> None:
    page, platform = pages(project)["docs/runbook.md"], read_project(project / "pyproject.toml").platform
    chosen = read_project(project / "pyproject.toml")

    for other in PLATFORMS:
        assert (TOOL_OF[other] in {words[0] for words in commands(page)}) == (other == platform)
    has_keys_of_a_cloud = chosen.credentials == "service-account" and platform != "docker-host"
    assert ("rotate credentials" in page) == has_keys_of_a_cloud


def test_links_lead_to_sections_that_exist(project: Path) -> None:
    folder = project / "cd4ml/docs"
    text = pages(project)["cd4ml/docs/runbook.md"]

    links = re.findall(r"\]\(([\w.-]*)#([\w-]+)\)", text)

    assert len(links) > 5
    for file, anchor in links:
        target = (folder / file).read_text(encoding="utf-8") if file else text
        titles = re.findall(r"^#+ (.*)$", target, re.MULTILINE)
        assert anchor in {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}, (file, anchor)


def test_every_check_of_monitoring_is_in_the_table(project: Path) -> None:
    """But for the one that says why outcomes cannot be joined, and the one that all columns are fine."""
    library = project / "cd4ml/src/cd4ml/monitoring"
    text = "".join(path.read_text(encoding="utf-8") for path in library.glob("*.py"))
    alarms = set(re.findall(r'Finding\(\s*"(?:page|warn)"(?: if [^\n]* else "warn")?,\s*"(\w+)"', text))
    ages = set(re.findall(r'check_age\(\s*"(\w+)"', text))

    section = pages(project)["cd4ml/docs/runbook.md"].split("\n## Monitoring alarms")[1].split("\n## ")[0]
    first_cells = re.findall(r"^ *\| (`.*?) \|", section, re.MULTILINE)

    workflow = (project / "cd4ml/src/cd4ml/delivery/report_monitoring.py").read_text(encoding="utf-8")
    own = set(re.findall(r'"check": "(\w+)"', workflow))

    assert {"loss", "nulls", "schema", "predictions", "log"} <= alarms | ages
    assert own == {"schedule", "monitoring"}
    assert alarms | ages | own == set(re.findall(r"`(\w+)`", " ".join(first_cells)))
