"""Change this project's rules in a set of rules that a cloud replaces as a whole, and keep all others as they are.

`merged` returns the state of this project's rules (the days that are set; or `same`, or `other` if they differ; empty
if they are missing), and the whole set with this project's rules as they are wanted, as the cloud's command takes it.
"""

from collections.abc import Callable
from typing import Any

Json = dict[str, Any]
Rules = list[Json]

NAME = "prediction-log"


class RulesError(ValueError):
    """What the cloud returned is not a set of rules, or has no place for this project's."""


def s3(told: Json, days: int) -> tuple[str, Json]:
    """S3: the rule has an ID. The answer's other field has to be sent again, or S3 resets it."""
    rules = _rules(told, "Rules")
    ours = next((rule for rule in rules if rule.get("ID") == NAME), {})
    known = ours.get("Expiration", {}).get("Days") if ours.get("Status") == "Enabled" else None
    where = {} if {"Filter", "Prefix"} & ours.keys() else {"Filter": {"Prefix": ""}}
    wanted = {"ID": NAME, **where, **ours, "Status": "Enabled", "Expiration": {"Days": days}}
    others = {key: value for key, value in told.items() if key != "Rules"}
    return _days(known), {"LifecycleConfiguration": {"Rules": _put(rules, [ours], wanted)}, **others}


def storage(told: Json, days: int) -> tuple[str, Json]:
    """Cloud Storage: rules have no names; this project's deletes by age, whatever the object. The lowest age holds."""
    rules = _rules(told.get("lifecycle_config") or {}, "rule")
    ours = [rule for rule in rules if rule.get("action") == {"type": "Delete"} and {*rule["condition"]} == {"age"}]
    known = min((rule["condition"]["age"] for rule in ours), default=None)
    wanted = {"action": {"type": "Delete"}, "condition": {"age": days}}
    return _days(known), {"rule": _put(rules, ours, wanted)}


def azure(told: Json, days: int) -> tuple[str, Json]:
    """Azure: the rule has a name. az shows what is not set as null, which must not be sent."""
    rules = _rules(_without_null(told), "rules")
    ours = next((rule for rule in rules if rule.get("name") == NAME), {})
    definition = ours.get("definition", {})
    actions = definition.get("actions", {})
    blob = actions.get("baseBlob", {})
    known = blob.get("delete", {}).get("daysAfterModificationGreaterThan") if ours.get("enabled", True) else None
    deletes = {**blob, "delete": {"daysAfterModificationGreaterThan": days}}
    where = {"filters": {"blobTypes": ["blockBlob"], "prefixMatch": ["predictions/"]}}
    definition = {**where, **definition, "actions": {**actions, "baseBlob": deletes}}
    wanted = {"type": "Lifecycle", **ours, "name": NAME, "enabled": True, "definition": definition}
    return _days(known), {"rules": _put(rules, [ours], wanted)}


def ecr(told: Json, wanted: Json) -> tuple[str, Json]:
    """ECR: this project's rules are known by their descriptions, and come before all others."""
    rules, ours = _rules(told, "rules"), {rule["description"]: rule for rule in wanted["rules"]}
    others = [rule for rule in rules if rule.get("description") not in ours]
    taken = sorted({rule["rulePriority"] for rule in others} & {rule["rulePriority"] for rule in ours.values()})
    if taken:
        raise RulesError(f"a rule of your own has priority {taken[0]}; give it one above {len(ours)}")
    known = {rule["description"]: rule for rule in rules if rule.get("description") in ours}
    return _state(bool(rules), known == ours), {**told, "rules": [*ours.values(), *others]}


def images(told: Json, wanted: Rules) -> tuple[str, Rules]:
    """Artifact Registry: policies have names. They are shown in a repository in another form than gcloud reads them."""
    kept, ours = told.get("cleanupPolicies", {}), {rule["name"] for rule in wanted}
    others = [
        {**{key: value for key, value in rule.items() if key != "id"}, "name": name, "action": {"type": rule["action"]}}
        for name, rule in kept.items()
        if name not in ours
    ]
    return _state(bool(kept), ours <= kept.keys()), [*wanted, *others]


def policy(told: Json, wanted: Json) -> tuple[str, Json]:
    """S3's policy of a bucket: this project's statements are recognized by what they say, and others stay."""
    single = told.get("Statement", [])
    statements = _rules({"Statement": [single] if isinstance(single, dict) else single}, "Statement")
    lacking = [statement for statement in wanted["Statement"] if statement not in statements]
    return _state(bool(statements), not lacking), {**wanted, **told, "Statement": [*statements, *lacking]}


KINDS: dict[str, Callable[[Json, Any], tuple[str, Json | Rules]]] = {
    "s3": s3, "storage": storage, "azure": azure, "ecr": ecr, "images": images, "policy": policy,
}  # fmt: skip


def _rules(told: Json, key: str) -> Rules:
    rules = told.get(key, [])
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise RulesError(f"{key} is not a list of rules")
    return rules


def _put(rules: Rules, ours: Rules, wanted: Json) -> Rules:
    """Put the wanted rule in the place of the first of ours, or at the end; further ones of ours are left out."""
    place = next((index for index, rule in enumerate(rules) if rule in ours), len(rules))
    before, after = rules[:place], rules[place + 1 :]
    return [*before, wanted, *(rule for rule in after if rule not in ours)]


def _days(known: Any) -> str:
    return "" if known is None else str(int(known))


def _state(any_rules: bool, is_so: bool) -> str:
    return "same" if is_so else "other" if any_rules else ""


def _without_null(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_null(held) for key, held in value.items() if held is not None}
    return [_without_null(held) for held in value] if isinstance(value, list) else value


def merged(kind: str, told: Json | None, wanted: Any) -> tuple[str, Json | Rules]:
    """Return the state of this project's rules in a set that a cloud returned, and the set that is wanted.

    Args:
        kind: `s3`, `storage` or `azure`: the rules of a bucket or a storage account that delete predictions; `ecr` or
            `images`: those of a registry of AWS's or Google's; `policy`: the statements of a bucket's policy.
        told: what the cloud returned; None if it has no such set.
        wanted: days for the first three, else this project's rules.

    Raises:
        RulesError: it is not such a set, or has no place for this project's rules.
    """
    try:
        return KINDS[kind](told or {}, wanted)
    except RulesError:
        raise
    except (ValueError, TypeError, KeyError, AttributeError) as failure:
        raise RulesError(f"not the JSON that was expected ({type(failure).__name__}: {failure})") from None
