"""Releases with their files, deployments, statuses, check runs and attestations."""

from __future__ import annotations

from typing import Any

from tests.delivery.github import workflow_rule
from tests.delivery.github.routing import ApiError, Json, Request, missing, route


def _release(request: Request) -> Json:
    for release in request.github.releases:
        if str(release["id"]) == request.path["id"]:
            return release
    raise missing()


@route("GET /releases", "contents")
def releases(request: Request) -> Any:
    return list(reversed(request.github.releases))


@route("POST /releases", "contents", 201)
def make_release(request: Request) -> Any:
    github, body = request.github, request.body
    tag = body["tag_name"]
    number = github.next_id()
    told = {"draft": False, "prerelease": False, "name": tag, "body": "", **body}
    release = {
        "id": number,
        **told,
        "immutable": False,
        "assets": [],
        "target_commitish": body.get("target_commitish") or "main",
        "upload_url": f"{github.api}/uploads/repos/{github.repository}/releases/{number}/assets{{?name,label}}",
        "html_url": f"{github.url}/{github.repository}/releases/tag/{tag}",
        "author": github.user(request.holder),
        "created_at": github.now(),
        "published_at": github.now(),
    }
    if not told["draft"]:
        _publish(request, release)
    github.releases.append(release)
    return release


def _publish(request: Request, release: Json) -> None:
    """Make the tag of a release; a draft has none."""
    github, tag = request.github, release["tag_name"]
    if any(each["tag_name"] == tag and not each["draft"] and each is not release for each in github.releases):
        raise ApiError(
            422, "Validation Failed", errors=[{"resource": "Release", "code": "already_exists", "field": "tag_name"}]
        )
    commit = github.main.commit(f"refs/tags/{tag}") or github.main.commit(release["target_commitish"])
    if commit is None:
        raise ApiError(
            422, "Validation Failed", errors=[{"resource": "Release", "code": "invalid", "field": "target_commitish"}]
        )
    named = commit in github.main.refs().values()
    may = request.holder.may("workflows", "write")
    if not may and not named and workflow_rule.changes_workflows(str(github.main.folder), commit):
        raise ApiError(403, "Resource not accessible by integration")
    github.move(f"refs/tags/{tag}", commit, request.holder)
    release["immutable"] = github.immutable_releases


@route("GET /releases/latest", "contents")
def latest(request: Request) -> Any:
    final = [release for release in request.github.releases if not release["draft"] and not release["prerelease"]]
    if not final:
        raise missing()
    return final[-1]


@route("GET /releases/tags/{tag*}", "contents")
def release_of_tag(request: Request) -> Any:
    for release in request.github.releases:
        if release["tag_name"] == request.path["tag"] and not release["draft"]:
            return release
    raise missing()


@route("GET /releases/assets/{id}", "contents")
def asset(request: Request) -> Any:
    for release in request.github.releases:
        for each in release["assets"]:
            if str(each["id"]) == request.path["id"]:
                return request.github.assets[each["id"]] if request.wants_bytes else each
    raise missing()


@route("DELETE /releases/assets/{id}", "contents", 204)
def remove_asset(request: Request) -> Any:
    for release in request.github.releases:
        release["assets"][:] = [each for each in release["assets"] if str(each["id"]) != request.path["id"]]


@route("GET /releases/{id}", "contents")
def release(request: Request) -> Any:
    return _release(request)


@route("PATCH /releases/{id}", "contents")
def change_release(request: Request) -> Any:
    found = _release(request)
    if found["draft"] and request.body.get("draft") is False:
        _publish(request, found)
    found.update(request.body)
    return found


@route("DELETE /releases/{id}", "contents", 204)
def remove_release(request: Request) -> Any:
    request.github.releases.remove(_release(request))


@route("GET /releases/{id}/assets", "contents")
def assets(request: Request) -> Any:
    return _release(request)["assets"]


@route("POST /releases/{id}/assets", "contents", 201)
def attach(request: Request) -> Any:
    found, name = _release(request), request.query["name"]
    if found["immutable"]:
        raise ApiError(422, "Cannot upload assets to an immutable release.")
    if any(each["name"] == name for each in found["assets"]):
        raise ApiError(
            422, "Validation Failed", errors=[{"resource": "ReleaseAsset", "code": "already_exists", "field": "name"}]
        )
    number = request.github.next_id()
    request.github.assets[number] = request.content
    url = f"{request.github.api}/repos/{request.github.repository}/releases/assets/{number}"
    entry = {"id": number, "name": name, "size": len(request.content), "url": url, "state": "uploaded"}
    found["assets"].append(entry)
    return entry


@route("GET /deployments", "deployments")
def deployments(request: Request) -> Any:
    wanted = {name: request.query[name] for name in ("environment", "sha", "ref", "task") if name in request.query}
    found = [each for each in request.github.deployments if all(each[name] == value for name, value in wanted.items())]
    return list(reversed(found))


@route("POST /deployments", "deployments", 201)
def make_deployment(request: Request) -> Any:
    return request.github.make_deployment(request.body, request.holder)


@route("GET /deployments/{id}/statuses", "deployments")
def deployment_statuses(request: Request) -> Any:
    return list(reversed(request.github.deployment_statuses.get(int(request.path["id"]), [])))


@route("POST /deployments/{id}/statuses", "deployments", 201)
def make_deployment_status(request: Request) -> Any:
    number = int(request.path["id"])
    if number not in {each["id"] for each in request.github.deployments}:
        raise missing()
    status = {"id": request.github.next_id(), "creator": request.github.user(request.holder), **request.body}
    request.github.deployment_statuses.setdefault(number, []).append(status)
    return status


@route("GET /commits/{sha}/check-runs", "checks")
def check_runs(request: Request) -> Any:
    """The jobs of runs, and what was made through the API."""
    commit = request.github.main.commit(request.path["sha"])
    found = [each for each in request.github.checks() if each["head_sha"] == commit]
    return {"total_count": len(found), "check_runs": found}


@route("POST /check-runs", "checks", 201)
def make_check_run(request: Request) -> Any:
    check = {"id": request.github.next_id(), "status": "completed", **request.body}
    request.github.made_checks.append(check)
    return check


@route("GET /commits/{sha}/statuses", "statuses")
def statuses(request: Request) -> Any:
    return list(reversed(request.github.statuses.get(request.path["sha"], [])))


@route("GET /commits/{sha}/status", "statuses")
def combined_status(request: Request) -> Any:
    found = {each["context"]: each for each in request.github.statuses.get(request.path["sha"], [])}
    states = {each["state"] for each in found.values()}
    state = "failure" if states & {"failure", "error"} else "success" if states == {"success"} else "pending"
    return {"state": state, "statuses": list(found.values()), "total_count": len(found)}


@route("POST /statuses/{sha}", "statuses", 201)
def make_status(request: Request) -> Any:
    status = {"id": request.github.next_id(), "context": "default", **request.body}
    request.github.statuses.setdefault(request.path["sha"], []).append(status)
    return status


@route("POST /attestations", "attestations", 201)
def attest(request: Request) -> Any:
    if request.github.private:
        raise ApiError(
            403, "Feature not available for this repository: attestations of private ones need Enterprise Cloud"
        )
    number = request.github.next_id()
    request.github.attestations.append({"id": number, **request.body})
    return {"id": number}
