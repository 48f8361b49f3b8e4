"""The verb `propose`: push what `record` committed, to a labelled pull request's branch or to ct/retrain."""

import os

from cd4ml.delivery.actions_io import flag, hand_on, run_url, summarize
from cd4ml.delivery.github import GitHub, GitHubError
from cd4ml.delivery.model_commit import unpack, why
from cd4ml.delivery.pull_request import propose, to_click
from cd4ml.delivery.quarantine import PREFIX
from cd4ml.errors import UserError
from cd4ml.files.git import GitError, file_at, git, holds, push, remote, said, tip
from cd4ml.gate.champion import LIVE, WANTED
from cd4ml.settings import paths
from cd4ml.terminal.arguments import Arguments

BRANCH = "ct/retrain"


def main(argv: list[str]) -> None:
    """Push the commit in build/change.bundle, open or update its pull request, start its checks.

    Raises:
        UserError: the commit is no trained state, its branch was moved meanwhile, or GitHub refuses.
    """
    Arguments("propose-model").parse_args(argv)
    commit, where, github = unpack(), remote(), GitHub.here()
    if where is None:
        raise UserError("git has no remote to push to; git remote add origin ADDRESS")
    branch = asked_for()
    if branch:
        forward(where, commit, branch)
        told = f"pushed {commit[:7]} to {branch}"
        number = unlabel(github, branch)
        hand_on(branch=branch, pull_request=number)
    else:
        branch = BRANCH
        rebuild(where, commit)
        address = propose(github, branch, said("log", "-1", "--format=%s", commit), body(commit))
        server = os.environ.get("GITHUB_SERVER_URL") or "https://github.com"
        told = address or to_click(github.repository, server, branch)
        hand_on(branch=branch, pull_request=address)
    if flag("BY_APP"):
        told += "; its checks start by themselves"
    else:
        github.post("actions/workflows/ci.yml/dispatches", {"ref": branch})
        told += "; started ci on it"
    summarize(f"{told}\n\n{file_at(commit, paths.GATE_TABLE.as_posix()) or ''}")
    print(told)


def asked_for() -> str:
    """Return the branch that HEAD_BRANCH names, as a pull request's; empty where it names none, or main.

    Raises:
        UserError: it is no branch of a pull request.
    """
    branch = os.environ.get("HEAD_BRANCH", "")
    if branch in ("", WANTED):
        return ""
    if branch in (LIVE, BRANCH) or branch.startswith(PREFIX) or git("check-ref-format", "--branch", branch).returncode:
        raise UserError("HEAD_BRANCH names no branch that may be committed to; name a pull request's")
    return branch


def forward(where: str, commit: str, branch: str) -> None:
    """Push a commit to a branch that is still where the training began.

    Raises:
        GitError: somebody pushed to it meanwhile, or it is gone.
    """
    there = tip(where, branch)
    if there is None:
        raise GitError(f"{where} has no branch {branch} any more, so nobody waits for this model")
    if not holds(commit, there):
        raise GitError(f"{branch} was pushed to while the model was trained; put the label `train` on it again")
    push(where, commit, branch)


def rebuild(where: str, commit: str) -> None:
    """Put ct/retrain at a commit, if nobody has moved it meanwhile; leave it where it says the same already."""
    there = tip(where, BRANCH)
    same = there and git("diff", "--quiet", there, commit).returncode == 0
    if same and git("rev-parse", f"{there}^").stdout == git("rev-parse", f"{commit}^").stdout:
        return
    push(where, commit, BRANCH, was=there, forced=True)


def unlabel(github: GitHub, branch: str) -> str:
    """Take the label `train` off the branch's pull request, so that it may be put there again; return the number."""
    try:
        numbers = [str(one["number"]) for one in github.get("pulls", head=f"{github.owner}:{branch}", state="open")]
        for number in numbers:
            github.delete(f"issues/{number}/labels/train")
    except GitHubError as refused:
        print(f"the label `train` stays: {refused}")
        return ""
    return numbers[0] if numbers else ""


def body(commit: str) -> str:
    """Return the pull request's text: the gate's table, why it was trained, and where."""
    table = file_at(commit, paths.GATE_TABLE.as_posix()) or ""
    run = f", in [this run]({run_url()})" if run_url() else ""
    return (
        f"{table}\nTrained from `{said('rev-parse', f'{commit}^')[:7]}`{run}; "
        f"the reason given: `{why().replace('`', '')}`.\n\n"
        "Merging this releases it, after the approval that `production` asks for. "
        "ct rebuilds this branch whenever it has a newer model: commit nothing of your own to it.\n"
    )
