#!/usr/bin/env python3
"""gh for one private repository, kept in the JSON file that $GH_STATE names: environments, variables, secrets, runs.

Only what bootstrap and the runbook ask of gh, and in that form. With `"plan": "free"` in it there are no environments.
Copied into a folder on the PATH as `gh`.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

REPOSITORY = "acme/flight-delays"


def answer(words: list[str], state: dict[str, Any]) -> str | None:
    """Return what gh prints, and change the state; None where there is no such thing."""
    verb, *rest = words
    method = rest[rest.index("--method") + 1] if "--method" in rest else "GET"
    place = rest[rest.index("--env") + 1] if "--env" in rest else "repository"
    if verb in ("workflow", "run", "release"):
        return _runs(verb, rest, state.setdefault("runs", []))
    if verb == "api":
        return _api(next(word for word in rest if word.startswith("repos/")), method, rest, state)
    if place != "repository" and state.get("plan") == "free":
        return None
    kept = state.setdefault(verb, {}).setdefault(place, {})
    if rest[0] == "list" and "--jq" not in rest:
        return json.dumps([{"name": name, "value": value} for name, value in kept.items()])
    if rest[0] == "list":
        return "\n".join(f"{name}={value}" if verb == "variable" else name for name, value in kept.items())
    kept[rest[1]] = rest[rest.index("--body") + 1] if verb == "variable" else sys.stdin.read()
    return ""


def _runs(verb: str, rest: list[str], runs: list[list[str]]) -> str:
    """Start a run of a workflow, or list what was started: nothing runs here, and nothing was released."""
    if verb == "workflow":
        runs.append(rest[1:])
        return ""
    workflow = rest[rest.index("--workflow") + 1] if "--workflow" in rest else ""
    return "\n".join(f"queued  {run[0]}" for run in reversed(runs) if verb == "run" and run[0] == workflow)


def _api(path: str, method: str, rest: list[str], state: dict[str, Any]) -> str | None:
    environments = state.setdefault("environments", {})
    repository = state.get("repository", REPOSITORY)
    number, owner_number = state.get("numbers", [4711, 815])
    if method == "GET" and not {"--jq", "--silent"} & set(rest):
        told = _json(path, state)
        return None if told is None else json.dumps(told)
    owner, name = repository.split("/")
    if path == "repos/{owner}/{repo}" and ".private" in rest:
        return "true"
    if path == "repos/{owner}/{repo}":
        return f"{owner}/{name} {number} {owner_number} main"
    if path.endswith("/actions/oidc/customization/sub"):
        return f"repo:{owner}@{owner_number}/{name}@{number}"
    if state.get("plan") == "free":
        return None
    if path.endswith("/environments"):
        return ""
    name = path.split("/environments/")[1].split("/")[0]
    if path.endswith("/deployment-branch-policies"):
        if method == "POST":
            environments[name].append(rest[rest.index("-f") + 1])
        return "\n".join(policy.removeprefix("name=") for policy in environments[name] if policy.startswith("name="))
    if method == "PUT":
        environments[name] = [word for word in rest if "=" in word]
    if name not in environments:
        return None
    if any("protection_rules" in word for word in rest):
        return "\n".join(field for field in environments[name] if not field.startswith("deployment_branch_policy"))
    return "custom" if any(field.startswith("deployment_branch_policy") for field in environments[name]) else "any"


def _json(path: str, state: dict[str, Any]) -> dict[str, Any] | None:
    """What the API answers; environments are kept as the fields of the requests that made them."""
    environments: dict[str, list[str]] = state["environments"]
    if path.endswith("/actions/oidc/customization/sub"):
        owner, name = state.get("repository", REPOSITORY).split("/")
        number, owner_number = state.get("numbers", [4711, 815])
        subjects: dict[str, Any] = {"use_default": True, "use_immutable_subject": False}
        return subjects | {"sub_claim_prefix": f"repo:{owner}@{owner_number}/{name}@{number}"}
    if path == "repos/{owner}/{repo}":
        number, owner = state.get("numbers", [4711, 815])
        told = {"full_name": state.get("repository", REPOSITORY), "id": number, "owner": {"id": owner}}
        return told | {"default_branch": "main", "private": True}
    if state.get("plan") == "free":
        return None
    if path.endswith("/environments"):
        return {"environments": [{"name": name} for name in environments]}
    name, _, rest = path.split("/environments/")[1].partition("/")
    if name not in environments:
        return None
    fields = [field.partition("=") for field in environments[name]]
    if rest == "deployment-branch-policies":
        return {"branch_policies": [{"name": value} for field, _, value in fields if field == "name"]}
    policy = {field.split("[")[1][:-1]: value == "true" for field, _, value in fields if "deployment_branch" in field}
    rules: list[dict[str, Any]] = [
        {"type": "wait_timer", "wait_timer": int(value)} for field, _, value in fields if field == "wait_timer"
    ]
    kinds = [value for field, _, value in fields if field == "reviewers[][type]"]
    numbers = [int(value) for field, _, value in fields if field == "reviewers[][id]"]
    if kinds:
        reviewers = [{"type": kind, "reviewer": {"id": number}} for kind, number in zip(kinds, numbers, strict=True)]
        alone = ("prevent_self_review", "=", "true") in fields
        rules.append({"type": "required_reviewers", "prevent_self_review": alone, "reviewers": reviewers})
    return {"name": name, "deployment_branch_policy": policy or None, "protection_rules": rules}


if __name__ == "__main__":
    file = Path(os.environ["GH_STATE"])
    known = json.loads(file.read_text()) if file.exists() else {}
    told = answer(sys.argv[1:], known)
    file.write_text(json.dumps(known))
    if told is None:
        sys.exit("gh: Not Found (HTTP 404)")
    if told:
        print(told)
