"""The verb `propose-update`: push the commit in build/update.bundle and open its pull request, or an issue.

An update changes workflows, which a workflow's own token may not push. A GitHub App may; without one, an issue names
the command that a person runs.
"""

import os

from cd4ml.delivery.actions_io import add_to_summary, is_set
from cd4ml.delivery.github import GitHub
from cd4ml.delivery.model_commit import BOT_ADDRESS
from cd4ml.delivery.pull_request import how_to_open, open_or_update
from cd4ml.delivery.single_issue import SingleIssue
from cd4ml.errors import UserError
from cd4ml.files.git import GitError, branch_commit, output_of, push_branch, remote_name, run_git
from cd4ml.terminal.arguments import Arguments
from cd4ml.update.carry_out import SUBJECT
from cd4ml.update.generation import BRANCH
from cd4ml.update.record import REPORT
from cd4ml.update.summary import in_files
from cd4ml.update.write_update import BUNDLE, read_details

UPDATE_BRANCH = "update/template"
_FETCHED = "refs/cd4ml/update/"
ISSUE = SingleIssue("The template has a newer version", "<!-- cd4ml: update -->")


def main(argv: list[str]) -> None:
    """Open or update the pull request or the issue; close the issue if there is nothing to update.

    Raises:
        UserError: there is no remote, the bundle cannot be read, or GitHub fails.
    """
    Arguments("propose-update").parse_args(argv)
    github = GitHub.from_environment()
    if not BUNDLE.exists():
        done, _ = ISSUE.close(github, "The project has the template's newest version.")
        result = done or "nothing to update"
    elif is_set("BY_APP"):
        result = by_pull_request(github)
    else:
        result = by_issue(github)
    add_to_summary(result)
    print(result)


def by_pull_request(github: GitHub) -> str:
    """Push the update and the branch `template`, and open or update the pull request; return what was done."""
    origin, details = remote_name(), read_details()
    if origin is None:
        raise UserError("git has no remote to push to; git remote add origin ADDRESS")
    refs = (f"+HEAD:{_FETCHED}HEAD", f"+refs/heads/*:{_FETCHED}*")  # of the branches, it may lack `template`
    fetched = run_git("fetch", "--quiet", "--no-tags", str(BUNDLE.absolute()), *refs)
    if fetched.returncode:
        raise UserError(f"{BUNDLE} cannot be read here: is the commit that it builds on in this clone?")
    commit = output_of("rev-parse", "--verify", f"{_FETCHED}HEAD")
    current = branch_commit(origin, UPDATE_BRANCH)
    if current and not _is_the_workflows(current):
        return f"{UPDATE_BRANCH} has commits of somebody's, so it stays as it is: merge it, or delete it"
    if not (current and _is_same(current, commit)):
        push_branch(origin, commit, UPDATE_BRANCH, expected=current, force=True)
    note = _push_generations(origin)
    conflicts = len(details["conflicts"])
    title = f"Update the template to {details['after']}" + (f": {in_files(conflicts)} in conflict" if conflicts else "")
    text = REPORT.read_text(encoding="utf-8")
    if conflicts:
        text = f"{in_files(conflicts)} of this branch with markers of conflicts: resolve them in it.\n\n{text}"
    address = open_or_update(github, UPDATE_BRANCH, title, text, f"{REPORT.name} of the run's artifact `update`")
    server = os.environ.get("GITHUB_SERVER_URL") or "https://github.com"
    if address:
        ISSUE.close(github, f"There is a pull request: {address}")
    return (address or how_to_open(github.repository, server, UPDATE_BRANCH)) + note


def _push_generations(origin: str) -> str:
    """Push the branch `template`; return a line if that fails: a pull request does not need it, nor the next update."""
    try:
        push_branch(origin, output_of("rev-parse", f"{_FETCHED}{BRANCH}"), BRANCH)
    except GitError as error:
        return f"\nthe branch {BRANCH} is not pushed, and the next update does without it: {error}"
    return ""


def _is_the_workflows(commit: str) -> bool:
    """Return whether a commit is an update as the workflow made it.

    A person who amends one, with conflicts resolved, leaves its subject as it was, and becomes its committer.
    """
    committer, _, subject = _described(commit, "%ce%n%s").partition("\n")
    return subject.startswith(SUBJECT) and committer == BOT_ADDRESS


def _is_same(one: str, other: str) -> bool:
    """Return whether two commits are the same update of the same commit; the markers of conflicts always differ."""
    return _described(one, "%P%n%B") == _described(other, "%P%n%B")


def _described(commit: str, form: str) -> str:
    return output_of("log", "-1", f"--format={form}", commit)


def by_issue(github: GitHub) -> str:
    """Open or update the issue with the command that a person runs; return what was done."""
    details = read_details()
    command = f"git switch --create {UPDATE_BRANCH} && make update REF={details['commit'][:12]}"
    text = (
        "A workflow's own token may not push changes of workflows, and an update has some. Run this in a clone, then "
        f"push the branch:\n\n```\n{command}\n```\n\nWith a GitHub App, `update` opens a pull request instead: "
        f"`cd4ml/docs/github.md`.\n\n{REPORT.read_text(encoding='utf-8')}"
    )
    done, address = ISSUE.write(github, text)
    if not address:  # issues are disabled
        add_to_summary(text)
    return f"{done} {address}".strip()
