"""Dispatches, runs, environments, and the names of secrets and variables."""

from __future__ import annotations

from typing import Any

from tests.delivery.github import oidc
from tests.delivery.github.routing import ApiError, Request, missing, route
from tests.delivery.github.triggers import RefusedError


@route("POST /actions/workflows/{file}/dispatches", "actions", 204)
def dispatch(request: Request) -> Any:
    ref = request.body["ref"].removeprefix("refs/heads/")
    try:
        request.github.start_dispatch(request.path["file"], ref, request.body.get("inputs") or {}, request.holder)
    except LookupError:
        raise missing() from None
    except RefusedError as refused:
        raise ApiError(422, str(refused)) from None


@route("POST /dispatches", "contents", 204)
def repository_dispatch(request: Request) -> Any:
    request.github.start_repository_dispatch(
        request.body["event_type"], request.body.get("client_payload") or {}, request.holder
    )


def _runs(request: Request, file: str | None = None) -> Any:
    wanted = {"event": "event", "branch": "head_branch", "head_sha": "head_sha"}
    found = [run.as_json() for run in request.github.runs if file in (None, run.file)]
    for asked, name in wanted.items():
        if asked in request.query:
            found = [run for run in found if run[name] == request.query[asked]]
    if "status" in request.query:
        found = [run for run in found if request.query["status"] in (run["status"], run["conclusion"])]
    return {"total_count": len(found), "workflow_runs": list(reversed(found))}


@route("GET /actions/workflows", "actions")
def workflows(request: Request) -> Any:
    names = sorted(request.github.main.workflows("main"))
    listed = [
        {"id": index, "path": f".github/workflows/{name}", "state": "active"} for index, name in enumerate(names, 1)
    ]
    return {"total_count": len(listed), "workflows": listed}


@route("GET /actions/workflows/{file}/runs", "actions")
def runs_of_workflow(request: Request) -> Any:
    return _runs(request, request.path["file"])


@route("GET /actions/workflows/{file}", "actions")
def workflow(request: Request) -> Any:
    if request.path["file"] not in request.github.main.workflows("main"):
        raise missing()
    since = request.github.main.git("log", "-1", "--format=%cI", "main")
    return {"path": f".github/workflows/{request.path['file']}", "state": "active", "created_at": since}


@route("GET /actions/runs", "actions")
def runs(request: Request) -> Any:
    return _runs(request)


@route("GET /actions/runs/{id}", "actions")
def run(request: Request) -> Any:
    return request.github.run(request.path["id"]).as_json()


@route("GET /actions/runs/{id}/jobs", "actions")
def jobs(request: Request) -> Any:
    found = request.github.run(request.path["id"])
    states: dict[str, tuple[str, str | None]] = {job.name: ("completed", job.result) for job in found.ended.values()}
    states |= dict.fromkeys(found.going, ("in_progress", None))
    waits = (wait for wait in found.waits if wait["job"] in found.going)
    states |= {wait["job"]: ("waiting" if "approval" in wait else "queued", None) for wait in waits}
    listed = [
        {"id": index, "name": name, "run_id": int(found.id), "status": status, "conclusion": conclusion}
        for index, (name, (status, conclusion)) in enumerate(states.items(), int(found.id) * 100)
    ]
    return {"total_count": len(listed), "jobs": listed}


@route("POST /actions/runs/{id}/cancel", "actions", 202)
def cancel(request: Request) -> Any:
    run = request.github.run(request.path["id"])
    if run.status == "completed":
        raise ApiError(409, "Cannot cancel a workflow run that is completed.")
    request.github.cancel(run)
    return {}


@route("GET /environments", "actions")
def environments(request: Request) -> Any:
    if not request.github.has_environments:
        raise missing()
    listed = [_environment(request, name) for name in request.github.environments]
    return {"total_count": len(listed), "environments": listed}


@route("GET /environments/{name}", "actions")
def environment(request: Request) -> Any:
    if request.path["name"] not in request.github.environments:
        raise missing()
    return _environment(request, request.path["name"])


def _environment(request: Request, name: str) -> Any:
    rules = request.github.environments[name]
    listed: list[Any] = []
    if rules.reviewers:
        reviewers = [{"type": "User", "reviewer": {"login": request.github.owner}}]
        listed.append({"id": 1, "type": "required_reviewers", "prevent_self_review": False, "reviewers": reviewers})
    if rules.branches:
        listed.append({"id": 2, "type": "branch_policy"})
    policy = {"protected_branches": False, "custom_branch_policies": True} if rules.branches else None
    return {"id": 1, "name": name, "protection_rules": listed, "deployment_branch_policy": policy}


@route("GET /environments/{name}/deployment-branch-policies", "actions")
def branch_policies(request: Request) -> Any:
    if request.path["name"] not in request.github.environments:
        raise missing()
    listed = [
        {"id": index, "name": name}
        for index, name in enumerate(request.github.environments[request.path["name"]].branches)
    ]
    return {"total_count": len(listed), "branch_policies": listed}


def _names(values: dict[str, str], key: str, with_values: bool) -> Any:
    listed = [{"name": name, **({"value": value} if with_values else {})} for name, value in values.items()]
    return {"total_count": len(listed), key: listed}


@route("GET /actions/secrets", "owner")
def secrets(request: Request) -> Any:
    return _names(request.github.secrets, "secrets", False)


@route("GET /actions/variables", "owner")
def variables(request: Request) -> Any:
    return _names(request.github.vars, "variables", True)


@route("GET /actions/variables/{name}", "owner")
def variable(request: Request) -> Any:
    if request.path["name"] not in request.github.vars:
        raise missing()
    return {"name": request.path["name"], "value": request.github.vars[request.path["name"]]}


@route("GET /environments/{name}/secrets", "owner")
def environment_secrets(request: Request) -> Any:
    if request.path["name"] not in request.github.environments:
        raise missing()
    return _names(request.github.environments[request.path["name"]].secrets, "secrets", False)


@route("GET /environments/{name}/variables", "owner")
def environment_variables(request: Request) -> Any:
    if request.path["name"] not in request.github.environments:
        raise missing()
    return _names(request.github.environments[request.path["name"]].vars, "variables", True)


@route("GET /actions/permissions/workflow", "owner")
def workflow_permissions(request: Request) -> Any:
    may = request.github.workflows_may_open_pull_requests
    return {"default_workflow_permissions": "read", "can_approve_pull_request_reviews": may}


@route("GET /actions/oidc/customization/sub", "actions")
def subject(request: Request) -> Any:
    told = {"use_default": True, "use_immutable_subject": False}
    return told | {"sub_claim_prefix": oidc.prefix(request.github)}
