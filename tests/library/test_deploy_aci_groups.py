"""What a service on Container Instances is doing, from az's JSON, and how each stopped release is undone."""

from dataclasses import replace
from typing import Any

import pytest
from cd4ml.deploy.aci.groups import (
    UNKNOWN,
    Condition,
    Group,
    Service,
    WayBack,
    before_swap,
    read_condition,
    read_group,
    read_service,
    reason_to_make_anew,
    way_back,
)
from cd4ml.deploy.aci.settings import Size

LIVE = Group("demo", "demo.example.net", "demo-one", "h/n@sha256:1", Size(1, 1.5), "served", "demo-one", "", "")
BESIDE = replace(
    LIVE, name="demo-candidate", revision="demo-two", image="h/n@sha256:2", step="deploy", candidate="",
    previous="demo-one", previous_image="h/n@sha256:1",
)  # fmt: skip
SWAPPED = replace(
    LIVE, revision="demo-two", image="h/n@sha256:2", step="swap", candidate="demo-two", previous="demo-one",
    previous_image="h/n@sha256:1",
)  # fmt: skip


def listed(name: str, tags: dict[str, str] | None = None, **others: Any) -> dict[str, Any]:
    """A group as az lists it."""
    service = {
        "name": "service", "image": "h/n@sha256:1", "resources": {"requests": {"cpu": 1.0, "memoryInGb": 1.5}},
    }  # fmt: skip
    front = {"name": "https", "image": "h/caddy@sha256:0", "resources": {"requests": {"cpu": 0.2, "memoryInGb": 0.3}}}
    address = {"fqdn": "demo.example.net", "ports": [{"port": 443}, {"port": 80}]}
    return {"name": name, "tags": tags, "containers": [front, service], "ipAddress": address} | others


def test_a_group_is_read_with_the_intent_in_its_tags() -> None:
    tags = {"made-by": "cd4ml", "step": "swap", "revision": "demo-two", "candidate": "demo-two",
            "previous": "demo-one", "previous-image": "h/n@sha256:0"}  # fmt: skip
    group = read_group(listed("demo", tags))
    assert (group.step, group.revision, group.previous, group.previous_image) == (
        "swap", "demo-two", "demo-one", "h/n@sha256:0",
    )  # fmt: skip
    assert (group.image, group.size, group.url) == ("h/n@sha256:1", Size(1, 1.5), "https://demo.example.net")


def test_a_group_that_is_only_begun_has_no_address() -> None:
    group = read_group({"name": "demo", "tags": None, "containers": None, "ipAddress": None})
    assert (group.url, group.step, group.image) == ("", "", "")


def test_a_service_is_what_serves_and_what_is_beside_it() -> None:
    others = [listed("demo-staging"), listed("demo-candidate", {"revision": "demo-two"}), listed("another")]
    service = read_service("production", "demo", "demo-candidate", others)
    assert service.live is None
    assert service.beside is not None
    assert service.beside.revision == "demo-two"
    assert not read_service("production", "demo", "demo-candidate", []).exists


def test_a_candidate_beside_what_is_served_is_what_a_release_left() -> None:
    assert not Service("production", "demo").is_under_way
    assert not Service("production", "demo", LIVE).is_under_way
    assert Service("production", "demo", LIVE, BESIDE).is_under_way
    assert Service("production", "demo", None, BESIDE).is_under_way
    assert Service("production", "demo", replace(LIVE, step="deploy")).is_under_way
    assert Service("production", "demo", replace(LIVE, step="")).is_under_way, "nobody has shown that it serves"


def test_a_candidate_is_one_only_while_the_intent_names_it() -> None:
    taken = Service("production", "demo", replace(LIVE, step="deploy", candidate="demo-three"), BESIDE)
    assert not taken.is_candidate("demo-two")
    assert not taken.is_candidate("demo-three"), "its group is not there"
    assert Service("production", "demo", replace(LIVE, step="deploy", candidate="demo-two"), BESIDE).is_candidate(
        "demo-two"
    )
    assert Service("production", "demo", None, BESIDE).is_candidate("demo-two"), "a first release"


def test_nobody_goes_on_with_a_candidate_that_is_gone_taken_over_or_another() -> None:
    live = replace(LIVE, step="deploy", candidate="demo-two")
    staged = Service("production", "demo", live, BESIDE)
    assert staged.unfit("") == staged.unfit("demo-two") == ""
    assert "the candidate is demo-two, not demo-three" in staged.unfit("demo-three")
    assert "demo has no candidate" in Service("production", "demo", live).unfit("")
    taken = Service("production", "demo", replace(live, candidate="demo-three"), BESIDE)
    assert "demo-two was undone or taken over" in taken.unfit("demo-two")


def test_another_deploy_is_left_alone_and_what_is_on_its_way_back_is_anybodys() -> None:
    staged = Service("production", "demo", replace(LIVE, step="deploy", candidate="demo-two"), BESIDE)
    assert staged.overtaken_by(["demo-three"]) == "demo-two"
    assert staged.overtaken_by(["demo-two"]) == staged.overtaken_by([]) == ""
    assert Service("production", "demo", LIVE).overtaken_by(["demo-three"]) == ""
    assert Service("production", "demo", replace(LIVE, step="restore")).overtaken_by(["demo-three"]) == ""


def test_a_revision_serves_once_that_was_proved() -> None:
    assert Service("production", "demo", LIVE).is_served("demo-one")
    assert not Service("production", "demo", SWAPPED).is_served("demo-two")
    assert not Service("production", "demo").is_served("demo-one")


WAYS = {
    "a deploy that changed nothing yet": (
        Service("production", "demo", replace(LIVE, step="deploy", candidate="demo-two"), BESIDE),
        WayBack("demo-one", "h/n@sha256:1", "nothing"),
    ),
    "a swap": (Service("production", "demo", SWAPPED, BESIDE), WayBack("demo-one", "h/n@sha256:1", "making")),
    "a swap of a first release": (
        Service("production", "demo", replace(SWAPPED, previous="", previous_image=""), BESIDE),
        WayBack("", "", "removing"),
    ),
    "a swap for which the service was removed": (
        Service("production", "demo", None, BESIDE),
        WayBack("demo-one", "h/n@sha256:1", "making"),
    ),
    "a first candidate": (
        Service("production", "demo", None, replace(BESIDE, previous="", previous_image="")),
        WayBack("", "", "nothing"),
    ),
    "a way back": (
        Service("production", "demo", replace(LIVE, step="restore"), BESIDE),
        WayBack("demo-one", "h/n@sha256:1", "waiting"),
    ),
}


@pytest.mark.parametrize(("service", "way"), WAYS.values(), ids=WAYS)
def test_a_release_is_undone_by_the_step_that_was_its_last(service: Service, way: WayBack) -> None:
    assert way_back(service) == way
    assert before_swap(service) == (way.revision, way.image), "a swap begun again replaces the same"


def test_a_group_is_made_anew_where_azure_cannot_make_it_again() -> None:
    runs = Condition("Succeeded", "Running", "Running", 0)
    assert reason_to_make_anew(LIVE, runs, Size(1, 1.5)) == ""
    assert reason_to_make_anew(LIVE, runs, Size(2, 1.5)) == "changes its size (1 1.5 to 2 1.5, CPUs and GB)"
    assert reason_to_make_anew(LIVE, replace(runs, state="Stopped"), Size(1, 1.5)) == "has ended (Stopped)"
    assert reason_to_make_anew(LIVE, UNKNOWN, Size(1, 1.5)) == ""


def test_a_condition_is_how_the_service_is_and_not_how_caddy_is() -> None:
    front = {"name": "https", "instanceView": {"restartCount": 9, "currentState": {"state": "Running"}}}
    service = {"name": "service", "instanceView": {"restartCount": 2, "currentState": {"state": "Waiting"}}}
    shown = {"provisioningState": "Creating", "instanceView": {"state": "Pending"}, "containers": [front, service]}
    assert read_condition(shown) == Condition("Creating", "Pending", "Waiting", 2)
    assert read_condition(shown).is_changing
    assert read_condition({"provisioningState": "Succeeded"}) == Condition("Succeeded", "-", "-", 0)
