#!/usr/bin/env python3
"""actions/checkout: a real clone of the repository that the runner names."""

import base64
import os
from pathlib import Path

from toolkit import fail, get_boolean, get_input, phases, run, save_state, set_output


def header(token: str) -> str:
    return "AUTHORIZATION: basic " + base64.b64encode(f"x-access-token:{token}".encode()).decode()


def main() -> None:
    server = os.environ["GITHUB_SERVER_URL"]
    repository = get_input("repository", os.environ["GITHUB_REPOSITORY"])
    token = get_input("token", os.environ.get("ACTIONS_JOB_TOKEN", ""))
    folder = Path(os.environ["GITHUB_WORKSPACE"], get_input("path"))
    folder.mkdir(parents=True, exist_ok=True)
    run("git", "init", "--quiet", "--initial-branch=main", str(folder))
    run("git", "remote", "add", "origin", f"{server}/{repository}", cwd=folder)
    key = f"http.{server}/.extraheader"
    run("git", "config", "--local", key, header(token), cwd=folder)

    ref, sha = get_input("ref"), ""
    if not ref and repository == os.environ["GITHUB_REPOSITORY"]:
        ref, sha = os.environ["GITHUB_REF"], os.environ["GITHUB_SHA"]
    fetch(folder, ref or "HEAD", sha)
    set_output("ref", ref)
    set_output("commit", run("git", "rev-parse", "HEAD", cwd=folder).strip())
    if get_boolean("persist-credentials", True):
        save_state("repository", str(folder))
        save_state("key", key)
    else:
        run("git", "config", "--local", "--unset-all", key, cwd=folder)


def fetch(folder: Path, ref: str, sha: str) -> None:
    """Fetch one commit, or everything with fetch-depth 0, and check it out as the action does."""
    depth = get_input("fetch-depth", "1")
    tags = [] if get_boolean("fetch-tags", False) else ["--no-tags"]
    everything = ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"]
    branch = ref.removeprefix("refs/heads/") if ref.startswith("refs/heads/") else ""
    if not sha and not ref.startswith("refs/") and not is_commit(ref):
        branch = known_branch(folder, ref)
        ref = f"refs/heads/{branch}" if branch else f"refs/tags/{ref}" if ref != "HEAD" else ref
    wanted = sha or ref
    kept = (
        f"refs/remotes/origin/{branch}" if branch else ref if ref.startswith("refs/tags/") else "refs/remotes/checkout"
    )
    spec = f"+{wanted}:{kept}"
    if depth == "0":
        run("git", "fetch", "--quiet", "--prune", "origin", *everything, *([] if branch else [spec]), cwd=folder)
        if branch and sha:
            run("git", "update-ref", kept, sha, cwd=folder)
    else:
        run("git", "fetch", "--quiet", *tags, f"--depth={depth}", "origin", spec, cwd=folder)
    start = ["-B", branch, kept] if branch else ["--detach", kept]
    run("git", "checkout", "--quiet", "--force", *start, cwd=folder)


def is_commit(ref: str) -> bool:
    return len(ref) == 40 and not set(ref) - set("0123456789abcdef")


def known_branch(folder: Path, ref: str) -> str:
    if ref == "HEAD":
        head = run("git", "ls-remote", "--symref", "origin", "HEAD", cwd=folder)
        if "refs/heads/" not in head:
            fail("the repository is empty")
        return head.split("refs/heads/")[1].split()[0]
    return ref if run("git", "ls-remote", "origin", f"refs/heads/{ref}", cwd=folder).strip() else ""


def post() -> None:
    run("git", "config", "--local", "--unset-all", os.environ["STATE_KEY"], cwd=Path(os.environ["STATE_REPOSITORY"]))


phases(main, post)
