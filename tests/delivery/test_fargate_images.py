"""What production runs, and ran before, stays in ECR whatever is published meanwhile."""

from __future__ import annotations

import pytest

from tests.delivery.aws.shop import Shop

pytestmark = pytest.mark.drill


def test_what_production_runs_and_ran_before_is_kept(live_on_aws: Shop) -> None:
    live = live_on_aws
    said = live.run("deploy", live.images("two"), "production") + live.run("promote", "production")
    assert live.kept() == {"production": "two", "previous": "one"}

    said += live.run("rollback", "production", live.digest("one"), BUNDLE="one")
    assert live.kept() == {"production": "one", "previous": "two"}

    said += live.run("deploy", live.images("one"), "production") + live.run("promote", "production")
    assert live.kept() == {"production": "one", "previous": "two"}

    said += live.run("restore", "production", live.digest("two"))
    assert live.kept() == {"production": "two", "previous": "two"}
    assert "clean-up" not in said


def test_staging_and_other_registries_tag_nothing(live_on_aws: Shop) -> None:
    live = live_on_aws
    said = live.run("deploy", live.images("one"), "staging") + live.run("promote", "staging")
    said += live.run("rollback", "production", live.digest("two"), BUNDLE="two", CLOUD_REGISTRY="ghcr.io/acme")
    assert live.answers() == {"two"}
    assert live.kept() == {}
    assert "clean-up" not in said


def test_a_release_that_ecr_does_not_tag_serves_nevertheless(live_on_aws: Shop) -> None:
    live = live_on_aws
    live.run("deploy", live.images("two"), "production")
    live.moto.client("ecr").delete_repository(repositoryName="demo", force=True)
    said = live.run("promote", "production")
    assert sum("its clean-up may remove it" in line for line in said.splitlines()) == 2
    assert live.answers() == {"two"}
    assert not {"previous", "candidate"} & set(live.service.tags)


def test_a_rollback_to_an_image_that_is_gone_is_refused_before_anything_is_done(live_on_aws: Shop) -> None:
    live = live_on_aws
    gone = live.digest("two")
    live.moto.client("ecr").batch_delete_image(repositoryName="demo", imageIds=[{"imageDigest": gone}])
    said = live.run("rollback", "production", gone, fails=True)
    assert len(said.splitlines()) == 1
    assert "is not in ECR any more" in said
    assert not live.ecs.writes
    assert live.tags() == {}
