"""Pull requests, issues, comments and labels."""

from __future__ import annotations

from typing import Any

from tests.delivery.github.routing import ApiError, Json, Request, invalid, missing, route


def _number(request: Request, table: dict[int, Json]) -> Json:
    number = request.path["number"]
    if not number.isdecimal() or int(number) not in table:
        raise missing()
    return table[int(number)]


def _state(request: Request, entries: list[Json]) -> list[Json]:
    wanted = request.query.get("state", "open")
    return [entry for entry in entries if wanted in ("all", entry["state"])]


@route("GET /pulls", "pull-requests")
def pulls(request: Request) -> Any:
    """List, newest first, by state, head (`owner:branch`) and base."""
    found = _state(request, list(request.github.pulls.values()))
    head, base = request.query.get("head"), request.query.get("base")
    return [
        pull
        for pull in reversed(found)
        if head in (None, "", pull["head"]["label"]) and base in (None, "", pull["base"]["ref"])
    ]


@route("POST /pulls", "pull-requests", 201)
def open_pull(request: Request) -> Any:
    if request.holder.kind == "workflow" and not request.github.workflows_may_open_pull_requests:
        raise ApiError(403, "GitHub Actions is not permitted to create or approve pull requests.")
    body = request.body
    head = body["head"].removeprefix(f"{request.github.owner}:")
    if not request.github.main.commit(f"refs/heads/{head}") or not request.github.main.commit(
        f"refs/heads/{body['base']}"
    ):
        raise invalid("head or base is invalid")
    open_already = [p for p in request.github.pulls.values() if p["state"] == "open" and p["head"]["ref"] == head]
    if any(pull["base"]["ref"] == body["base"] for pull in open_already):
        raise invalid(f"A pull request already exists for {request.github.owner}:{head}.")
    return request.github.make_pull(head, body["base"], body["title"], body.get("body") or "", request.holder)


@route("GET /pulls/{number}", "pull-requests contents")
def pull(request: Request) -> Any:
    return _number(request, request.github.pulls)


@route("PATCH /pulls/{number}", "pull-requests")
def change_pull(request: Request) -> Any:
    entry = _number(request, request.github.pulls)
    entry.update({name: value for name, value in request.body.items() if name in ("title", "body", "state")})
    return entry


@route("PUT /pulls/{number}/merge", "contents")
def merge_pull(request: Request) -> Any:
    entry = _number(request, request.github.pulls)
    try:
        sha = request.github.merge_as(entry["number"], request.holder)
    except ValueError as conflict:
        raise ApiError(405, f"Pull Request is not mergeable: {conflict}") from None
    return {"merged": True, "sha": sha, "message": "Pull Request successfully merged"}


@route("GET /pulls/{number}/files", "pull-requests")
def files(request: Request) -> Any:
    entry = _number(request, request.github.pulls)
    return [{"filename": name} for name in request.github.changed_by(entry)]


@route("GET /commits/{sha}/pulls", "pull-requests")
def pulls_of_commit(request: Request) -> Any:
    sha = request.path["sha"]
    return [
        entry for entry in request.github.pulls.values() if sha in (entry["head"]["sha"], entry["merge_commit_sha"])
    ]


@route("GET /issues", "issues")
def issues(request: Request) -> Any:
    found = _state(request, list(request.github.issues.values()))
    wanted = {name for name in request.query.get("labels", "").split(",") if name}
    return [issue for issue in reversed(found) if wanted <= {label["name"] for label in issue["labels"]}]


@route("POST /issues", "issues", 201)
def open_issue(request: Request) -> Any:
    body = request.body
    return request.github.make_issue(body["title"], body.get("body") or "", body.get("labels") or [], request.holder)


@route("GET /issues/{number}", "issues pull-requests")
def issue(request: Request) -> Any:
    return _number(request, request.github.issues)


@route("PATCH /issues/{number}", "issues pull-requests")
def change_issue(request: Request) -> Any:
    entry = _number(request, request.github.issues)
    entry.update(
        {name: value for name, value in request.body.items() if name in ("title", "body", "state", "state_reason")}
    )
    if "labels" in request.body:
        entry["labels"] = [{"name": name} for name in request.body["labels"]]
    return entry


@route("GET /issues/{number}/comments", "issues pull-requests")
def comments(request: Request) -> Any:
    number = _number(request, request.github.issues)["number"]
    return [comment for comment in request.github.comments.values() if comment["issue"] == number]


@route("POST /issues/{number}/comments", "issues pull-requests", 201)
def comment(request: Request) -> Any:
    return request.github.make_comment(
        _number(request, request.github.issues)["number"], request.body["body"], request.holder
    )


@route("PATCH /issues/comments/{number}", "issues pull-requests")
def change_comment(request: Request) -> Any:
    entry = _number(request, request.github.comments)
    entry["body"] = request.body["body"]
    return entry


@route("DELETE /issues/comments/{number}", "issues pull-requests", 204)
def remove_comment(request: Request) -> Any:
    del request.github.comments[_number(request, request.github.comments)["id"]]


@route("GET /labels", "issues pull-requests")
def labels(request: Request) -> Any:
    return list(request.github.labels.values())


@route("POST /labels", "issues pull-requests", 201)
def make_label(request: Request) -> Any:
    if request.body["name"] in request.github.labels:
        raise ApiError(
            422, "Validation Failed", errors=[{"resource": "Label", "code": "already_exists", "field": "name"}]
        )
    return request.github.labels.setdefault(request.body["name"], dict(request.body))


@route("GET /labels/{name}", "issues pull-requests")
def label(request: Request) -> Any:
    if request.path["name"] not in request.github.labels:
        raise missing()
    return request.github.labels[request.path["name"]]


@route("POST /issues/{number}/labels", "issues pull-requests")
def add_labels(request: Request) -> Any:
    entry = _number(request, request.github.issues)
    for name in request.body["labels"]:
        request.github.add_label(entry["number"], name, request.holder)
    return entry["labels"]


@route("DELETE /issues/{number}/labels/{name}", "issues pull-requests")
def remove_label(request: Request) -> Any:
    entry = _number(request, request.github.issues)
    kept = [each for each in entry["labels"] if each["name"] != request.path["name"]]
    if len(kept) == len(entry["labels"]):
        raise ApiError(404, "Label does not exist")
    entry["labels"][:] = kept
    return kept
