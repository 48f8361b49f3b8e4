"""Record a rollback: move `production` back, quarantine the bundle that was live, propose the revert on main."""

import os

from cd4ml.delivery import releases
from cd4ml.delivery.actions_io import add_to_summary, run_url, set_outputs
from cd4ml.delivery.github import GitHub
from cd4ml.delivery.model_commit import as_bot, reason_given
from cd4ml.delivery.pull_request import how_to_open, open_or_update
from cd4ml.delivery.quarantine import lift_quarantine, quarantine_branch
from cd4ml.errors import UserError
from cd4ml.files.git import GitError, branch_commit, output_of, push_branch, remote_name, run_git
from cd4ml.gate.champion import MAIN, PRODUCTION, bundle_digest_at
from cd4ml.gate.recorded import recorded_verdict
from cd4ml.terminal.arguments import Arguments


def main(argv: list[str]) -> None:
    """Move `production` to the commit of RELEASE, quarantine the bundle that it named, open the revert's pull request.

    Raises:
        UserError: there is no such release, `production` has moved meanwhile, or GitHub fails.
    """
    Arguments("record-rollback").parse_args(argv)
    github, origin = GitHub.from_environment(), remote_name()
    if origin is None:
        raise GitError("git has no remote, so there is no production to move; git remote add origin ADDRESS")
    tag = os.environ.get("RELEASE", "").strip()
    target = releases.metadata_of(github, tag)["commit"]
    if run_git("cat-file", "-e", f"{target}^{{commit}}").returncode:
        output_of("fetch", "--quiet", origin, target)
    live = branch_commit(origin, PRODUCTION)
    actions = [
        quarantine(origin, live, target) if live else "",
        move_production_back(origin, live, target, tag),
        propose_revert(github, origin, target, tag),
    ]
    result = "\n".join(f"- {action}" for action in actions if action)
    add_to_summary(f"Rolled back to {tag}: {reason_given()}\n\n{result}")
    print(result)


def quarantine(origin: str, live: str, target: str) -> str:
    """Quarantine the bundle that was live, and lift the quarantine of the target's; return what was done."""
    lift_quarantine(str(recorded_verdict(target).get("bundle", "")))
    if bundle_digest_at(live) == bundle_digest_at(target):
        return "both have the same bundle, so none is quarantined: only code was rolled back" if live != target else ""
    bundle = str(recorded_verdict(live).get("bundle", ""))
    if not bundle:
        raise UserError(f"reports/gate.json at {live[:7]} names no bundle, so none could be quarantined")
    branch = quarantine_branch(bundle)
    if branch_commit(origin, branch) is None:
        push_branch(origin, live, branch)
    return f"{bundle} is quarantined: no push releases it again; git push {origin} --delete {branch} lifts that"


def move_production_back(origin: str, live: str | None, target: str, tag: str) -> str:
    """Move `production` to the target; return what was done."""
    if live != target:
        push_branch(origin, target, PRODUCTION, expected=live, force=True)
    set_outputs(moved="yes")
    return f"{PRODUCTION} is at {target[:7]}, {tag}" + (f"; was at {live[:7]}" if live and live != target else "")


def propose_revert(github: GitHub, origin: str, target: str, tag: str) -> str:
    """Open a pull request that gives main the release's files; return its address, or what to do instead.

    `.github` stays as it is: a workflow's token may not change workflows.
    """
    main_tip = branch_commit(origin, MAIN)
    if main_tip is None:
        return ""
    commit = _revert_commit(main_tip, target, f"Revert to {tag}\n\nWhy: {reason_given()}\n")
    if commit is None:
        return f"{MAIN} has the files of {tag} already"
    branch = f"rollback/{tag}"
    push_branch(origin, commit, branch, expected=branch_commit(origin, branch), force=True)
    log = output_of("log", "--oneline", "--no-decorate", "-n", "50", f"{target}..{main_tip}").replace("`", "'")
    run = f" in [this run]({run_url()})" if run_url() else ""
    body = (
        f"Production was rolled back to {tag}{run}; the reason given: `{reason_given().replace('`', '')}`.\n\n"
        f"This reverts these commits on {MAIN}, except for `.github`:\n\n```\n{log}\n```\n\n"
        "Merge it, or fix the model and close it: only the bundle that was rolled back is quarantined.\n"
    )
    address = open_or_update(github, branch, f"Revert to {tag}", body)
    server = os.environ.get("GITHUB_SERVER_URL") or "https://github.com"
    set_outputs(pull_request=address)
    return address or how_to_open(github.repository, server, branch)


def _revert_commit(main_tip: str, target: str, message: str) -> str | None:
    """Return a commit on top of main with the target's files, but main's `.github`; None if nothing differs."""
    if run_git("diff", "--quiet", main_tip, target, "--", ".", ":(exclude,top).github").returncode == 0:
        return None
    entries = [
        line for line in output_of("ls-tree", "--full-tree", target).splitlines() if not line.endswith("\t.github")
    ]
    entries += [
        line for line in output_of("ls-tree", "--full-tree", main_tip).splitlines() if line.endswith("\t.github")
    ]
    tree = output_of("mktree", stdin="\n".join(entries) + "\n")
    return output_of(*as_bot(), "commit-tree", tree, "-p", main_tip, "-m", message)
