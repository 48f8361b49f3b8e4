"""A release to Cloud Run without a process: what a run that is killed leaves, and what the next one makes of it."""

from pathlib import Path

import pytest
from cd4ml.deploy.cloud_run import steps
from cd4ml.deploy.cloud_run.platform import CloudRun
from cd4ml.deploy.cloud_run.service import Service, Target, read_service
from cd4ml.deploy.cloud_run.settings import read_place
from cd4ml.deploy.commands import CloudError
from cd4ml.deploy.release import Release, check_candidate
from cd4ml.deploy.verbs import Verbs
from cd4ml.settings.project import Project, read_project
from gcloud_in_memory import ENVIRONMENT, Gcloud
from killable_run import KilledError

ONE, TWO, THREE = (f"eu.pkg.dev/acme/demo/demo@sha256:{digit * 64}" for digit in "123")


@pytest.fixture
def project() -> Project:
    """A project in the working directory."""
    section = 'package = "demo"\nplatform = "cloud-run"\ncredentials = "oidc"\nregistry = "cloud"\n'
    Path("pyproject.toml").write_text(f'[project]\nname = "demo"\n[tool.cd4ml]\n{section}', encoding="utf-8")
    return read_project()


@pytest.fixture
def live(project: Project) -> Gcloud:
    """A service that serves ONE as demo-one."""
    gcloud = Gcloud()
    gcloud.exists, gcloud.revisions, gcloud.traffic = True, {"demo-one": ONE}, {"demo-one": 100}
    return gcloud


def release(project: Project, gcloud: Gcloud, expected: str = "") -> Release[Service]:
    return Release(CloudRun(project, gcloud), gcloud, expected)


def test_a_release_writes_its_intent_first_and_ends_with_one_revision(project: Project, live: Gcloud) -> None:
    release(project, live).deploy(TWO, "production")
    assert live.writes == ["run services update-traffic", "run deploy demo"]
    assert live.traffic == {"demo-one": 100}
    assert live.outputs["previous"] == "demo-one"
    assert live.outputs["candidate_url"] == "https://candidate---demo"

    candidate = live.outputs["revision"]
    release(project, live, candidate).promote("production", 10)
    assert live.traffic == {candidate: 10, "demo-one": 90}
    release(project, live, candidate).promote("production", 100)
    assert (live.traffic, live.tags) == ({candidate: 100}, {})


@pytest.mark.parametrize("write", [1, 2])
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("then", ["restore", "deploy"])
def test_the_next_run_undoes_a_deploy_that_was_killed(
    project: Project, live: Gcloud, write: int, moment: str, then: str
) -> None:
    live.kill = (write, moment)
    with pytest.raises(KilledError):
        release(project, live).deploy(TWO, "production")

    again = live.again()
    if then == "restore":
        release(project, again).restore("production")
        assert (again.traffic, again.tags) == ({"demo-one": 100}, {})
        return
    release(project, again).deploy(THREE, "production")
    assert again.traffic == {"demo-one": 100}
    assert again.tags == {"previous": "demo-one", "candidate": again.outputs["revision"]}
    assert again.revisions[again.outputs["revision"]] == THREE


@pytest.mark.parametrize(("moment", "serves"), [("before", ONE), ("after", TWO)])
def test_a_promotion_that_was_killed_is_undone_or_done(
    project: Project, live: Gcloud, moment: str, serves: str, capsys: pytest.CaptureFixture[str]
) -> None:
    release(project, live).deploy(TWO, "production")
    candidate, live = live.outputs["revision"], live.again()
    live.kill = (1, moment)
    with pytest.raises(KilledError):
        release(project, live).promote("production", 100)

    again = live.again()
    release(project, again, candidate).restore("production")
    assert [again.revisions[name] for name in again.traffic] == [serves]
    assert again.tags == {}
    if serves == TWO:
        release(project, again, candidate).promote("production", 100)
        assert "already takes all traffic" in capsys.readouterr().out


def test_a_candidate_that_does_not_come_up_is_taken_back(project: Project, live: Gcloud) -> None:
    live.broken.add(TWO)
    with pytest.raises(CloudError, match=f"not deployed: {TWO}"):
        release(project, live).deploy(TWO, "production")
    assert (live.traffic, live.tags) == ({"demo-one": 100}, {})


def test_what_a_first_release_left_that_failed_is_removed(project: Project) -> None:
    gcloud = Gcloud()
    gcloud.broken.add(ONE)
    with pytest.raises(CloudError, match="not deployed"):
        release(project, gcloud).deploy(ONE, "production")
    assert not gcloud.exists


def test_a_deploy_that_failed_leaves_the_candidate_of_another_alone(project: Project, live: Gcloud) -> None:
    def overtake() -> None:
        if len(live.writes) == 2:
            live.revisions["demo-other"] = THREE
            live.tags = {"previous": "demo-one", "candidate": "demo-other"}

    live.broken.add(TWO)
    live.after_write = overtake
    with pytest.raises(CloudError, match="not deployed"):
        release(project, live).deploy(TWO, "production")
    assert live.tags == {"previous": "demo-one", "candidate": "demo-other"}


def test_a_step_of_a_release_that_was_overtaken_does_nothing(
    project: Project, live: Gcloud, capsys: pytest.CaptureFixture[str]
) -> None:
    release(project, live).deploy(TWO, "production")
    live = live.again()
    with pytest.raises(CloudError, match="another deploy has taken over: the candidate is"):
        release(project, live, "demo-mine").promote("production", 100)
    release(project, live, "demo-mine").restore("production", "demo-one")
    assert "another deploy has taken over, with" in capsys.readouterr().out
    assert not live.writes


def test_a_rollback_takes_the_newest_revision_of_the_image(project: Project, live: Gcloud) -> None:
    live.revisions |= {"demo-two": TWO, "demo-again": TWO, "demo-three": THREE}
    Verbs(CloudRun(project, live), live, "python").run("rollback", ["production", TWO.partition("@")[2]])
    assert live.traffic == {"demo-again": 100}
    assert live.outputs["revision"] == "demo-again"


def test_a_rollback_during_a_release_of_the_same_image_takes_what_served_before(project: Project, live: Gcloud) -> None:
    release(project, live).deploy(ONE, "production")
    live = live.again()
    Verbs(CloudRun(project, live), live, "python").run("rollback", ["production", ONE.partition("@")[2]])
    assert (live.traffic, live.tags) == ({"demo-one": 100}, {})


@pytest.mark.parametrize("exists", [False, True])
def test_only_a_service_that_is_not_there_yet_is_made_private(
    project: Project, exists: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    gcloud = Gcloud()
    if exists:
        gcloud.kill = (1, "after")
        with pytest.raises(KilledError):
            release(project, gcloud).deploy(ONE, "production")
    again = gcloud.again()
    again.dry_run = True
    release(project, again).deploy(TWO, "production")

    printed = capsys.readouterr().out

    assert ("--no-allow-unauthenticated" in printed) is not exists
    assert "--no-traffic" not in printed


def test_traffic_that_was_split_by_hand_is_not_guessed_at() -> None:
    split = (Target("demo-one", 50, "", ""), Target("demo-two", 50, "", ""))
    with pytest.raises(CloudError, match="split by hand: uv run cd4ml cloud restore staging REVISION"):
        Service("staging", "demo", True, "", split, split).before()


def test_a_candidate_that_is_wanted_and_not_there_did_not_come_up() -> None:
    told = {"spec": {"traffic": [{"revisionName": "demo-two", "tag": "candidate"}]}, "status": {"url": "https://demo"}}
    with pytest.raises(CloudError, match="demo-two did not come up"):
        check_candidate(read_service("staging", "demo", told), "")


def test_commands_name_the_revision_that_a_release_expects() -> None:
    place = read_place("demo", ENVIRONMENT)
    made = steps.deploy(place, "demo", TWO, "demo-20260101000000-2222222", ("--port", "8080"), exists=True, beside=True)
    assert made.pasted() == (
        f"gcloud run deploy demo --project acme --region europe-west1 --quiet --image {TWO} "
        "--revision-suffix 20260101000000-2222222 --tag candidate --no-traffic --port 8080"
    )
    routed = steps.route(place, "demo", {"demo-two": 10, "demo-one": 90}, *steps.ENDS)
    assert routed.argv[-4:] == ("--to-revisions", "demo-two=10,demo-one=90", "--remove-tags", "candidate,previous")
