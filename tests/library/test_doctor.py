"""`cd4ml doctor` reports what is set, missing or wrong, and how to fix it; it never prints a value."""

import itertools
import re
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cd4ml.cli import main
from cd4ml.delivery import doctor
from cd4ml.delivery.required_settings import ENVIRONMENTS, REPOSITORY, cloud_variables, required_settings
from cd4ml.settings.project import Project, read_project
from github_server import GitHubServer

Printed = pytest.CaptureFixture[str]
KEYS = "SERVICE_API_KEYS"
TEMPLATES = Path(__file__).parents[2] / "templates"
VALUES = {
    "GCP_PROJECT": "houses-1",
    "GCP_REGION": "europe-west1",
    "GCP_WORKLOAD_IDENTITY_PROVIDER": "projects/1/locations/global/workloadIdentityPools/github/providers/github",
    "GCP_SERVICE_ACCOUNT": "deployer@houses-1.iam.gserviceaccount.com",
    "AWS_REGION": "eu-central-1",
    "AWS_ACCOUNT_ID": "123456789012",
    "AWS_ROLE": "arn:aws:iam::123456789012:role/houses-deployer",
    "AZURE_LOCATION": "westeurope",
    "AZURE_RESOURCE_GROUP": "houses",
    "AZURE_REGISTRY": "houses1a2b3c.azurecr.io",
    "AZURE_TENANT_ID": "11111111-2222-3333-4444-555555555555",
    "AZURE_SUBSCRIPTION_ID": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
    "AZURE_CLIENT_ID": "99999999-8888-7777-6666-555555555555",
    "DOCKER_HOST_SSH": "ssh://deploy@model.example.com:2222",
    "DOCKER_HOST_KNOWN_HOSTS": "[model.example.com]:2222 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA",
    "SERVICE_ADDRESS": "model.example.com",
}


@pytest.fixture(
    autouse=True,
    params=[
        *itertools.product(("cloud-run", "fargate", "aci"), ("service-account", "oidc")),
        ("docker-host", "service-account"),
    ],
    ids="-".join,
)
def houses(request: pytest.FixtureRequest) -> Project:
    """A project for each platform and way to sign in, in the working directory."""
    platform, credentials = request.param
    text = f'platform = "{platform}"\ncredentials = "{credentials}"\npackage = "houses"\nregistry = "docker-hub"\n'
    Path("pyproject.toml").write_text(f'[project]\nname = "houses"\n[tool.cd4ml]\n{text}', encoding="utf-8")
    return read_project()


@pytest.fixture
def first(houses: Project) -> str:
    """The first of the variables that name the cloud's project and region."""
    return cloud_variables(houses)[0]


def settings(github: GitHubServer, place: str) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """The secrets and variables that are set in a place; tests change these lists."""
    path = f"environments/{place}" if place else "actions"
    secrets = github.fixed.setdefault(f"{path}/secrets", {"secrets": []})["secrets"]
    variables = github.fixed.setdefault(f"{path}/variables", {"variables": []})["variables"]
    return secrets, variables


def set_up(github: GitHubServer, project: Project) -> None:
    """Set everything that the cloud and the service need."""
    for setting in required_settings(project):
        for place in setting.places if setting.part != "optional" else ():
            secrets, variables = settings(github, place)
            if setting.kind == "secret":
                secrets.append({"name": setting.name})
            else:
                variables.append({"name": setting.name, "value": VALUES[setting.name]})


@pytest.fixture
def github(github_server: GitHubServer) -> GitHubServer:
    """A repository whose own settings are right, without any secret or variable."""
    policy = {"custom_branch_policies": True}
    described: list[dict[str, Any]] = [{"name": name, "deployment_branch_policy": policy} for name in ENVIRONMENTS]
    approval = next(environment for environment in described if environment["name"] == "approval")
    approval["protection_rules"] = [{"type": "required_reviewers", "reviewers": [{"type": "User"}]}]
    check = {"type": "required_status_checks", "parameters": {"required_status_checks": [{"context": "ci"}]}}
    github_server.fixed |= {
        "": {"default_branch": "main"},
        "environments": {"environments": described},
        "actions/permissions/workflow": {"can_approve_pull_request_reviews": True},
        "rules/branches/main": [check],
        "labels/train": {"name": "train"},
    }
    for place in (REPOSITORY, *ENVIRONMENTS):
        settings(github_server, place)
    workflow = Path(".github/workflows/cd.yml")
    workflow.parent.mkdir(parents=True, exist_ok=True)
    workflow.write_text("on:\n  push:\n    branches: [main, master, trunk]\n", encoding="utf-8")
    return github_server


def states(printed: str) -> dict[tuple[str, str], str]:
    """The states in the table, by what and where."""
    rows = [re.split(r"  +", line) for line in printed.splitlines()]
    return {(row[0], row[1]): row[2] for row in rows[1:] if len(row) > 2}


def test_missing_settings_alone_are_no_error(github: GitHubServer, capsys: Printed) -> None:
    assert main(["doctor"]) == 0

    printed = capsys.readouterr().out
    state = states(printed)
    assert state[(KEYS, "staging")] == "missing"
    for name in ("CT_EVERY", "UPDATE_EVERY", "TEMPLATE_TOKEN"):
        assert state[(name, "repository")] == "not set, optional"
    assert f"gh secret set {KEYS} --env staging" in printed
    assert state[("check ci required", "main")] == state[("reviewers", "approval")] == "there"


def test_every_setting_that_is_set_is_there_and_no_value_is_printed(
    github: GitHubServer, houses: Project, cloud: Callable[[int], None], capsys: Printed
) -> None:
    set_up(github, houses)
    cloud(0)

    assert main(["doctor"]) == 0

    printed = capsys.readouterr().out
    assert set(states(printed).values()) == {"there", "not set, optional"}
    assert not any(value in printed for value in VALUES.values())


@pytest.mark.parametrize(
    ("days", "state", "log", "expected"),
    [
        (1, "active", "gs://b/production", "there"),
        (5, "active", "gs://b/production", "wrong: monitor last succeeded on {day}, 5 days ago; it is overdue"),
        (5, "disabled_inactivity", "gs://b/production", "wrong: monitor last succeeded on {day}, 5 days ago; its sch"),
        (5, "active", "", None),
    ],
)
def test_a_workflow_that_is_overdue_is_wrong(
    github: GitHubServer, capsys: Printed, days: int, state: str, log: str, expected: str | None
) -> None:
    began = datetime.now(UTC) - timedelta(days=days)
    workflow = "actions/workflows/monitor.yml"
    github.fixed[workflow] = {"state": state}
    github.fixed[f"{workflow}/runs"] = {"workflow_runs": [{"run_started_at": began.isoformat()}]}
    if log:
        settings(github, REPOSITORY)[1].append({"name": "PREDICTION_LOG", "value": log})

    fails = bool(expected and expected.startswith("wrong"))
    assert main(["doctor"]) == fails

    found = states(capsys.readouterr().out).get(("a run of monitor", "every day"))
    assert found == expected if expected is None else str(found).startswith(expected.format(day=began.date()))


def test_another_default_branch_is_named_in_every_command(github: GitHubServer, capsys: Printed) -> None:
    github.fixed[""]["default_branch"] = "develop"
    for environment in github.fixed["environments"]["environments"]:
        environment["deployment_branch_policy"] = None

    assert main(["doctor"]) == 1

    printed = capsys.readouterr().out
    assert states(printed)[("a push to develop starts cd", "repository")] == "wrong"
    assert "name develop in .github/workflows/cd.yml and ci.yml" in printed
    assert "deployment-branch-policies -f name=develop" in printed
    assert "branches/develop/protection" in printed


def test_in_a_folder_of_a_larger_repository_the_workflows_are_at_its_root(
    github: GitHubServer, capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["git", "init", "--quiet", "-b", "main"], check=True)
    Path("services").mkdir()
    Path("pyproject.toml").rename("services/pyproject.toml")
    monkeypatch.chdir("services")

    main(["doctor"])

    assert states(capsys.readouterr().out)[("a push to main starts cd", "repository")] == "there"


def test_a_cloud_that_is_set_up_in_part_is_an_error(github: GitHubServer, houses: Project, capsys: Printed) -> None:
    set_up(github, houses)
    place = "production" if houses.platform == "docker-host" else "trainer"
    secrets, variables = settings(github, place)
    secrets.clear()
    variables.clear()

    assert main(["doctor"]) == 1

    assert f"({place})" in capsys.readouterr().err


def test_an_identity_that_every_job_could_use_is_wrong(github: GitHubServer, houses: Project, capsys: Printed) -> None:
    set_up(github, houses)
    name = next(setting.name for setting in required_settings(houses) if setting.per_environment)
    for entries in settings(github, REPOSITORY):
        entries.append({"name": name, "value": "for all"})

    assert main(["doctor"]) == 1

    state = states(capsys.readouterr().out)
    assert state[(name, "production")] == "wrong: every job can read the repository's own; remove that one"


@pytest.mark.parametrize(
    ("name", "value"), [("", "Houses One!"), ("CT_EVERY", "hour"), ("UPDATE_EVERY", "yearly"), ("", "houses\n")]
)
def test_a_variable_that_is_not_valid_is_wrong(
    github: GitHubServer, first: str, capsys: Printed, name: str, value: str
) -> None:
    name = name or first
    settings(github, REPOSITORY)[1].append({"name": name, "value": value})

    assert main(["doctor"]) == 1

    printed = capsys.readouterr().out
    assert states(printed)[(name, "repository")] == f"wrong: not a valid {name}"
    assert value.strip() not in printed.split()


def test_a_setting_that_nothing_reads_any_more_is_named_with_what_took_its_place(
    github: GitHubServer, capsys: Printed
) -> None:
    assert main(["doctor"]) == 0
    assert ("APP_ID", "repository") not in states(capsys.readouterr().out)

    settings(github, REPOSITORY)[1].append({"name": "APP_ID", "value": "123456"})
    assert main(["doctor"]) == 1

    printed = capsys.readouterr().out
    assert states(printed)[("APP_ID", "repository")] == (
        "wrong: nothing reads it any more; set APP_CLIENT_ID instead, then delete it"
    )
    assert states(printed)[("APP_CLIENT_ID", "repository")] == "not set, optional"
    assert "gh variable delete APP_ID" in printed


@pytest.mark.parametrize(
    ("private", "reviewers", "state", "command"),
    [
        (False, [{"type": "User"}], "there", ""),
        (False, [], "missing", "Required reviewers"),
        (True, [{"type": "User"}], "there", "only GitHub Enterprise asks them: see that the next release waits"),
        (True, [], "missing", "else protect the branch: the merge is the approval"),
    ],
)
def test_reviewers_are_there_only_if_the_plan_lets_github_ask_them(
    github: GitHubServer, capsys: Printed, private: bool, reviewers: list[Any], state: str, command: str
) -> None:
    github.fixed[""]["private"] = private
    (approval,) = (each for each in github.fixed["environments"]["environments"] if each["name"] == "approval")
    approval["protection_rules"] = [{"type": "required_reviewers", "reviewers": reviewers}]

    assert main(["doctor"]) == 0

    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("reviewers"))
    assert re.split(r"  +", line)[1:3] == ["approval", state]
    assert command in line


def test_a_free_private_repository_is_told_that_it_has_no_environments(github: GitHubServer, capsys: Printed) -> None:
    github.fixed[""]["private"] = True
    github.fixed["environments"]["environments"] = []

    assert main(["doctor"]) == 0

    printed = capsys.readouterr().out
    assert states(printed)[("environment", "production")] == "missing"
    assert "environments/production  # a private repository has none on GitHub Free" in printed


def test_a_repository_that_can_have_no_environments_holds_all_itself(
    github: GitHubServer, houses: Project, cloud: Callable[[int], None], capsys: Printed
) -> None:
    """GitHub answers 404 for the environments of a private repository on the plan Free."""
    github.fixed[""]["private"] = True
    github.rejections["GET environments"] = [(404, "Not Found")]
    secrets, variables = settings(github, REPOSITORY)
    for setting in required_settings(houses):
        if setting.part != "optional" and setting.kind == "secret":
            secrets.append({"name": setting.name})
        elif setting.part != "optional":
            variables.append({"name": setting.name, "value": VALUES[setting.name]})
    cloud(0)

    assert main(["doctor"]) == 0

    printed = capsys.readouterr().out
    state = states(printed)
    assert set(state.values()) == {"there", "not set, optional", "none on GitHub Free"}
    assert state[(KEYS, "repository")] == "there"
    assert not [where for _, where in state if where in ENVIRONMENTS]
    assert "nobody is asked before production" in printed

    secrets.remove({"name": KEYS})
    github.rejections["GET environments"] = [(404, "Not Found")]
    assert main(["doctor"]) == 0
    printed = capsys.readouterr().out
    assert states(printed)[(KEYS, "repository")] == "missing"
    assert f"gh secret set {KEYS}\n" in printed


@pytest.mark.parametrize(
    ("days", "private", "expected"),
    [(50, False, "wrong: nothing was pushed"), (10, False, None), (50, True, None)],
)
def test_a_public_repository_is_told_before_github_stops_its_schedules(
    github: GitHubServer, capsys: Printed, days: int, private: bool, expected: str | None
) -> None:
    pushed = datetime.now(UTC) - timedelta(days=days)
    github.fixed[""] |= {"private": private, "pushed_at": pushed.isoformat()}

    assert main(["doctor"]) == bool(expected)

    found = states(capsys.readouterr().out).get(("schedules", "repository"))
    assert found == expected if expected is None else str(found).startswith(expected)
    if expected:
        assert f"on {pushed + timedelta(days=60):%Y-%m-%d} GitHub stops" in str(found)


def test_wrong_settings_are_listed_with_the_command_that_fixes_them(github: GitHubServer, capsys: Printed) -> None:
    github.fixed["environments"]["environments"] = [{"name": "production", "deployment_branch_policy": None}]
    github.fixed["actions/permissions/workflow"] = {"can_approve_pull_request_reviews": False}
    github.fixed["rules/branches/main"] = []
    github.rejections["GET branches/main/protection/required_status_checks"] = [(404, "Branch not protected")]
    github.rejections["GET labels/train"] = [(404, "Not Found")]

    assert main(["doctor"]) == 1

    printed = capsys.readouterr()
    assert printed.err == "doctor: to fix: only from main (production); the commands are in the table\n"
    assert states(printed.out)[("environment", "staging")] == "missing"
    assert "gh api --method PUT repos/ada/houses/environments/staging" in printed.out
    assert "-F can_approve_pull_request_reviews=true" in printed.out
    assert "'required_status_checks[contexts][]=ci'" in printed.out
    assert "gh label create train" in printed.out


def test_without_the_owners_rights_the_states_are_unknown_and_the_reason_is_printed(
    github: GitHubServer, capsys: Printed
) -> None:
    github.rejections["GET actions/secrets"] = [(403, "Resource not accessible")]

    assert main(["doctor"]) == 0

    printed = capsys.readouterr().out
    assert set(states(printed).values()) == {"unknown"}
    assert "GitHub was not checked: GitHub answers GET actions/secrets with 403" in printed


def test_in_a_workflow_only_the_steps_environment_is_read(
    github: GitHubServer, first: str, capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": "summary", "ENVIRONMENT": "staging",
        f"SET_{KEYS}": "true", f"SET_{first}": "false",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)

    assert main(["doctor"]) == 0

    assert states(capsys.readouterr().out) == {(KEYS, "staging"): "there", (first, "repository"): "missing"}
    assert f"`gh variable set {first} --body " in Path("summary").read_text(encoding="utf-8")
    assert github.calls == []


@pytest.fixture
def cloud(houses: Project, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Replace the verb `cloud` by a program that prints its verb and settings, and exits with a code."""

    def replace(code: int) -> None:
        script = Path("cloud")
        variables = " ".join(f"${name}" for name in cloud_variables(houses))
        script.write_text(f'#!/bin/sh\necho "$1 {variables}"\nexit {code}\n', encoding="utf-8")
        script.chmod(0o755)
        monkeypatch.setattr(doctor, "_CLOUD", ["./cloud"])

    return replace


def test_what_a_workflow_passes_on_is_enough_to_ask_the_cloud(houses: Project) -> None:
    """templates/cloud-settings.yml, which doctor.yml includes; the provider of tokens is for the sign-in."""
    passed = set(re.findall(r"^ +([A-Z_]+): ", (TEMPLATES / "cloud-settings.yml").read_text("utf-8"), re.MULTILINE))

    assert set(cloud_variables(houses)) <= passed


@pytest.mark.parametrize("code", [0, 1])
def test_the_cloud_is_checked_once_it_is_set_up(
    github: GitHubServer, houses: Project, cloud: Callable[[int], None], capfd: Printed, code: int
) -> None:
    set_up(github, houses)
    cloud(code)

    assert main(["doctor"]) == code

    assert " ".join(["doctor", *(VALUES[name] for name in cloud_variables(houses))]) in capfd.readouterr().out


@pytest.mark.usefixtures("github")
@pytest.mark.parametrize("code", [0, 1])
def test_a_workflow_that_is_signed_in_checks_the_services(
    houses: Project, cloud: Callable[[int], None], capfd: Printed, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    cloud(code)
    for name, value in {"GITHUB_ACTIONS": "true", "ENVIRONMENT": "production", "SIGNED_IN": "true"}.items():
        monkeypatch.setenv(name, value)
    for name in cloud_variables(houses):
        monkeypatch.setenv(name, VALUES[name])

    assert main(["doctor"]) == code

    assert " ".join(["status", *(VALUES[name] for name in cloud_variables(houses))]) in capfd.readouterr().out
