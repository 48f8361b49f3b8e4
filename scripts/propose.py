"""Propose what `make relock` changed as a pull request: `propose.py pack`, then `propose.py open` where it may write.

`pack` puts the changes into build/relock.patch, beside the table in build/relock.md. `open` commits them to the branch
`relock`, which it makes anew from the default branch, and opens or updates the pull request; a branch to which somebody
has committed stays as it is. With a token of a GitHub App, BY_APP=true. With GITHUB_TOKEN, changes of
`.github/workflows` are left out, as it may not push those, and the checks are started by hand, as GitHub starts none
for what it pushes. Standard library only.
"""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path

from scripts.github_api import GitHubError, Repository

ROOT = Path(__file__).resolve().parent.parent
BRANCH, TITLE = "relock", "relock: newer versions of what is pinned"
CHECKS = "test.yml"
_ADDRESS = "41898282+github-actions[bot]@users.noreply.github.com"
_NOT_OURS = ".github/workflows/*"  # at the root of the repository: what GITHUB_TOKEN may not push
_LEFT_OUT = (
    "\nChanges of `.github/workflows` are left out, as `GITHUB_TOKEN` may not push them: run `make relock ONLY=pins`"
    " and push, or let dependabot. The workflow has started the checks; if a rule of the repository waits for checks"
    " of the pull request, close and reopen it. A GitHub App needs neither: see CONTRIBUTING.md.\n"
)


def main() -> None:
    """Pack or open; what fails is said in one line."""
    try:
        match sys.argv[1:]:
            case ["pack"]:
                pack(ROOT)
            case ["open"]:
                propose(ROOT, Repository.of_workflow(), os.environ.get("BY_APP") == "true")
            case _:
                sys.exit("usage: propose.py pack | open")
    except GitHubError as error:
        sys.exit(f"propose: {error}")
    except subprocess.CalledProcessError as error:
        sys.exit(f"propose: {' '.join(error.cmd[:3])} failed: {error.stderr.strip()}")


def pack(root: Path) -> None:
    """Write the changes of tracked files into build/relock.patch, and tell the workflow whether there are any."""
    patch = git(root, "diff", "--binary", "HEAD")
    (root / "build").mkdir(exist_ok=True)
    (root / "build/relock.patch").write_text(patch, encoding="utf-8")
    tell("changed", "true" if patch else "false")
    print(f"{len(patch.splitlines())} lines of changes in build/relock.patch" if patch else "nothing changed")


def propose(root: Path, repository: Repository, by_app: bool) -> None:
    """Commit the patch to the branch, push it, open or update the pull request, and start its checks.

    Raises:
        GitHubError: GitHub refuses what it has to allow.
    """
    current = tip(root, repository.token)
    if current and git(root, "log", "-1", "--format=%ce", current).strip() != _ADDRESS:
        print(f"::warning::{BRANCH} has commits of somebody's, so it stays as it is: merge it, or delete it")
        return
    base = git(root, "rev-parse", "--abbrev-ref", "HEAD").strip()
    body = (root / "build/relock.md").read_text(encoding="utf-8") + ("" if by_app else _LEFT_OUT)
    git(root, "switch", "--force-create", BRANCH)
    git(root, "apply", "--index", *([] if by_app else [f"--exclude={_NOT_OURS}"]), "build/relock.patch")
    if not git(root, "status", "--porcelain", "--untracked-files=no"):
        print("only workflows changed, which GITHUB_TOKEN may not push: see CONTRIBUTING.md about a GitHub App")
        return
    git(root, *_author(), "commit", "--quiet", "--message", TITLE)
    lease = f"--force-with-lease=refs/heads/{BRANCH}:{current}"
    git(root, "push", "--quiet", lease, "origin", BRANCH, token=repository.token)
    show(repository, base, body)
    if not by_app:
        repository.ask("POST", f"/actions/workflows/{CHECKS}/dispatches", {"ref": BRANCH})
        print(f"started {CHECKS} for it")


def tip(root: Path, token: str) -> str:
    """Return the newest commit of the branch at the remote, which is fetched; empty if there is no such branch."""
    listed = git(root, "ls-remote", "--heads", "origin", f"refs/heads/{BRANCH}", token=token)
    if not listed:
        return ""
    is_shallow = git(root, "rev-parse", "--is-shallow-repository").strip() == "true"
    depth = ["--depth=1"] if is_shallow else []
    git(root, "fetch", "--quiet", "--no-tags", *depth, "origin", f"refs/heads/{BRANCH}", token=token)
    return git(root, "rev-parse", "FETCH_HEAD").strip()


def show(repository: Repository, base: str, body: str) -> None:
    """Open the pull request of the branch, or give the open one its new text; say what to do if that is not allowed."""
    owner = repository.name.partition("/")[0]
    _, pulls = repository.ask("GET", f"/pulls?state=open&head={owner}:{BRANCH}")
    if pulls:
        repository.ask("PATCH", f"/pulls/{pulls[0]['number']}", {"title": TITLE, "body": body})
        print(f"updated {pulls[0]['html_url']}")
        return
    pull = {"title": TITLE, "head": BRANCH, "base": base, "body": body}
    status, made = repository.ask("POST", "/pulls", pull, accept=(403,))
    if status == 403:  # a setting of the repository, which is off at first
        print(
            f"::warning::the branch {BRANCH} is pushed, but workflows may not open pull requests here: open it"
            " yourself, or allow it in Settings, Actions, General"
        )
    else:
        print(f"opened {made['html_url']}")


def git(root: Path, *words: str, token: str = "") -> str:
    """Run git in a folder and return what it prints; a token goes by its environment, which no other program sees."""
    secret = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    login = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{os.environ.get('GITHUB_SERVER_URL', 'https://github.com')}/.extraheader",
        "GIT_CONFIG_VALUE_0": f"AUTHORIZATION: basic {secret}",
    }
    return subprocess.run(
        ["git", *words], cwd=root, env=os.environ | (login if token else {}), capture_output=True, text=True, check=True
    ).stdout


def tell(name: str, value: str) -> None:
    """Give a value to the steps that follow in a workflow."""
    if path := os.environ.get("GITHUB_OUTPUT"):
        with Path(path).open("a", encoding="utf-8") as outputs:
            outputs.write(f"{name}={value}\n")


def _author() -> list[str]:
    return ["-c", "user.name=github-actions[bot]", "-c", f"user.email={_ADDRESS}"]


if __name__ == "__main__":
    main()
