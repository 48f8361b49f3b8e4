"""IAM, without a process: users, roles, policies with versions, access keys and providers, as aws shows them."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from github_in_memory import Json, RefusedError

_MOST_VERSIONS, _MOST_KEYS = 5, 2


def empty() -> Json:
    """Return what is kept of an account in which nothing was made."""
    return {"service_roles": [], "users": {}, "roles": {}, "policies": {}, "providers": {}}


def answer(state: Json, operation: str, given: Mapping[str, str], check: Callable[[str], None]) -> Any:
    """Answer one operation; `check` refuses a name that is not known yet."""
    for flag in ("--user-name", "--role-name", "--policy-arn"):
        if flag in given and not operation.startswith("create-"):
            check(given[flag])
    if operation in _OF_THE_ACCOUNT:
        return _OF_THE_ACCOUNT[operation](state, given)
    if "access-key" in operation:
        return _access_keys(_known(state["users"], given["--user-name"]), operation, given)
    if "open-id-connect" in operation:
        return _provider(state["providers"], operation, given)
    if operation == "create-policy" or ("--policy-arn" in given and "tach-" not in operation):
        return _policy(state, operation, given)
    return _somebody(state, operation, given)


def service_role(service: str) -> str:
    """Return the name of the role that a service of AWS's runs as."""
    named = {"ecs.amazonaws.com": "ECS", "elasticloadbalancing.amazonaws.com": "ElasticLoadBalancing"}
    return f"AWSServiceRoleFor{named[service]}"


def _service_role(state: Json, given: Mapping[str, str]) -> Any:
    name = service_role(given["--aws-service-name"])
    if name in state["service_roles"]:
        raise RefusedError("InvalidInput")
    state["service_roles"].append(name)
    return ""


def _service_roles(state: Json, given: Mapping[str, str]) -> Any:
    name = service_role(given["--path-prefix"].removeprefix("/aws-service-role/").removesuffix("/"))
    return {"Roles": [{"RoleName": known} for known in state["service_roles"] if known == name]}


_OF_THE_ACCOUNT: dict[str, Callable[[Json, Mapping[str, str]], Any]] = {
    "list-roles": _service_roles,
    "create-service-linked-role": _service_role,
}


def _known(kept: Json, name: str) -> Any:
    if name not in kept:
        raise RefusedError("NoSuchEntity")
    return kept[name]


def _made(kept: Json, name: str, value: Any) -> str:
    if name in kept:
        raise RefusedError("EntityAlreadyExists")
    kept[name] = value
    return ""


def _access_keys(user: Json, operation: str, given: Mapping[str, str]) -> Any:
    keys = user["keys"]
    if operation == "list-access-keys":
        told = [{"AccessKeyId": key, "CreateDate": f"2020-01-0{number}T00:00:00+00:00"} for number, key in
                enumerate(keys, 1)]  # fmt: skip
        return {"AccessKeyMetadata": told[::-1]}
    if operation == "delete-access-key":
        keys.remove(given["--access-key-id"])
        return ""
    if len(keys) == _MOST_KEYS:
        raise RefusedError("LimitExceeded")
    user["made"] += 1
    keys.append(f"AKIA{user['made']}-{given['--user-name']}")
    return {"AccessKey": {"AccessKeyId": keys[-1], "SecretAccessKey": f"s3cret/of {keys[-1]}"}}


def _provider(kept: Json, operation: str, given: Mapping[str, str]) -> Any:
    if operation.startswith("create"):
        arn = f"arn:aws:iam::123456789012:oidc-provider/{given['--url'].removeprefix('https://')}"
        key, value = (part.partition("=")[2] for part in given["--tags"].split(","))
        return _made(kept, arn, {"clients": [given["--client-id-list"]], "tags": [{"Key": key, "Value": value}]})
    known = _known(kept, arn := given["--open-id-connect-provider-arn"])
    if operation.startswith("add-client-id"):
        known["clients"].append(given["--client-id"])
    elif operation.startswith("delete"):
        kept.pop(arn)
    return {"Tags": known["tags"]} if operation.startswith("list") else {"ClientIDList": known["clients"]}


def _policy(state: Json, operation: str, given: Mapping[str, str]) -> Any:
    kept = state["policies"]
    if operation == "create-policy":
        name = given["--policy-name"]
        says = json.loads(given["--policy-document"])
        return _made(
            kept, f"arn:aws:iam::123456789012:policy/{name}", {"versions": {"v1": says}, "last": 1, "now": "v1"}
        )
    known = _known(kept, arn := given["--policy-arn"])
    version = given.get("--version-id", "")
    match operation:
        case "create-policy-version":
            if len(known["versions"]) == _MOST_VERSIONS:
                raise RefusedError("LimitExceeded")
            known["last"] += 1
            known["now"] = f"v{known['last']}"
            known["versions"][known["now"]] = json.loads(given["--policy-document"])
        case "delete-policy-version":
            known["versions"].pop(version)
        case "delete-policy":
            if len(known["versions"]) > 1 or any(arn in user["attached"] for user in state["users"].values()):
                raise RefusedError("DeleteConflict")
            kept.pop(arn)
        case "get-policy-version":
            return {"PolicyVersion": {"Document": known["versions"][version]}}
        case "list-policy-versions":
            listed = [{"VersionId": one, "IsDefaultVersion": one == known["now"]} for one in known["versions"]]
            return {"Versions": listed[::-1]}
    return {"Policy": {"DefaultVersionId": known["now"]}}


def _somebody(state: Json, operation: str, given: Mapping[str, str]) -> Any:
    """What is asked of a user or of a role."""
    kind = "user" if "--user-name" in given else "role"
    kept, name = state[f"{kind}s"], given[f"--{kind}-name"]
    if operation == f"create-{kind}":
        trust = json.loads(given.get("--assume-role-policy-document", "{}"))
        return _made(kept, name, {"trust": trust, "attached": [], "inline": {}, "keys": [], "made": 0})
    known = _known(kept, name)
    arn, policy = given.get("--policy-arn", ""), given.get("--policy-name", "")
    match operation.replace(kind, "X"):
        case "get-X":
            return {"Role": {"AssumeRolePolicyDocument": known["trust"]}, "User": {"UserName": name}}
        case "update-assume-X-policy":
            known["trust"] = json.loads(given["--policy-document"])
        case "list-attached-X-policies":
            return {"AttachedPolicies": [{"PolicyArn": one} for one in known["attached"]]}
        case "attach-X-policy":
            if ":aws:policy/" not in arn:
                _known(state["policies"], arn)
            known["attached"].append(arn)
        case "detach-X-policy":
            if arn not in known["attached"]:
                raise RefusedError("NoSuchEntity")
            known["attached"].remove(arn)
        case "list-X-policies":
            return {"PolicyNames": list(known["inline"])}
        case "get-X-policy":
            return {"PolicyDocument": _known(known["inline"], policy)}
        case "put-X-policy":
            known["inline"][policy] = json.loads(given["--policy-document"])
        case "delete-X-policy":
            _known(known["inline"], policy)
            known["inline"].pop(policy)
        case "delete-X":
            if known["attached"] or known["inline"] or known["keys"]:
                raise RefusedError("DeleteConflict")
            kept.pop(name)
    return ""
