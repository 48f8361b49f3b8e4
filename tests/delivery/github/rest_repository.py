"""The repository itself: its settings, branches, commits and refs."""

from __future__ import annotations

from typing import Any

from tests.delivery.github import workflow_rule
from tests.delivery.github.routing import ApiError, Json, Request, invalid, missing, route


@route("GET ", "metadata")
def repository(request: Request) -> Any:
    return request.github.repository_json()


@route("GET /branches/{branch*}", "contents")
def branch(request: Request) -> Any:
    name = request.path["branch"]
    if name.endswith("/protection"):
        return _protection(request, name.removesuffix("/protection"))
    commit = request.github.main.commit(f"refs/heads/{name}")
    if commit is None:
        raise ApiError(404, "Branch not found")
    return {"name": name, "commit": {"sha": commit}, "protected": name in request.github.protected}


def _protection(request: Request, name: str) -> Json:
    if request.holder.kind != "person":
        raise ApiError(403, "Resource not accessible by integration")
    if name not in request.github.protected:
        raise ApiError(404, "Branch not protected")
    return {"required_status_checks": {"contexts": request.github.protected[name]}}


@route("GET /commits/{sha}", "contents")
def commit(request: Request) -> Any:
    found = request.github.main.commit(request.path["sha"])
    if found is None:
        raise ApiError(422, f"No commit found for SHA: {request.path['sha']}")
    message = request.github.main.git("log", "-1", "--format=%B", found)
    parents = request.github.main.git("log", "-1", "--format=%P", found).split()
    return {"sha": found, "commit": {"message": message}, "parents": [{"sha": parent} for parent in parents]}


@route("GET /compare/{range*}", "contents")
def compare(request: Request) -> Any:
    base, _, head = request.path["range"].partition("...")
    git = request.github.main.git
    if not request.github.main.commit(base) or not request.github.main.commit(head):
        raise missing()
    behind, ahead = (int(count) for count in git("rev-list", "--left-right", "--count", f"{base}...{head}").split())
    status = "identical" if not ahead + behind else "diverged" if ahead and behind else "ahead" if ahead else "behind"
    return {"status": status, "ahead_by": ahead, "behind_by": behind}


def _ref(name: str, commit: str) -> Json:
    return {"ref": name, "object": {"type": "commit", "sha": commit}}


@route("GET /git/ref/{ref*}", "contents")
def ref(request: Request) -> Any:
    name = f"refs/{request.path['ref']}"
    if name not in request.github.main.refs():
        raise missing()
    return _ref(name, request.github.main.refs()[name])


@route("GET /git/matching-refs/{ref*}", "contents")
def matching(request: Request) -> Any:
    prefix = f"refs/{request.path['ref']}"
    return [_ref(name, commit) for name, commit in request.github.main.refs().items() if name.startswith(prefix)]


@route("POST /git/refs", "contents", 201)
def make_ref(request: Request) -> Any:
    name, sha = request.body["ref"], request.body["sha"]
    if name in request.github.main.refs():
        raise ApiError(422, "Reference already exists")
    if not request.github.main.commit(sha):
        raise ApiError(422, "Object does not exist")
    _no_workflow_changes(request, workflow_rule.NOBODY, sha)
    request.github.move(name, sha, request.holder)
    return _ref(name, sha)


def _no_workflow_changes(request: Request, before: str, after: str) -> None:
    why = workflow_rule.refusal(str(request.github.main.folder), before, after)
    if why and not request.holder.may("workflows", "write"):
        raise ApiError(403, why)


@route("PATCH /git/refs/{ref*}", "contents")
def move_ref(request: Request) -> Any:
    name, sha = f"refs/{request.path['ref']}", request.body["sha"]
    before = request.github.main.refs().get(name)
    if before is None:
        raise ApiError(422, "Reference does not exist")
    if name.removeprefix("refs/heads/") in request.github.protected and request.holder.kind != "person":
        raise invalid("Protected branch update failed")
    if not request.body.get("force") and not request.github.main.contains(sha, before):
        raise ApiError(422, "Update is not a fast forward")
    _no_workflow_changes(request, before, sha)
    request.github.move(name, sha, request.holder)
    return _ref(name, sha)


@route("DELETE /git/refs/{ref*}", "contents", 204)
def remove_ref(request: Request) -> Any:
    name = f"refs/{request.path['ref']}"
    if name not in request.github.main.refs():
        raise ApiError(422, "Reference does not exist")
    request.github.move(name, None, request.holder)
