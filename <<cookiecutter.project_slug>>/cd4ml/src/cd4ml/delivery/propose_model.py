"""Push the commit in build/change.bundle: to the branch of a pull request that HEAD_BRANCH names, or to ct/retrain."""

import os

from cd4ml.delivery.actions_io import add_to_summary, is_set, run_url, set_outputs
from cd4ml.delivery.github import GitHub
from cd4ml.delivery.model_commit import as_bot, read_commit_file, reason_given
from cd4ml.delivery.pull_request import how_to_open, open_or_update, start_checks
from cd4ml.delivery.quarantine import BRANCH_PREFIX
from cd4ml.errors import UserError
from cd4ml.files.git import GitError, branch_commit, file_at, is_ancestor, output_of, push_branch, remote_name, run_git
from cd4ml.gate.branches import PRODUCTION, default_branch
from cd4ml.settings import paths
from cd4ml.terminal.arguments import Arguments

RETRAIN_BRANCH = "ct/retrain"


def main(argv: list[str]) -> None:
    """Push the commit in build/change.bundle, open or update its pull request, start its checks.

    Raises:
        UserError: the commit changes other files than training does, its branch has moved, or GitHub fails.
    """
    Arguments("propose-model").parse_args(argv)
    commit, origin, github = read_commit_file(), remote_name(), GitHub.from_environment()
    if origin is None:
        raise UserError("git has no remote to push to; git remote add origin ADDRESS")
    branch = requested_branch()
    if branch:
        push_to_pull_request(origin, commit, branch)
        result = f"pushed {commit[:7]} to {branch}"
        set_outputs(branch=branch)
    else:
        branch = RETRAIN_BRANCH
        push_to_retrain_branch(origin, rebased(origin, commit))
        address = open_or_update(
            github, branch, output_of("log", "-1", "--format=%s", commit), pull_request_text(commit)
        )
        server = os.environ.get("GITHUB_SERVER_URL") or "https://github.com"
        result = address or how_to_open(github.repository, server, branch)
        set_outputs(branch=branch, pull_request=address)
    if is_set("BY_APP"):
        result += "; its checks start by themselves"
    else:
        start_checks(github, branch)
        result += "; started ci on it"
    add_to_summary(f"{result}\n\n{file_at(commit, paths.GATE_TABLE.as_posix()) or ''}")
    print(result)


def requested_branch() -> str:
    """Return the branch of a pull request that HEAD_BRANCH names; empty if it names none, or the default one.

    Raises:
        UserError: a pull request cannot be on this branch.
    """
    branch = os.environ.get("HEAD_BRANCH", "")
    if branch in ("", default_branch()):
        return ""
    reserved = branch in (PRODUCTION, RETRAIN_BRANCH) or branch.startswith(BRANCH_PREFIX)
    if reserved or run_git("check-ref-format", "--branch", branch).returncode:
        raise UserError("no model may be committed to the branch that HEAD_BRANCH names; name a pull request's branch")
    return branch


def push_to_pull_request(origin: str, commit: str, branch: str) -> None:
    """Push a commit to a pull request's branch, if nobody has pushed to it since the training started.

    Raises:
        GitError: somebody has pushed to it, or it does not exist any more.
    """
    current = branch_commit(origin, branch)
    if current is None:
        raise GitError(f"{origin} has no branch {branch} any more, so the model was not pushed")
    if not is_ancestor(current, commit):
        raise GitError(f"{branch} was pushed to while the model was trained; put the label `train` on it again")
    push_branch(origin, commit, branch)


def rebased(origin: str, commit: str) -> str:
    """Return the commit on top of the default branch, as it is if that is not possible without a conflict.

    The branch may have moved during the training. GitHub lets a workflow's token push no commit whose workflows differ
    from those of the default branch.
    """
    name = default_branch()
    tip, base = branch_commit(origin, name), output_of("rev-parse", f"{commit}^")
    if tip in (None, base):
        return commit
    merged = run_git("merge-tree", "--write-tree", str(tip), commit)
    if merged.returncode:
        print(f"{name} has changed the same lines since {base[:7]}; resolve the conflict in the pull request")
        return commit
    message = output_of("log", "-1", "--format=%B", commit)
    return output_of(*as_bot(), "commit-tree", merged.stdout.split()[0], "-p", str(tip), "-m", message)


def push_to_retrain_branch(origin: str, commit: str) -> None:
    """Replace ct/retrain by a commit; leave it as it is if it has the same files and the same parent already."""
    current = branch_commit(origin, RETRAIN_BRANCH)
    same = current and run_git("diff", "--quiet", current, commit).returncode == 0
    if same and run_git("rev-parse", f"{current}^").stdout == run_git("rev-parse", f"{commit}^").stdout:
        return
    push_branch(origin, commit, RETRAIN_BRANCH, expected=current, force=True)


def pull_request_text(commit: str) -> str:
    """Return the pull request's description: the gate's table, why the model was trained, and the run."""
    table = file_at(commit, paths.GATE_TABLE.as_posix()) or ""
    run = f", in [this run]({run_url()})" if run_url() else ""
    return (
        f"{table}\nTrained from `{output_of('rev-parse', f'{commit}^')[:7]}`{run}; "
        f"the reason given: `{reason_given().replace('`', '')}`.\n\n"
        "Merging this releases it, after the approval that `production` requires. "
        "ct replaces this branch whenever it has a newer model: commit nothing of your own to it.\n"
    )
