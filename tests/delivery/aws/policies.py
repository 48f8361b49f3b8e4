"""Whether policies allow a call, as AWS evaluates them: explicit deny, else an allow, else denied.

Policy evaluation logic, IAM JSON policy elements and their wildcards are taken from the IAM User Guide
(reference_policies_evaluation-logic, reference_policies_elements), the wording of refusals from its
troubleshoot_access-denied. What is not evaluated here is an error, never an allow.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

INLINE = {"user": 2048, "role": 10240}  # characters of all inline policies of somebody together
MANAGED = 6144  # characters of a policy that can be attached
TRUST = 2048  # characters of whom a role trusts
ATTACHED = 10  # policies of a user or a role

Json = dict[str, Any]
Context = Mapping[str, str]
Decision = Literal["allowed", "denied by identity", "denied by resource", "not allowed"]

ELEMENTS = {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}


@dataclass(frozen=True)
class Call:
    """One thing that somebody wants to do, as policies see it."""

    action: str
    resource: str
    context: Context = field(default_factory=dict)


@dataclass(frozen=True)
class Principal:
    """Who calls: the ARN, and the names by which a `Principal` element means it."""

    arn: str
    names: frozenset[tuple[str, str]] = frozenset()  # ("AWS", "arn:aws:iam::123456789012:root"), ("Service", "ecs...")


def decide(principal: Principal, identity: list[Json], resource: list[Json], call: Call) -> Decision:
    """Return what the policies of an identity and of a resource in the same account say about a call.

    Raises:
        NotImplementedError: a statement has something that is not evaluated here.
    """
    by_identity = {one["Effect"] for one in _statements(identity) if _applies(one, call)}
    by_resource = {
        one["Effect"]
        for one in _statements(resource)
        if _means(one["Principal"], principal) and _applies({"Resource": "*"} | one, call)
    }
    if "Deny" in by_identity:
        return "denied by identity"
    if "Deny" in by_resource:
        return "denied by resource"
    return "allowed" if "Allow" in by_identity | by_resource else "not allowed"


def refusal(principal: Principal, call: Call, decision: Decision) -> str:
    """Return the message with which AWS refuses a call."""
    why = {
        "denied by identity": "with an explicit deny in an identity-based policy",
        "denied by resource": "with an explicit deny in a resource-based policy",
        "not allowed": f"because no identity-based policy allows the {call.action} action",
    }[decision]
    return f"User: {principal.arn} is not authorized to perform: {call.action} on resource: {call.resource} {why}"


def _statements(documents: Iterable[Json]) -> Iterable[Json]:
    for document in documents:
        for statement in _listed(document["Statement"]):
            if unknown := set(statement) - ELEMENTS:
                raise NotImplementedError(f"statements with {sorted(unknown)} are not evaluated")
            yield statement


def _means(element: Any, principal: Principal) -> bool:
    """Whether a `Principal` element means somebody."""
    if element == "*":
        return True
    named = {(kind, name) for kind, names in element.items() for name in _listed(names)}
    return ("AWS", "*") in named or bool(named & (principal.names | {("AWS", principal.arn)}))


def _applies(statement: Json, call: Call) -> bool:
    return (
        any(_like(one, call.action, folded=True) for one in _listed(statement["Action"]))
        and any(_matches(one, call.resource) for one in _listed(statement["Resource"]))
        and all(_holds(operator, keys, call.context) for operator, keys in statement.get("Condition", {}).items())
    )


def _matches(pattern: str, arn: str) -> bool:
    """Whether a `Resource` means this: a `*` at the end of a segment goes on behind the colon, another one does not."""
    if "${" in pattern:
        raise NotImplementedError(f"the variable in {pattern} is not evaluated")
    parts = re.split(r"(\*(?=:|$)|\*|\?)", pattern)
    meant = {"*": "[^:]*", "?": "."}
    whole = "".join(
        ".*" if part == "*" and (not rest or rest.startswith(":")) else meant.get(part, re.escape(part))
        for part, rest in ((part, "".join(parts[number + 1 :])) for number, part in enumerate(parts))
    )
    return re.fullmatch(whole, arn, re.DOTALL) is not None


def _like(pattern: str, value: str, *, folded: bool = False) -> bool:
    whole = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(whole, value, re.DOTALL | (re.IGNORECASE if folded else 0)) is not None


def _holds(operator: str, keys: Json, context: Context) -> bool:
    """Whether all keys of one operator hold; names of keys know no case."""
    known = {name.lower(): value for name, value in context.items()}
    return all(_compares(operator, _listed(wanted), known.get(key.lower())) for key, wanted in keys.items())


def _compares(operator: str, wanted: list[Any], value: str | None) -> bool:
    if any("${" in str(one) for one in wanted):
        raise NotImplementedError(f"the variable in {wanted} is not evaluated")
    name = operator.removesuffix("IfExists")
    if name == "Null":
        return (value is None) == (str(wanted[0]).lower() == "true")
    if value is None:
        return operator != name
    match name:
        case "StringEquals":
            return value in wanted
        case "StringLike":
            return any(_like(one, value) for one in wanted)
        case "ArnLike" | "ArnEquals":
            return any(_matches(one, value) for one in wanted)
        case "Bool":
            return value.lower() in [str(one).lower() for one in wanted]
    raise NotImplementedError(f"the condition operator {operator} is not evaluated")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def characters(policy: str) -> int:
    """Return how long a policy is for IAM, which does not count white space."""
    return len(re.sub(r"\s", "", policy))
