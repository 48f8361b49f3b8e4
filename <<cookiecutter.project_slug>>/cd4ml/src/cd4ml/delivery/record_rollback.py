"""Record a rollback in the log `production`, quarantine the bundle that was live, propose the revert."""

import os
from typing import Any

from cd4ml.delivery import releases
from cd4ml.delivery.actions_io import add_to_summary, run_url, set_outputs
from cd4ml.delivery.deployments import record_deployment
from cd4ml.delivery.event import Event
from cd4ml.delivery.github import GitHub, GitHubError
from cd4ml.delivery.model_commit import as_bot, reason_given
from cd4ml.delivery.notify import tell
from cd4ml.delivery.production_log import append_entry, read_record, released_commit
from cd4ml.delivery.pull_request import how_to_open, open_or_update, start_checks
from cd4ml.delivery.quarantine import lift_quarantine, quarantine_branch
from cd4ml.errors import UserError
from cd4ml.files.git import GitError, branch_commit, output_of, push_branch, remote_name, run_git, write_tree
from cd4ml.gate.branches import PRODUCTION, default_branch
from cd4ml.gate.champion import bundle_digest_at
from cd4ml.gate.recorded import recorded_verdict
from cd4ml.settings.project import read_project
from cd4ml.terminal.arguments import Arguments


def main(argv: list[str]) -> None:
    """Log the rollback to RELEASE, quarantine the bundle that was live, open the revert's pull request.

    Raises:
        UserError: there is no such release, `production` has moved meanwhile, or GitHub fails.
    """
    Arguments("record-rollback").parse_args(argv)
    github, origin = GitHub.from_environment(), remote_name()
    if origin is None:
        raise GitError("git has no remote, so there is no production to record it on; git remote add origin ADDRESS")
    tag = os.environ.get("RELEASE", "").strip()
    record = releases.metadata_of(github, tag)
    target = releases.fetched(record["commit"])
    live = branch_commit(origin, PRODUCTION)
    actions = [
        quarantine(origin, live, target) if live else "",
        log_rollback(origin, live, record, tag),
        propose_revert(github, origin, target, tag),
    ]
    try:
        record_deployment(github, record)
    except GitHubError as failure:  # the rollback itself is done
        actions.append(f"GitHub's deployments do not show it: {failure}")
    result = "\n".join(f"- {action}" for action in actions if action)
    add_to_summary(f"Rolled back to {tag}: {reason_given()}\n\n{result}")
    print(result)
    why = (f"The reason given: {reason_given()}", *filter(None, actions))
    tell(
        Event(
            "rolled back", read_project().name, f"Rolled back to {tag}", why, str(record.get("bundle", "")), run_url()
        )
    )


def quarantine(origin: str, live: str, target: str) -> str:
    """Quarantine the bundle that was live, and lift the quarantine of the target's; return what was done."""
    lift_quarantine(str(recorded_verdict(target).get("bundle", "")))
    if bundle_digest_at(live) == bundle_digest_at(target):
        same = released_commit(live) == target
        return "" if same else "both have the same bundle, so none is quarantined: only code was rolled back"
    bundle = str(recorded_verdict(live).get("bundle", ""))
    if not bundle:
        raise UserError(f"reports/gate.json at {live[:7]} names no bundle, so none could be quarantined")
    branch = quarantine_branch(bundle)
    if branch_commit(origin, branch) is None:
        push_branch(origin, live, branch)
    return f"{bundle} is quarantined: no push releases it again; git push {origin} --delete {branch} lifts that"


def log_rollback(origin: str, live: str | None, record: dict[str, Any], tag: str) -> str:
    """Add the rollback to the log, unless the release is the one that is live; return what was done."""
    newest = read_record(live) if live else {}
    if live and (newest.get("commit"), newest.get("image")) == (record["commit"], record["image"]):
        entry = live
    else:
        entry = append_entry(origin, live, f"rollback to {record['bundle']}", record, reason_given())
    set_outputs(moved="yes")
    return f"{PRODUCTION} is at {entry[:7]}: {tag}, of commit {record['commit'][:7]}"


def propose_revert(github: GitHub, origin: str, target: str, tag: str) -> str:
    """Open a pull request that gives the default branch the release's files; return its address, or what to do instead.

    `.github` stays as it is: a workflow's token may not change workflows.
    """
    default = default_branch()
    main_tip = branch_commit(origin, default)
    if main_tip is None:
        return ""
    commit = _revert_commit(main_tip, target, f"Revert to {tag}\n\nWhy: {reason_given()}\n")
    if commit is None:
        return f"{default} has the files of {tag} already"
    branch = f"rollback/{tag}"
    push_branch(origin, commit, branch, expected=branch_commit(origin, branch), force=True)
    log = output_of("log", "--oneline", "--no-decorate", "-n", "50", f"{target}..{main_tip}").replace("`", "'")
    run = f" in [this run]({run_url()})" if run_url() else ""
    body = (
        f"Production was rolled back to {tag}{run}; the reason given: `{reason_given().replace('`', '')}`.\n\n"
        f"This reverts these commits on {default}, except for `.github`:\n\n```\n{log}\n```\n\n"
        "Merge it, or fix the model and close it: only the bundle that was rolled back is quarantined.\n"
    )
    address = open_or_update(github, branch, f"Revert to {tag}", body)
    server = os.environ.get("GITHUB_SERVER_URL") or "https://github.com"
    set_outputs(pull_request=address)
    try:
        start_checks(github, branch)
    except GitHubError as failure:  # the rollback itself is done
        print(f"ci was not started on {branch}: {failure}")
    return address or how_to_open(github.repository, server, branch)


def _revert_commit(tip: str, target: str, message: str) -> str | None:
    """Return a commit on top of `tip` with the target's files of this project; None if nothing differs.

    `.github` stays as it is.
    """
    project = [".", ":(exclude,top).github"]
    if run_git("diff", "--quiet", tip, target, "--", *project).returncode == 0:
        return None
    files = output_of("ls-tree", "-r", "-z", "--full-name", target, ".")
    kept = "".join(f"{line}\0" for line in files.split("\0") if line and "\t.github/" not in line)
    tree = write_tree(kept, tip, project)
    return output_of(*as_bot(), "commit-tree", tree, "-p", tip, "-m", message)
