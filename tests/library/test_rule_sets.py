"""`cd4ml cloud bootstrap` adds this project's rules to what a cloud replaces as a whole, and keeps all others."""

import json
from pathlib import Path
from typing import Any

import cd4ml.deploy
import pytest
from cd4ml.deploy.set_up.rule_sets import RulesError, merged

OURS_S3 = {"ID": "prediction-log", "Filter": {"Prefix": ""}, "Status": "Enabled", "Expiration": {"Days": 90}}
OURS_STORAGE = {"action": {"type": "Delete"}, "condition": {"age": 90}}
KEPT = json.loads((Path(cd4ml.deploy.__file__).parent / "fargate/keep-20.json").read_text(encoding="utf-8"))


def ours_azure(days: float, **rule: Any) -> dict[str, Any]:
    """The rule of a storage account."""
    filters = {"blobTypes": ["blockBlob"], "prefixMatch": ["predictions/"]}
    actions = {"baseBlob": {"delete": {"daysAfterModificationGreaterThan": days}}}
    definition = {"actions": actions, "filters": filters}
    return {"name": "prediction-log", "type": "Lifecycle", "enabled": True, "definition": definition} | rule


@pytest.mark.parametrize("told", [None, {}])
def test_where_there_are_no_rules_ours_is_the_only_one(told: dict[str, Any] | None) -> None:
    assert merged("s3", told, 90) == ("", {"LifecycleConfiguration": {"Rules": [OURS_S3]}})
    assert merged("storage", told, 90) == ("", {"rule": [OURS_STORAGE]})
    assert merged("azure", told, 90) == ("", {"rules": [ours_azure(90)]})
    assert merged("ecr", told, KEPT) == ("", KEPT)


def test_s3_keeps_other_rules_what_was_added_to_ours_and_the_size_of_transitions() -> None:
    archive = {"ID": "archive", "Prefix": "2024/", "Status": "Enabled", "Transitions": [{"Days": 9}]}
    unnamed = {"Filter": {"Tag": {"Key": "a", "Value": "b"}}, "Status": "Disabled", "Expiration": {"Days": 1}}
    ours = OURS_S3 | {"NoncurrentVersionExpiration": {"NoncurrentDays": 7}}
    size = {"TransitionDefaultMinimumObjectSize": "varies_by_storage_class"}

    state, told = merged("s3", {"Rules": [archive, ours, unnamed]} | size, 30)

    assert state == "90"
    changed = ours | {"Expiration": {"Days": 30}}
    assert told == {"LifecycleConfiguration": {"Rules": [archive, changed, unnamed]}} | size


def test_a_rule_of_ours_that_is_switched_off_deletes_nothing() -> None:
    state, told = merged("s3", {"Rules": [OURS_S3 | {"Status": "Disabled"}]}, 90)
    assert (state, told["LifecycleConfiguration"]["Rules"]) == ("", [OURS_S3])
    assert merged("azure", {"rules": [ours_azure(90, enabled=False)]}, 90) == ("", {"rules": [ours_azure(90)]})


def test_cloud_storage_takes_a_rule_with_another_condition_or_action_for_somebody_elses() -> None:
    cold = {"action": {"type": "SetStorageClass", "storageClass": "COLDLINE"}, "condition": {"age": 30}}
    old_versions = {"action": {"type": "Delete"}, "condition": {"age": 7, "isLive": False}}

    assert merged("storage", {"lifecycle_config": {"rule": [cold, old_versions]}}, 90) == (
        "",
        {"rule": [cold, old_versions, OURS_STORAGE]},
    )


def test_cloud_storage_deletes_by_the_lowest_age_so_that_one_such_rule_is_left_when_it_changes() -> None:
    early = {"action": {"type": "Delete"}, "condition": {"age": 10}}
    cold = {"action": {"type": "SetStorageClass", "storageClass": "COLDLINE"}, "condition": {"age": 5}}

    assert merged("storage", {"lifecycle_config": {"rule": [OURS_STORAGE, cold, early]}}, 60) == (
        "10",
        {"rule": [OURS_STORAGE | {"condition": {"age": 60}}, cold]},
    )


def test_azure_keeps_other_rules_and_does_not_send_what_az_shows_as_null() -> None:
    other = ours_azure(7, name="of-the-data")
    shown = other | {"definition": other["definition"] | {"snapshot": None}}
    ours = ours_azure(90.0)
    ours["definition"]["filters"]["prefixMatch"] = ["predictions/staging"]

    state, told = merged("azure", {"rules": [shown, ours]}, 30)

    assert state == "90"
    changed = ours_azure(30)
    changed["definition"]["filters"] = ours["definition"]["filters"]
    assert told == {"rules": [other, changed]}


def test_the_registry_keeps_rules_after_ours_and_gets_ours_back() -> None:
    own = {"rulePriority": 9, "selection": {"tagStatus": "any", "countNumber": 99}, "action": {"type": "expire"}}
    changed = [rule | {"action": {"type": "archive"}} for rule in KEPT["rules"]]

    assert merged("ecr", {"rules": [*KEPT["rules"], own]}, KEPT) == ("same", {"rules": [*KEPT["rules"], own]})
    assert merged("ecr", {"rules": [own, *changed]}, KEPT) == ("other", {"rules": [*KEPT["rules"], own]})


def test_a_buckets_policy_keeps_other_statements_and_its_id() -> None:
    ours = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:*"}]}
    own = {"Sid": "auditors", "Effect": "Allow", "Action": "s3:GetObject"}

    assert merged("policy", {"Version": "2008-10-17", "Id": "p", "Statement": own}, ours) == (
        "other",
        {"Version": "2008-10-17", "Id": "p", "Statement": [own, *ours["Statement"]]},
    )
    both = {"Version": "2012-10-17", "Statement": [*ours["Statement"], own]}
    assert merged("policy", both, ours) == ("same", both)


@pytest.mark.parametrize(
    ("kind", "wanted", "told"),
    [
        ("s3", 90, [1]),
        ("s3", 90, {"Rules": {"ID": "prediction-log"}}),
        ("s3", 90, {"Rules": ["prediction-log"]}),
        ("storage", 90, {"lifecycle_config": {"rule": [{"action": {"type": "Delete"}}]}}),
        ("azure", 90, {"rules": [{"name": "prediction-log", "definition": 7}]}),
        ("ecr", KEPT, {"rules": [{"rulePriority": 2, "description": "mine"}]}),
    ],
)
def test_what_is_no_set_of_rules_or_has_no_place_for_ours_is_an_error(kind: str, wanted: Any, told: Any) -> None:
    with pytest.raises(RulesError):
        merged(kind, told, wanted)
