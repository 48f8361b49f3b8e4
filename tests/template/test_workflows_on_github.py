"""What the workflows do because of what GitHub, its plans and vendors' actions do."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.delivery.github.triggers import events_of
from tests.template.conftest import DEFAULT, DEPLOYED
from tests.template.workflow_files import jobs, parsed, steps, workflows_of

__all__ = ["workflows_of"]

APPROVAL_DAYS, RUN_DAYS = 30, 35  # the longest that a job waits for its reviewers, and a run takes


@pytest.mark.parametrize("name", DEPLOYED)
@pytest.mark.parametrize("environment", ["staging", "production"])
def test_nothing_is_deployed_that_a_later_release_replaced(
    name: str, environment: str, workflows_of: Callable[[str], list[Path]]
) -> None:
    of_cd = dict(jobs(workflows_of(name)))
    job = of_cd[f"cd.yml: {environment}"]
    (check,) = (step for step in job["steps"] if "uv run cd4ml check-superseded" in step.get("run", ""))
    changes = [step for step in job["steps"] if re.search(r"cd4ml (cloud (?!restore)|record)", step.get("run", ""))]

    assert "if" not in check
    assert len(changes) >= 3
    assert {step["if"] for step in changes} == {"steps.superseded.outputs.superseded == 'no'"}
    assert job["permissions"]["actions"] == "read"
    assert job["steps"][0]["with"]["fetch-depth"] == 0  # it compares commits
    assert of_cd["cd.yml: approval"]["if"] == "needs.staging.outputs.superseded == 'no'"


@pytest.mark.parametrize("name", DEPLOYED)
def test_what_production_needs_is_kept_as_long_as_an_approval_may_take_and_the_image_is_not(
    name: str, workflows_of: Callable[[str], list[Path]]
) -> None:
    of_cd = {where.removeprefix("cd.yml: "): job for where, job in jobs(workflows_of(name)) if where.startswith("cd")}
    uploads = [step["with"] for step in of_cd["build"]["steps"] if "upload-artifact@" in step.get("uses", "")]
    kept = {each["name"]: each for each in uploads}
    taken = {
        where: [step["with"]["name"] for step in job["steps"] if "download-artifact@" in step.get("uses", "")]
        for where, job in of_cd.items()
    }

    assert APPROVAL_DAYS < kept["release"]["retention-days"] == RUN_DAYS
    assert "image.tar" not in kept["release"]["path"]
    assert kept["image"]["path"] == "${{ env.PROJECT }}/build/image.tar"
    assert kept["image"]["retention-days"] <= 3
    assert {where: names for where, names in taken.items() if names} == {
        "scan": ["image"],
        "publish": ["image"],
        "staging": ["release"],
        "production": ["release"],
    }


@pytest.mark.parametrize("name", DEPLOYED)
def test_a_rollback_stops_a_canary_before_it_gets_into_its_queue_and_the_release_touches_nothing(
    name: str, workflows_of: Callable[[str], list[Path]]
) -> None:
    all_jobs = dict(jobs(workflows_of(name)))
    resolve, rollback = all_jobs["rollback.yml: resolve"], all_jobs["rollback.yml: rollback"]
    production = all_jobs["cd.yml: production"]
    programs = [step.get("run", "").partition(" #")[0] for step in resolve["steps"]]
    last = [step for step in production["steps"] if "cancelled()" in step.get("if", "")]

    assert rollback["needs"] == "resolve"
    assert rollback["concurrency"] == production["concurrency"]
    assert "concurrency" not in resolve
    assert programs.index("uv run cd4ml stop-releases") > programs.index("uv run cd4ml resolve-release")
    assert resolve["permissions"]["actions"] == "write"
    assert last[0]["run"] == "uv run cd4ml check-preempted"
    assert last[-1]["run"].startswith("uv run cd4ml cloud restore")
    assert {step["if"] for step in last[1:]} == {
        "(failure() || cancelled()) && steps.preempted.outputs.preempted == 'no'"
    }


@pytest.mark.parametrize("name", DEPLOYED)
def test_a_rollback_that_fails_restores_what_the_release_left_that_was_cancelled_for_it(
    name: str, workflows_of: Callable[[str], list[Path]]
) -> None:
    rollback = dict(jobs(workflows_of(name)))["rollback.yml: rollback"]
    programs = [step.get("run", "").partition(" #")[0] for step in rollback["steps"]]
    restore = rollback["steps"][programs.index("uv run cd4ml cloud restore production")]

    assert restore["env"]["CANDIDATE"] == "${{ steps.rollback.outputs.left }}"
    assert restore["if"].startswith("(failure() || cancelled()) && ")
    assert "steps.rollback.outcome != 'success'" in restore["if"], "a rollback that ended well is not undone"
    rollbacks = [program for program in programs if program.startswith("uv run cd4ml cloud rollback")]
    assert programs.index("uv run cd4ml cloud restore production") > programs.index(rollbacks[0])


@pytest.mark.parametrize("name", DEPLOYED)
def test_no_secret_is_the_environment_of_a_whole_job(name: str, workflows_of: Callable[[str], list[Path]]) -> None:
    """Every program of it would see the secret, actions of others and notify.py included."""
    for job, content in jobs(workflows_of(name)):
        for variable, value in content.get("env", {}).items():
            told = re.findall(r"secrets\.(\w+)\b(?! != '')", str(value))
            assert set(told) <= {"DOCKERHUB_USERNAME"}, f"{job}: {variable}"  # a name, by which objects are found


def test_a_forced_release_is_recorded_by_force(workflows_of: Callable[[str], list[Path]]) -> None:
    production = dict(jobs(workflows_of(DEFAULT)))["cd.yml: production"]
    (check, record) = (step["env"] for step in production["steps"] if step.get("id") in ("superseded", "record"))

    assert check["FORCE"] == record["FORCE"] == "${{ inputs.force && '1' || '' }}"


@pytest.mark.parametrize("name", [name for name in DEPLOYED if "-oidc" in name])
def test_who_trains_for_hours_signs_in_again_before_the_gate_fetches_the_champion(
    name: str, workflows_of: Callable[[str], list[Path]]
) -> None:
    steps_of_ct = dict(jobs(workflows_of(name)))["ct.yml: retrain"]["steps"]
    told = [step.get("id") or step.get("uses") or "" for step in steps_of_ct]

    assert told[told.index("train") : told.index("gate") + 1] == ["train", "./.github/actions/sign-in", "gate"]


def test_a_label_trains_a_pull_request_whose_files_were_never_pushed(workflows_of: Callable[[str], list[Path]]) -> None:
    (train,) = (
        step for step in dict(jobs(workflows_of(DEFAULT)))["ct.yml: retrain"]["steps"] if step.get("id") == "train"
    )

    assert train["if"].endswith("(steps.refreshed.outputs.model != 'current' || github.event_name == 'pull_request')")


def test_the_label_is_taken_off_however_the_training_ends(workflows_of: Callable[[str], list[Path]]) -> None:
    """GitHub starts nothing for a label that is on already. The job that trains may not write to pull requests."""
    all_jobs = dict(jobs(workflows_of(DEFAULT)))
    label, retrain = all_jobs["ct.yml: label"], all_jobs["ct.yml: retrain"]

    assert "needs" not in label
    assert label["if"] in " ".join(retrain["if"].split())
    assert label["steps"][-1]["run"] == "uv run cd4ml remove-label"
    assert label["permissions"]["pull-requests"] == "write"
    assert "pull-requests" not in retrain["permissions"]


def test_what_ran_out_of_time_is_told(workflows_of: Callable[[str], list[Path]]) -> None:
    """GitHub calls it cancelled."""
    all_jobs = dict(jobs(workflows_of(DEFAULT)))
    comment = all_jobs["ci.yml: comment"]["steps"]
    (download,) = (step for step in comment if "download-artifact" in step.get("uses", ""))

    assert (
        """!contains(fromJSON('["success", "skipped"]'), needs.monitor.result)"""
        in all_jobs["monitor.yml: report"]["if"]
    )
    assert download["continue-on-error"] is True


def test_images_go_to_the_registry_of_the_regions_partition(workflows_of: Callable[[str], list[Path]]) -> None:
    (cd,) = (path for path in workflows_of("fargate-oidc-cloud") if path.name == "cd.yml")
    image = parsed(cd)["jobs"]["publish"]["env"]["CLOUD_IMAGE"]

    assert "format('{0}.dkr.ecr.{1}.amazonaws.com{2}', vars.AWS_ACCOUNT_ID, vars.AWS_REGION, startsWith(" in image
    assert "startsWith(vars.AWS_REGION, 'cn-') && '.cn' || '')" in image


def test_a_merge_queue_gets_the_check_that_it_waits_for(workflows_of: Callable[[str], list[Path]]) -> None:
    (ci,) = (path for path in workflows_of(DEFAULT) if path.name == "ci.yml")

    assert "merge_group" in events_of(ci.read_text(encoding="utf-8"))
    assert parsed(ci)["jobs"]["ci"]["if"] == "always()"


def test_a_key_that_an_action_leaves_in_the_workspace_is_never_committed(combination: Callable[[str], Path]) -> None:
    project = combination(DEFAULT)
    asked = ["git", "-C", str(project), "check-ignore", "--no-index", "gha-creds-0123456789abcdef.json"]

    assert subprocess.run(asked, capture_output=True, check=False).returncode == 0
    assert (project / ".dockerignore").read_text(encoding="utf-8").splitlines()[1] == "*"  # no image gets it, either


@pytest.mark.parametrize("name", [name for name in DEPLOYED if name.startswith("cloud-run")])
def test_gcloud_has_one_version_everywhere(name: str, workflows_of: Callable[[str], list[Path]]) -> None:
    used = [step for _, step in steps(workflows_of(name)) if "setup-gcloud@" in step.get("uses", "")]
    (installed,) = used
    calls = [where for where, step in steps(workflows_of(name)) if step.get("with", {}).get("gcloud") is True]

    assert re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+", installed["with"]["version"])
    assert {where.rpartition(",")[0] for where in calls} == {
        "cd.yml: staging",
        "cd.yml: production",
        "doctor.yml: doctor",
        "rollback.yml: rollback",
    }


@pytest.mark.parametrize("name", DEPLOYED)
def test_the_check_knows_where_data_and_models_are(name: str, workflows_of: Callable[[str], list[Path]]) -> None:
    """Else each run's summary says that what needs them is skipped, and the same run fetches them."""
    of_cd = dict(jobs(workflows_of(name)))
    check, build = (of_cd[f"cd.yml: {job}"]["env"].get("OBJECTS") for job in ("check", "build"))

    assert check == build
    assert (check is None) == (DEPLOYED[name]["registry"] == "cloud")


def test_no_comment_is_tried_if_the_model_was_not_looked_at(workflows_of: Callable[[str], list[Path]]) -> None:
    """A job that fails before its status has no reports, and a second failure would hide the first."""
    (comment,) = (job for where, job in jobs(workflows_of(DEFAULT)) if where == "ci.yml: comment")

    for state in ("none", ""):
        assert f"needs.model.outputs.model != '{state}'" in comment["if"]


def test_the_app_signs_in_by_its_client_id(workflows_of: Callable[[str], list[Path]]) -> None:
    used = [step for _, step in steps(workflows_of(DEFAULT)) if "create-github-app-token@" in step.get("uses", "")]

    assert [step["with"]["client-id"] for step in used] == ["${{ vars.APP_CLIENT_ID }}"] * 2  # ct and update
    assert all(step["if"].startswith("vars.APP_CLIENT_ID != ''") for step in used)
    assert [step for step in used if "app-id" in step["with"]] == []


def test_pages_name_the_rights_of_the_app_that_workflows_ask_for(workflows_of: Callable[[str], list[Path]]) -> None:
    """An App that lacks one gets no token, and the step fails."""
    files = workflows_of(DEFAULT)
    rights: dict[str, set[str]] = {}
    for name, step in steps(files):
        if step.get("uses", "").startswith("actions/create-github-app-token@"):
            named = [key.removeprefix("permission-") for key in step["with"] if key.startswith("permission-")]
            rights[name.partition(".")[0]] = {right.replace("-", " ") for right in named}
    pages = files[0].parents[2] / "cd4ml/docs"
    updating, github = ((pages / name).read_text(encoding="utf-8") for name in ("updating.md", "github.md"))
    (of_update,) = re.findall(r"a GitHub App that has the permissions\s(.*?)\s\(\[github\.md\]", updating, re.DOTALL)
    ((always, besides),) = re.findall(r"permissions\s(.*?)\sto write, for `update` also\s(.*?)\.\n", github)

    assert rights.keys() == {"ct", "update"}
    assert set(re.findall(r"`([a-z ]+)`", of_update)) == rights["update"]
    assert set(re.findall(r"`([a-z ]+)`", always)) == rights["ct"]
    assert set(re.findall(r"`([a-z ]+)`", always + besides)) == rights["update"]
