"""Releases to Fargate that meet another deploy or a way back, without a process."""

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


@pytest.mark.parametrize("write", [1, 2])
def test_a_way_back_after_a_release_has_ended_is_known_when_it_is_killed(
    release: Runs, live: Cloud, write: int
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


def test_of_two_deploys_at_once_the_one_whose_revision_comes_writes_the_intent_again(
    release: Runs, live: Cloud
) -> None:
    both = release(live)
    made = release.aws
    made.after_write = lambda: overwrite(live, made.writes)
    both.deploy(TWO, "production")
    assert intent(live) == [ONE, TWO]
    assert made.writes[-1] == "tag-resource"


def test_a_redeploy_of_the_live_image_is_rolled_back_though_its_digest_is_the_same(release: Runs, live: Cloud) -> None:
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


def test_a_deploy_that_is_overtaken_leaves_the_other_alone(release: Runs, live: Cloud) -> None:
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


def test_a_way_back_leaves_the_intent_of_a_deploy_that_began_meanwhile(release: Runs, live: Cloud) -> None:
    release(live).deploy(TWO, "production")
    goes_back = release(live)
    release.aws.after_write = lambda: live.tags.update(candidate=DIGESTS[THREE])
    goes_back.restore("production")
    assert release.aws.writes == ["stop-service-deployment"]
    assert intent(live) == [ONE, THREE]


def test_a_way_back_that_ecs_refuses_is_an_error_and_can_be_run_again(release: Runs, live: Cloud) -> None:
    release(live).deploy(TWO, "production")
    live.lacks.add("stop-service-deployment")
    with pytest.raises(CloudError, match=r"demo could not be told to roll back \(above is why\): try again"):
        release(live).restore("production")
    assert "AccessDeniedException" in "".join(release.aws.said)
    assert intent(live) == [ONE, TWO]


def test_somebody_elses_deployment_is_left_alone(release: Runs, live: Cloud) -> None:
    live.begin(TWO)
    with pytest.raises(CloudError, match="somebody else's deployment of demo is under way, and nothing was changed"):
        release(live).deploy(THREE, "production")
    assert release.aws.writes == []


def test_a_rollback_that_was_killed_goes_on_with_what_it_began(release: Runs, live: Cloud) -> None:
    live.stays = False
    with pytest.raises(KilledError):
        release.verb(live, "rollback", "production", DIGESTS[TWO], smoke="true", kill=(2, "after"))
    release.verb(live, "rollback", "production", DIGESTS[TWO], smoke="true")
    again = release.aws
    assert "goes on with it" in again.said[0]
    assert "update-express-gateway-service" not in again.writes
    assert (live.serves, intent(live)) == (TWO, [])


@pytest.mark.parametrize("image", [TWO, ONE], ids=["another image", "the same image again"])
@pytest.mark.parametrize("by", ["us", "ECS"])
def test_a_rollback_to_what_served_before_a_canary_ends_it_and_deploys_nothing(
    release: Runs, live: Cloud, image: str, by: str
) -> None:
    release(live).deploy(image, "production")
    candidate = release.aws.outputs["revision"]
    if by == "ECS":
        live.broken.add(image)
    release.verb(live, "rollback", "production", ONE)  # whose smoke test would fail
    assert (live.serves, intent(live)) == (ONE, [])
    assert live.states == ["SUCCESSFUL", "ROLLBACK_SUCCESSFUL"]
    assert release.aws.outputs == {"left": candidate, "revision": DIGESTS[ONE]}


def test_a_rollback_to_what_served_before_a_release_that_took_all_traffic_deploys_it_once(
    release: Runs, live: Cloud
) -> None:
    release(live).deploy(TWO, "production")
    live.settle()
    release.verb(live, "rollback", "production", ONE)
    assert release.aws.writes == ["update-express-gateway-service", "put-image", "untag-resource"]
    assert (live.serves, intent(live)) == (ONE, [])


def test_a_rollback_to_an_image_that_answers_wrongly_is_undone(release: Runs, live: Cloud) -> None:
    live.stays = False
    with pytest.raises(CloudError, match="nothing was rolled back"):
        release.verb(live, "rollback", "production", DIGESTS[TWO])
    assert (live.serves, intent(live)) == (ONE, [])


def test_a_rollback_to_what_serves_does_nothing(release: Runs, live: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    release.verb(live, "rollback", "production", ONE)
    assert capsys.readouterr().out == f"{DIGESTS[ONE]} serves already\n"
    assert (release.aws.writes, release.aws.outputs) == ([], {"revision": "1"})
