"""A release to Fargate without a process: what a run that is killed leaves, and what the next one makes of it."""

from pathlib import Path

import pytest
from cd4ml.deploy.commands import CloudError
from cd4ml.deploy.fargate.platform import Fargate
from cd4ml.deploy.fargate.service import Service
from cd4ml.deploy.release import Release
from cd4ml.deploy.verbs import Verbs
from cd4ml.settings.project import Project, read_project
from ecs_in_memory import ENVIRONMENT, REPOSITORY, Aws, Cloud
from gcloud_in_memory import KilledError

ONE, TWO, THREE = (f"{REPOSITORY}@sha256:{digit * 64}" for digit in "123")
DIGESTS = {image: image.partition("@")[2] for image in (ONE, TWO, THREE)}


@pytest.fixture
def project() -> Project:
    """A project in the working directory."""
    section = 'package = "demo"\nplatform = "fargate"\ncredentials = "oidc"\nregistry = "cloud"\n'
    Path("pyproject.toml").write_text(f'[project]\nname = "demo"\n[tool.cd4ml]\n{section}', encoding="utf-8")
    return read_project()


@pytest.fixture
def live() -> Cloud:
    """A service that serves ONE; a new revision stays with its first share."""
    cloud = Cloud()
    cloud.status = "ACTIVE"
    cloud.begin(ONE)
    cloud.settle()
    cloud.stays = True
    return cloud


@pytest.fixture
def release(project: Project) -> "Releases":
    """`release(cloud)`: a run of its own."""
    return Releases(project)


class Releases:
    """Runs for one project; `aws` is the newest one's."""

    def __init__(self, project: Project) -> None:
        self.project = project

    def __call__(self, cloud: Cloud, expected: str = "") -> Release[Service]:
        self.aws = Aws(cloud)
        return Release(Fargate(self.project, self.aws), self.aws, expected)

    def verb(self, cloud: Cloud, *words: str, **environment: str) -> None:
        """Run a verb; nothing answers."""
        self.aws = Aws(cloud, ENVIRONMENT | environment)
        Verbs(Fargate(self.project, self.aws), self.aws, "false").run(words[0], list(words[1:]))


def intent(cloud: Cloud) -> list[str]:
    """The images before and after a release that is under way."""
    named = {digest: image for image, digest in DIGESTS.items()}
    return [named[cloud.tags[tag]] for tag in ("previous", "candidate") if tag in cloud.tags]


def test_a_release_writes_its_intent_first_and_ends_when_ecs_is_content(release: Releases, live: Cloud) -> None:
    release(live).deploy(TWO, "production")
    assert release.aws.writes == ["tag-resource", "update-express-gateway-service"]
    assert intent(live) == [ONE, TWO]
    outputs = release.aws.outputs
    assert outputs["previous"] == DIGESTS[ONE]
    assert outputs["url"] == outputs["candidate_url"] == "https://demo.ecs.eu-west-1.on.aws"

    live.stays = False
    release(live, outputs["revision"]).promote("production", 100)
    assert live.serves == TWO
    assert live.tags == {}
    assert live.kept == {"production": DIGESTS[TWO], "previous": DIGESTS[ONE]}


@pytest.mark.parametrize("write", [1, 2])
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("then", ["restore", "deploy"])
@pytest.mark.parametrize("had_ended", [False, True])
def test_the_next_run_undoes_a_deploy_that_was_killed(
    release: Releases, live: Cloud, write: int, moment: str, then: str, had_ended: bool
) -> None:
    killed = release(live)
    release.aws.kill = (write, moment)
    with pytest.raises(KilledError):
        killed.deploy(TWO, "production")
    if had_ended:
        live.settle()

    if then == "restore":
        live.stays = False
        release(live).restore("production")
        assert (live.serves, intent(live)) == (ONE, [])
    else:
        release(live).deploy(THREE, "production")
        assert release.aws.outputs["previous"] == DIGESTS[ONE]
        assert intent(live) == [ONE, THREE]
        assert live.deployments[-1]["share"] == 5


def test_what_leads_away_is_rolled_back_and_what_leads_back_is_waited_for(release: Releases, live: Cloud) -> None:
    release(live).deploy(TWO, "production")
    release(live).restore("production")
    assert release.aws.writes[0] == "stop-service-deployment"
    assert live.states == ["SUCCESSFUL", "ROLLBACK_SUCCESSFUL"]

    release(live).deploy(TWO, "production")
    live.settle()
    candidate = release.aws.outputs["revision"]
    killed = release(live, candidate)
    release.aws.kill = (1, "after")
    with pytest.raises(KilledError):
        killed.restore("production")
    live.stays = False
    release(live, candidate).restore("production")
    assert release.aws.writes == ["put-image", "untag-resource"]
    assert (live.serves, intent(live)) == (ONE, [])


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_promotion_that_was_killed_can_be_run_again(
    release: Releases, live: Cloud, moment: str, capsys: pytest.CaptureFixture[str]
) -> None:
    release(live).deploy(TWO, "production")
    candidate, live.stays = release.aws.outputs["revision"], False
    killed = release(live, candidate)
    release.aws.kill = (3, moment)  # after the images are kept
    with pytest.raises(KilledError):
        killed.promote("production", 100)

    release(live, candidate).promote("production", 100)
    assert (live.serves, intent(live)) == (TWO, [])
    assert ("already takes all traffic" in capsys.readouterr().out) == (moment == "after")


def test_a_candidate_that_ecs_takes_back_is_not_promoted(release: Releases, live: Cloud) -> None:
    release(live).deploy(TWO, "production")
    live.broken.add(TWO)
    with pytest.raises(CloudError, match=r"is taken back by ECS \(ROLLBACK_\w+\): uv run cd4ml cloud restore"):
        release(live, release.aws.outputs["revision"]).promote("production", 100)
    assert intent(live) == [ONE, TWO]
    release(live).restore("production")
    assert (live.serves, intent(live)) == (ONE, [])


def test_a_candidate_that_does_not_come_up_is_taken_back(release: Releases, live: Cloud) -> None:
    live.broken.add(TWO)
    with pytest.raises(CloudError, match=f"not deployed: {TWO}"):
        release(live).deploy(TWO, "production")
    assert (live.serves, intent(live)) == (ONE, [])


@pytest.mark.parametrize(("lacks", "says"), [("tag-resource", "nothing was deployed"), ("update", "not deployed")])
def test_a_deploy_that_aws_refuses_changes_nothing(release: Releases, live: Cloud, lacks: str, says: str) -> None:
    live.lacks.add({"update": "update-express-gateway-service"}.get(lacks, lacks))
    with pytest.raises(CloudError, match=says):
        release(live).deploy(TWO, "production")
    assert (live.serves, intent(live), len(live.deployments)) == (ONE, [], 1)


def test_a_service_that_cannot_be_read_is_not_one_that_is_absent(release: Releases, live: Cloud) -> None:
    live.lacks.add("describe-express-gateway-service")
    with pytest.raises(CloudError, match=r"demo cannot be read, and nothing was changed: .*AccessDenied"):
        release(live).deploy(TWO, "production")
    assert release.aws.writes == []


def test_the_first_release_of_all_needs_all_traffic(release: Releases) -> None:
    cloud = Cloud()
    release(cloud).deploy(ONE, "production")
    assert cloud.states == ["SUCCESSFUL"]
    assert (cloud.serves, cloud.tags) == (ONE, {"candidate": DIGESTS[ONE]})
    release(cloud).promote("production", 100)
    assert cloud.tags == {}


def test_a_service_that_is_being_removed_is_waited_for_and_made_anew(release: Releases, live: Cloud) -> None:
    live.status = "DRAINING"
    release(live).deploy(TWO, "production")
    assert release.aws.writes == ["create-express-gateway-service"]


def test_what_a_first_release_left_that_failed_is_removed(release: Releases) -> None:
    cloud = Cloud()
    cloud.broken.add(ONE)
    with pytest.raises(CloudError, match="not deployed"):
        release(cloud).deploy(ONE, "production")
    assert release.aws.writes == ["create-express-gateway-service", "delete-express-gateway-service"]
    assert not cloud.status


def test_a_first_release_that_was_killed_is_taken_up_by_the_next_deploy(release: Releases) -> None:
    cloud = Cloud()
    killed = release(cloud)
    release.aws.kill = (1, "after")
    with pytest.raises(KilledError):
        killed.deploy(ONE, "production")
    cloud.settle()
    release(cloud).deploy(TWO, "production")
    assert release.aws.outputs["previous"] == ""
    assert cloud.tags == {"candidate": DIGESTS[TWO]}


def test_a_first_release_that_did_not_come_up_is_removed_by_the_next_deploy(release: Releases) -> None:
    cloud = Cloud()
    cloud.broken.add(ONE)
    killed = release(cloud)
    release.aws.kill = (1, "after")
    with pytest.raises(KilledError):
        killed.deploy(ONE, "production")
    cloud.settle()
    release(cloud).deploy(TWO, "production")
    assert release.aws.writes == ["delete-express-gateway-service", "create-express-gateway-service"]
    assert cloud.serves == TWO


@pytest.mark.parametrize("write", [1, 2])
def test_a_way_back_after_a_release_has_ended_is_known_when_it_is_killed(
    release: Releases, live: Cloud, write: int
) -> None:
    live.stays = False
    release(live).deploy(TWO, "production")
    release(live).promote("production", 100)
    killed = release(live)
    release.aws.kill = (write, "after")
    with pytest.raises(KilledError):
        killed.restore("production", DIGESTS[ONE])
    assert intent(live) == [ONE, TWO]
    release(live).deploy(THREE, "production")
    assert intent(live) == [ONE, THREE]


def test_a_deployment_that_ecs_does_not_list_yet_is_waited_for(release: Releases, live: Cloud) -> None:
    waits = release(live)
    release.aws.after_write = lambda: setattr(live, "unlisted", 3)
    waits.deploy(TWO, "production")
    assert release.aws.outputs["revision"] == "2"


def test_of_two_deploys_at_once_the_one_whose_revision_comes_writes_the_intent_again(
    release: Releases, live: Cloud
) -> None:
    both = release(live)
    made = release.aws
    made.after_write = lambda: overwrite(live, made.writes)
    both.deploy(TWO, "production")
    assert intent(live) == [ONE, TWO]
    assert made.writes[-1] == "tag-resource"


def test_a_redeploy_of_the_live_image_is_rolled_back_though_its_digest_is_the_same(
    release: Releases, live: Cloud
) -> None:
    release(live).deploy(ONE, "production")
    assert intent(live) == [ONE, ONE]
    release(live, "another").restore("production")
    assert release.aws.writes == []
    release(live, live.deployments[-1]["targetServiceRevisionArn"].rpartition("/")[2]).restore("production")
    assert live.states == ["SUCCESSFUL", "ROLLBACK_SUCCESSFUL"]
    assert intent(live) == []


def overwrite(cloud: Cloud, writes: list[str]) -> None:
    """Another deploy, of THREE, has tagged the service last, and its revision never comes."""
    if writes[-1] == "update-express-gateway-service":
        cloud.tags["candidate"] = DIGESTS[THREE]


def overtake(cloud: Cloud, writes: list[str]) -> None:
    """Another deploy, of THREE, right after our update."""
    if writes[-1] == "update-express-gateway-service" and THREE not in cloud.images.values():
        cloud.begin(THREE)
        cloud.tags["candidate"] = DIGESTS[THREE]


def test_a_deploy_that_is_overtaken_leaves_the_other_alone(release: Releases, live: Cloud) -> None:
    overtaken = release(live)
    aws = release.aws
    aws.after_write = lambda: overtake(live, aws.writes)
    with pytest.raises(CloudError, match=f"another deploy has taken over: {DIGESTS[THREE]} is on its way"):
        overtaken.deploy(TWO, "production")
    mine = aws.outputs["revision"]

    with pytest.raises(CloudError, match="another deploy has taken over"):
        release(live, mine).promote("production", 100)
    release(live, mine).restore("production", DIGESTS[ONE])
    assert release.aws.writes == []
    assert intent(live) == [ONE, THREE]


def test_a_way_back_leaves_the_intent_of_a_deploy_that_began_meanwhile(release: Releases, live: Cloud) -> None:
    release(live).deploy(TWO, "production")
    goes_back = release(live)
    release.aws.after_write = lambda: live.tags.update(candidate=DIGESTS[THREE])
    goes_back.restore("production")
    assert release.aws.writes == ["stop-service-deployment"]
    assert intent(live) == [ONE, THREE]


def test_a_way_back_that_ecs_refuses_is_an_error_and_can_be_run_again(release: Releases, live: Cloud) -> None:
    release(live).deploy(TWO, "production")
    live.lacks.add("stop-service-deployment")
    with pytest.raises(CloudError, match=r"demo could not be told to roll back \(above is why\): try again"):
        release(live).restore("production")
    assert "AccessDeniedException" in "".join(release.aws.said)
    assert intent(live) == [ONE, TWO]


def test_somebody_elses_deployment_is_left_alone(release: Releases, live: Cloud) -> None:
    live.begin(TWO)
    with pytest.raises(CloudError, match="somebody else's deployment of demo is under way, and nothing was changed"):
        release(live).deploy(THREE, "production")
    assert release.aws.writes == []


def test_a_rollback_that_was_killed_goes_on_with_what_it_began(release: Releases, live: Cloud) -> None:
    live.stays = False
    killed = Aws(live)
    killed.kill = (2, "after")
    with pytest.raises(KilledError):
        Verbs(Fargate(release.project, killed), killed, "true").run("rollback", ["production", DIGESTS[TWO]])
    again = Aws(live)
    Verbs(Fargate(release.project, again), again, "true").run("rollback", ["production", DIGESTS[TWO]])
    assert "goes on with it" in again.said[0]
    assert "update-express-gateway-service" not in again.writes
    assert (live.serves, intent(live)) == (TWO, [])


def test_a_rollback_to_an_image_that_answers_wrongly_is_undone(release: Releases, live: Cloud) -> None:
    live.stays = False
    with pytest.raises(CloudError, match="nothing was rolled back"):
        release.verb(live, "rollback", "production", DIGESTS[TWO])
    assert (live.serves, intent(live)) == (ONE, [])


def test_a_rollback_to_what_serves_does_nothing(
    release: Releases, live: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    release.verb(live, "rollback", "production", ONE)
    assert capsys.readouterr().out == f"{DIGESTS[ONE]} serves already\n"
    assert (release.aws.writes, release.aws.outputs) == ([], {"revision": "1"})


def test_status_tells_shares_and_that_a_release_is_under_way(
    release: Releases, live: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    release(live).deploy(TWO, "production")
    capsys.readouterr()
    release.verb(live, "status", "production")
    assert capsys.readouterr().out.splitlines() == [
        "demo https://demo.ecs.eu-west-1.on.aws",
        "  traffic  image         made                 revision",
        "  5 %      222222222222  1970-01-01T00:00:02  2",
        "  95 %     111111111111  1970-01-01T00:00:01  1",
        "  under way: uv run cd4ml cloud promote production, or restore production",
    ]


def test_waiting_has_an_end_and_says_how_to_wait_longer(release: Releases, live: Cloud) -> None:
    release(live).deploy(TWO, "production")
    with pytest.raises(CloudError, match=r"did not get there within 0 seconds \(IN_PROGRESS\).*FARGATE_PATIENCE"):
        release.verb(live, "promote", "production", FARGATE_PATIENCE="0")
    assert intent(live) == [ONE, TWO]
