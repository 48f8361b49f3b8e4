"""What goes wrong on the way to production, run as workflows: production is asked after each, and answers as before.

One project, one cloud, one story: bundle A is live, main names B, and the run that takes B there fails in one job after
the other. Each time what failed is run again, as the button on GitHub does, until nothing is in its way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Bake
from tests.delivery.delivery import KEY, Delivery, Need, delivered
from tests.delivery.github import Run
from tests.delivery.google.delivery import CloudRun, cloud_run
from tests.delivery.world import ended_well, pushed, report, shorten
from tests.project.baked import Project

pytestmark = pytest.mark.drill

PRODUCTION, STAGING = "flight-delays", "flight-delays-staging"
SKIPPED = "skipped"
PROMOTED = 3  # the write to the Run API, from production's first on, that gives the candidate its first traffic


@dataclass
class Story:
    """A delivery, and what production answered when A was released."""

    delivery: Delivery[CloudRun]
    first: dict[str, Any]
    first_release: str
    run: Run | None = None  # that takes B to production

    def train(self, old: str, new: str) -> None:
        """Train with a change of params.yaml."""
        self.delivery.project.replace("params.yaml", old, new)
        self.delivery.train(f"{old} became {new}")

    def again(self) -> Run:
        """Run again what failed on B's way, and approve it if it asks; return its run."""
        assert self.run is not None
        self.delivery.github.rerun_failed(self.run)
        return self.delivery.follow(self.run)

    @property
    def digest(self) -> str:
        """Of B's image, which is in staging."""
        staged = self.delivery.cloud.google.services[STAGING].read()["spec"]["template"]["spec"]["containers"][0][
            "image"
        ]
        return str(staged).partition("@")[2]

    def back_to(self, release: str) -> None:
        run = self.delivery.github.dispatch("rollback", {"release": release, "reason": "a drill"})
        self.delivery.github.run_all()
        ended_well([run], "rollback")

    def still_serves_the_first(self) -> None:
        """Production answers as it did, and git, releases and Cloud Run agree that nothing was released."""
        for _ in range(5):
            assert alike(self.delivery.answers(), self.first)
        assert len(self.delivery.github.releases) == 1
        traffic = self.delivery.cloud.google.services[PRODUCTION].read()["status"]["traffic"]
        assert [target.get("percent", 0) for target in traffic if target.get("percent")] == [100]


def alike(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """The same answers of the same bundle, to two requests."""
    return one | {"request_id": ""} == other | {"request_id": ""}


@pytest.fixture(scope="module")
def story(
    bake: Bake, need: Need, need_runner: None, engine: None, uv: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("story")
    project = Project(bake(into=folder / "baked", github_owner="acme"))
    shorten(project, ci=False)
    with delivered(project, need, folder, cloud_run) as delivery:
        story = Story(delivery, {}, "")
        story.train("iterations: 10", "iterations: 11")
        pushed(delivery.github, project)
        story.delivery.approve(delivery.github.last("cd"))
        ended_well([delivery.github.last("cd")], "cd")
        story.first = delivery.answers()
        story.first_release = delivery.github.releases[0]["tag_name"]
        story.train("iterations: 11", "iterations: 30")
        yield story


@pytest.fixture(autouse=True)
def nothing_fails_any_more(story: Story) -> Iterator[None]:
    yield
    story.delivery.cloud.google.failures.none()
    story.delivery.github.dies_after = None


def results(run: Run, *jobs: str) -> list[str]:
    """The results of some jobs of a run that did not end well."""
    assert run.conclusion == "failure", report(run)
    return [run.results[job] for job in jobs]


def test_a_registry_that_refuses(story: Story) -> None:
    github = story.delivery.github
    registry = github.vars["CLOUD_REGISTRY"]
    github.vars["CLOUD_REGISTRY"] = "127.0.0.1:9"

    (story.run,) = pushed(github, story.delivery.project)

    github.vars["CLOUD_REGISTRY"] = registry
    assert results(story.run, "scan", "publish", "staging", "production") == ["success", "failure", SKIPPED, SKIPPED]
    story.still_serves_the_first()


def test_credentials_that_are_expired_or_wrong(story: Story) -> None:
    staging = story.delivery.github.environments["staging"]
    kept = dict(staging.secrets)

    expired = kept["GCP_CREDENTIALS"].replace('"private_key_id": "1"', '"private_key_id": "expired"')
    staging.secrets["GCP_CREDENTIALS"] = expired
    run = story.again()
    assert results(run, "publish", "staging", "production") == ["success", "failure", SKIPPED]
    staged = run.jobs["staging"]  # neither Google's action nor setup-gcloud asks Google: the first call does
    assert "Successfully authenticated" in staged.step("sign-in").log, report(run)
    assert [staged.step(name).conclusion for name in ("sign-in", "cloud deploy")] == ["success", "failure"], report(run)

    staging.secrets |= kept | {"SERVICE_API_KEYS": "not-a-key"}
    run = story.again()
    assert results(run, "staging", "approval", "production") == ["failure", SKIPPED, SKIPPED]
    assert "401" in run.jobs["staging"].step("smoke staging").log, report(run)
    staging.secrets |= kept
    story.still_serves_the_first()


def test_an_image_that_does_not_start_in_the_cloud(story: Story) -> None:
    google = story.delivery.cloud.google
    google.resources.add_secret("flight-delays-api-keys", "short")  # with which the service refuses to start

    run = story.again()

    google.resources.add_secret("flight-delays-api-keys", KEY)
    assert results(run, "staging", "approval", "production") == ["failure", SKIPPED, SKIPPED]
    assert "failed to start" in run.jobs["staging"].log, report(run)
    story.still_serves_the_first()


@pytest.mark.parametrize("step", ["deploy .* staging$", "promote staging$"])
def test_staging_is_killed_after_a_step(story: Story, step: str) -> None:
    story.delivery.github.dies_after = ("staging", step)

    run = story.again()

    assert run.reason == "the runner was killed", report(run)
    story.still_serves_the_first()


def test_credentials_that_are_missing(story: Story) -> None:
    production = story.delivery.github.environments["production"]
    key = production.secrets.pop("GCP_CREDENTIALS")

    run = story.again()

    production.secrets["GCP_CREDENTIALS"] = key
    assert results(run, "staging", "approval", "production") == ["success", "success", "failure"]
    assert "must specify exactly one of" in run.jobs["production"].log, report(run)
    story.still_serves_the_first()


def test_answers_that_are_wrong_though_they_are_200(story: Story) -> None:
    story.delivery.cloud.google.failures.faults[story.digest] = "wrong"

    run = story.again()

    assert results(run, "staging", "production") == ["success", "failure"]
    assert run.jobs["production"].step("smoke production").conclusion == "failure", report(run)
    assert "serves again" in run.jobs["production"].step("restore production").log
    story.still_serves_the_first()


def test_a_canary_that_answers_with_errors(story: Story) -> None:
    failures, digest = story.delivery.cloud.google.failures, story.digest
    failures.after_write(PROMOTED, lambda: failures.faults.update({digest: "error"}))

    run = story.again()

    assert results(run, "staging", "production") == ["success", "failure"]
    assert run.jobs["production"].step("canary production").conclusion == "failure", report(run)
    story.still_serves_the_first()


def test_a_deploy_api_that_fails_midway(story: Story) -> None:
    story.delivery.cloud.google.failures.fail_writes_from(PROMOTED)

    run = story.again()

    assert results(run, "staging", "production") == ["success", "failure"]
    assert run.jobs["production"].step("promote production 10").conclusion == "failure", report(run)
    restored = run.jobs["production"].step("restore production").log
    assert "PERMISSION_DENIED" in restored
    assert "serves again, with all traffic" in restored  # as the service says; its tags are left to the next run
    story.still_serves_the_first()


@pytest.mark.parametrize(
    "step", ["deploy .* production$", "promote production 10$", "promote production$", "cd4ml record-release"]
)
def test_production_is_killed_after_a_step(story: Story, step: str) -> None:
    """Each of these finds what the one before it left."""
    story.delivery.github.dies_after = ("production", step)

    run = story.again()

    assert run.reason == "the runner was killed", report(run)
    answer = story.delivery.answers()
    assert alike(answer, story.first) or step.startswith(("promote production", "cd4ml record-release"))


def test_running_it_again_settles_it(story: Story) -> None:
    run = story.again()

    ended_well([run], "cd")
    assert story.delivery.live == run.event.sha
    assert not alike(story.delivery.answers(), story.first)
    assert len(story.delivery.github.releases) == 2
    tags = story.delivery.cloud.google.services[PRODUCTION].read()["spec"]["traffic"]
    assert [target for target in tags if "tag" in target] == []


def test_back_and_back_again(story: Story) -> None:
    github, second = story.delivery.github, story.delivery.answers()
    second_release = github.releases[-1]["tag_name"]

    story.back_to(story.first_release)
    assert alike(story.delivery.answers(), story.first)
    story.back_to(second_release)
    assert alike(story.delivery.answers(), second)
    run = github.dispatch("rollback", {"release": "$(touch /tmp/cd4ml-was-here)", "reason": "none"})
    github.run_all()
    assert run.conclusion == "failure"
    assert "RELEASE is not the name of a release" in run.log, report(run)
    assert alike(story.delivery.answers(), second)


def test_two_releases_at_once_and_an_approval_that_comes_too_late(story: Story) -> None:
    github, project = story.delivery.github, story.delivery.project
    project.replace("Dockerfile", "FROM", "# the same, but for this line\nFROM")
    project.commit("another image of the same bundle")
    pushed(github, project)
    early, late = github.last("cd"), github.dispatch("cd")
    github.run_all()
    story.train("iterations: 30", "iterations: 40")
    pushed(github, project)
    newest = github.last("cd")
    assert [run.approvals for run in (early, late, newest)] == [["approval"]] * 3

    github.parallel = 2
    github.approve(newest)
    story.delivery.approve(early)
    github.parallel = 1
    ended_well([early, newest], "cd", "cd")
    assert story.delivery.live == newest.event.sha
    third = story.delivery.answers()
    assert third["version"] == newest.jobs["check"].outputs["version"]

    story.delivery.approve(late)
    ended_well([late], "cd")
    assert "this release is skipped" in late.log
    assert alike(story.delivery.answers(), third)


def test_back_to_the_third_last_release(story: Story) -> None:
    assert len(story.delivery.github.releases) >= 3

    story.back_to(story.first_release)

    assert alike(story.delivery.answers(), story.first)
    assert not Path("/tmp/cd4ml-was-here").exists()
