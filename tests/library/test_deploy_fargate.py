"""A release to Fargate without a process: what a run that is killed leaves, and what the next one makes of it."""

import pytest
from cd4ml.deploy.commands import CloudError
from ecs_in_memory import Cloud
from fargate_runs import DIGESTS, ONE, THREE, TWO, Runs, intent, serving_one
from killable_run import KilledError


@pytest.fixture
def release() -> Runs:
    """`release(cloud)`: a run of its own."""
    return Runs()


@pytest.fixture
def live() -> Cloud:
    """A service that serves ONE."""
    return serving_one()


def test_a_release_writes_its_intent_first_and_ends_when_ecs_is_content(release: Runs, live: Cloud) -> None:
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
    release: Runs, live: Cloud, write: int, moment: str, then: str, had_ended: bool
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


def test_what_leads_away_is_rolled_back_and_what_leads_back_is_waited_for(release: Runs, live: Cloud) -> None:
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
    release: Runs, live: Cloud, moment: str, capsys: pytest.CaptureFixture[str]
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


def test_a_candidate_that_ecs_takes_back_is_not_promoted(release: Runs, live: Cloud) -> None:
    release(live).deploy(TWO, "production")
    live.broken.add(TWO)
    with pytest.raises(CloudError, match=r"is taken back by ECS \(ROLLBACK_\w+\): uv run cd4ml cloud restore"):
        release(live, release.aws.outputs["revision"]).promote("production", 100)
    assert intent(live) == [ONE, TWO]
    release(live).restore("production")
    assert (live.serves, intent(live)) == (ONE, [])


def test_a_candidate_that_does_not_come_up_is_taken_back(release: Runs, live: Cloud) -> None:
    live.broken.add(TWO)
    with pytest.raises(CloudError, match=f"not deployed: {TWO}"):
        release(live).deploy(TWO, "production")
    assert (live.serves, intent(live)) == (ONE, [])


@pytest.mark.parametrize(("lacks", "says"), [("tag-resource", "nothing was deployed"), ("update", "not deployed")])
def test_a_deploy_that_aws_refuses_changes_nothing(release: Runs, live: Cloud, lacks: str, says: str) -> None:
    live.lacks.add({"update": "update-express-gateway-service"}.get(lacks, lacks))
    with pytest.raises(CloudError, match=says):
        release(live).deploy(TWO, "production")
    assert (live.serves, intent(live), len(live.deployments)) == (ONE, [], 1)


def test_a_service_that_cannot_be_read_is_not_one_that_is_absent(release: Runs, live: Cloud) -> None:
    live.lacks.add("describe-express-gateway-service")
    with pytest.raises(CloudError, match=r"demo cannot be read, and nothing was changed: .*AccessDenied"):
        release(live).deploy(TWO, "production")
    assert release.aws.writes == []


@pytest.mark.parametrize(
    "code",
    [
        "ResourceNotFoundException",
        "ServiceNotFoundException",
        "ClusterNotFoundException",
        "ServiceNotActiveException",
        "InvalidParameterException",
    ],
)
def test_ecs_says_by_several_codes_that_there_is_no_service(release: Runs, code: str) -> None:
    cloud = Cloud()
    cloud.absent = code
    release(cloud).deploy(ONE, "production")
    assert release.aws.writes == ["create-express-gateway-service"]


def test_a_code_that_may_mean_no_service_is_checked_against_the_list(release: Runs) -> None:
    cloud = Cloud()
    cloud.absent = "InvalidParameterException"

    cloud.listed = ["ACTIVE"]
    with pytest.raises(CloudError, match=r"demo cannot be read, and nothing was changed: .*InvalidParameterException"):
        release(cloud).deploy(ONE, "production")
    cloud.lacks.add("describe-services")
    with pytest.raises(CloudError, match=r"demo cannot be read, and nothing was changed: .*AccessDenied"):
        release(cloud).deploy(ONE, "production")
    assert release.aws.writes == []

    cloud.lacks.clear()
    cloud.listed = ["DRAINING"] * 2
    release(cloud).deploy(ONE, "production")
    assert release.aws.said[0] == "demo is being removed; waiting until it is gone, up to 30 s"
    assert release.aws.writes == ["create-express-gateway-service"]


def test_the_first_release_of_all_needs_all_traffic(release: Runs) -> None:
    cloud = Cloud()
    release(cloud).deploy(ONE, "production")
    assert cloud.states == ["SUCCESSFUL"]
    assert (cloud.serves, cloud.tags) == (ONE, {"candidate": DIGESTS[ONE]})
    release(cloud).promote("production", 100)
    assert cloud.tags == {}


def test_a_service_that_is_being_removed_is_waited_for_and_made_anew(release: Runs, live: Cloud) -> None:
    live.status = "DRAINING"
    release(live).deploy(TWO, "production")
    assert release.aws.writes == ["create-express-gateway-service"]


def test_what_a_first_release_left_that_failed_is_removed(release: Runs) -> None:
    cloud = Cloud()
    cloud.broken.add(ONE)
    with pytest.raises(CloudError, match="not deployed"):
        release(cloud).deploy(ONE, "production")
    assert release.aws.writes == ["create-express-gateway-service", "delete-express-gateway-service"]
    assert not cloud.status


def test_what_the_service_itself_says_is_shown_where_a_revision_does_not_come_up(release: Runs) -> None:
    cloud = Cloud()
    cloud.broken.add(ONE)
    cloud.reason = "Unable to create load balancer"
    with pytest.raises(CloudError, match="not deployed"):
        release(cloud).deploy(ONE, "production")
    assert "(demo: Unable to create load balancer)" in "\n".join(release.aws.said)


def test_a_first_release_that_was_killed_is_taken_up_by_the_next_deploy(release: Runs) -> None:
    cloud = Cloud()
    killed = release(cloud)
    release.aws.kill = (1, "after")
    with pytest.raises(KilledError):
        killed.deploy(ONE, "production")
    cloud.settle()
    release(cloud).deploy(TWO, "production")
    assert release.aws.outputs["previous"] == ""
    assert cloud.tags == {"candidate": DIGESTS[TWO]}


def test_a_first_release_that_did_not_come_up_is_removed_by_the_next_deploy(release: Runs) -> None:
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


def test_a_deployment_that_ecs_does_not_list_yet_is_waited_for(release: Runs, live: Cloud) -> None:
    waits = release(live)
    release.aws.after_write = lambda: setattr(live, "unlisted", 3)
    waits.deploy(TWO, "production")
    assert release.aws.outputs["revision"] == "2"


def test_a_service_that_was_just_made_and_is_not_known_yet_is_waited_for(release: Runs) -> None:
    cloud = Cloud()
    waits = release(cloud)
    release.aws.after_write = lambda: setattr(cloud, "unknown", 3)
    waits.deploy(ONE, "production")
    assert release.aws.outputs["revision"] == "1"


def test_a_service_that_was_there_and_is_gone_is_not_waited_for(release: Runs, live: Cloud) -> None:
    overtaken = release(live)
    release.aws.after_write = lambda: setattr(live, "unknown", 3)
    with pytest.raises(CloudError, match=r"demo cannot be read: .*ServiceNotFoundException"):
        overtaken.deploy(TWO, "production")


def test_status_tells_shares_and_that_a_release_is_under_way(
    release: Runs, live: Cloud, capsys: pytest.CaptureFixture[str]
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


def test_waiting_has_an_end_and_says_how_to_wait_longer(release: Runs, live: Cloud) -> None:
    release(live).deploy(TWO, "production")
    with pytest.raises(CloudError, match=r"did not get there within 0 seconds \(IN_PROGRESS\).*FARGATE_PATIENCE"):
        release.verb(live, "promote", "production", FARGATE_PATIENCE="0")
    assert intent(live) == [ONE, TWO]
