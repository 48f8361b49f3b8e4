"""What IAM refuses and moto takes: policies that are too large or too many, and the removal of one that is in use.

Numbers are from the IAM User Guide (reference_iam-quotas: an account's defaults), the conditions of a removal from
DeletePolicy in IAM's API reference, the wording from refusals that people have published.
"""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

from .asked import Asked
from .policies import ATTACHED, INLINE, MANAGED, TRUST, characters
from .refusals import RefusedError


def check_quotas(iam: Any, asked: Asked) -> None:
    """Refuse a request that IAM refuses and moto takes; `iam` is a client that may do anything.

    Raises:
        RefusedError: a policy would be too large, or one too many, or is removed while something needs it.
    """
    match asked.action:
        case "PutUserPolicy" | "PutRolePolicy":
            _check_inline(iam, *asked.somebody(), asked.body["PolicyName"], asked.body["PolicyDocument"])
        case "CreatePolicy" | "CreatePolicyVersion":
            _check_size("PolicySize", MANAGED, asked.body["PolicyDocument"])
        case "CreateRole" | "UpdateAssumeRolePolicy":
            document = asked.body.get("AssumeRolePolicyDocument") or asked.body["PolicyDocument"]
            _check_size("ACLSizePerRole", TRUST, document)
        case "AttachUserPolicy" | "AttachRolePolicy":
            _check_attached(iam, *asked.somebody(), asked.body["PolicyArn"])
        case "DeletePolicy":
            _check_removal(iam, asked.body["PolicyArn"])


def _check_inline(iam: Any, kind: str, name: str, policy: str, document: str) -> None:
    who = {f"{kind.title()}Name": name}
    try:
        others = [other for other in getattr(iam, f"list_{kind}_policies")(**who)["PolicyNames"] if other != policy]
    except ClientError:  # there is nobody of this name, as moto says next
        return
    get = getattr(iam, f"get_{kind}_policy")
    kept = [json.dumps(get(**who, PolicyName=other)["PolicyDocument"], ensure_ascii=False) for other in others]
    if sum(map(characters, [*kept, document])) > INLINE[kind]:
        raise _exceeded(f"Maximum policy size of {INLINE[kind]} bytes exceeded for {kind} {name}")


def _check_size(quota: str, most: int, document: str) -> None:
    if characters(document) > most:
        raise _exceeded(f"Cannot exceed quota for {quota}: {most}")


def _check_attached(iam: Any, kind: str, name: str, arn: str) -> None:
    try:
        told = getattr(iam, f"list_attached_{kind}_policies")(**{f"{kind.title()}Name": name})["AttachedPolicies"]
    except ClientError:  # there is nobody of this name, as moto says next
        return
    if len({one["PolicyArn"] for one in told} | {arn}) > ATTACHED:
        raise _exceeded(f"Cannot exceed quota for PoliciesPer{kind.title()}: {ATTACHED}")


def _check_removal(iam: Any, arn: str) -> None:
    try:
        told = iam.get_policy(PolicyArn=arn)["Policy"]
    except ClientError:  # there is no such policy, as moto says next
        return
    if told["AttachmentCount"]:
        raise RefusedError("DeleteConflict", "Cannot delete a policy attached to entities.", 409)
    if len(iam.list_policy_versions(PolicyArn=arn)["Versions"]) > 1:
        message = (
            "This policy has more than one version. Before you delete a policy, you must delete the policy's versions."
        )
        raise RefusedError("DeleteConflict", f"{message} The default version is deleted with the policy.", 409)


def _exceeded(message: str) -> RefusedError:
    return RefusedError("LimitExceeded", message, 409)
