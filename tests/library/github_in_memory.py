"""One repository on GitHub, without a process: what gh answers, by what its commands mean."""

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]


class RefusedError(Exception):
    """What a tool prints when it fails."""


def answer(state: Json, argv: tuple[str, ...], given: Mapping[str, str], stdin: str) -> Any:
    place = given.get("--env", "repository")
    if argv[1] == "api":
        return _api(state, argv, given.get("--method", "GET"))
    if "--env" in given and state.get("plan") == "free":
        raise RefusedError("gh: Not Found (HTTP 404)")
    known = state["variables" if argv[1] == "variable" else "github"].setdefault(place, {})
    if argv[2] == "list":
        return [{"name": name, "value": value} for name, value in known.items()]
    known[argv[3]] = given["--body"] if argv[1] == "variable" else stdin
    return ""


def _api(state: Json, argv: tuple[str, ...], method: str) -> Any:
    path = next(word for word in argv if word.startswith(("repos/", "orgs/")))
    if path == "repos/{owner}/{repo}":
        told = {"full_name": "acme/flights", "id": 4711, "owner": {"id": 815}, "default_branch": "main"}
        return told | {"private": state.get("private", True)}
    if path == "orgs/acme/actions/oidc/customization/sub":
        if not state.get("keys_of_organisation"):  # or whoever asks may not read it
            raise RefusedError("gh: Not Found (HTTP 404)")
        return {"include_claim_keys": state["keys_of_organisation"]}
    if path.endswith("/actions/oidc/customization/sub"):
        told = {"use_default": True, "use_immutable_subject": False, "sub_claim_prefix": "repo:acme@815/flights@4711"}
        return told | state.get("subjects", {})
    if state.get("plan") == "free":
        raise RefusedError("gh: Not Found (HTTP 404)")
    if path.endswith("/environments"):
        return {"environments": []}
    name, _, rest = path.partition("/environments/")[2].partition("/")
    known = state["environments"]
    if method == "PUT":
        closed = any("custom_branch_policies" in word for word in argv)
        policy = {"protected_branches": False, "custom_branch_policies": True} if closed else None
        known[name] = known.get(name, {"branches": []}) | {"deployment_branch_policy": policy}
    if name not in known:
        raise RefusedError("gh: Not Found (HTTP 404)")
    if method == "POST":
        known[name]["branches"].append(argv[-1].removeprefix("name="))
    if rest:
        return {"branch_policies": [{"name": branch} for branch in known[name]["branches"]]}
    return known[name]
