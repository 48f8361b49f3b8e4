"""The verb `rolled-back`: git says what serves again, holds what did not do, and proposes to take it back on main."""

import os

from cd4ml.delivery import releases as release
from cd4ml.delivery.actions_io import hand_on, run_url, summarize
from cd4ml.delivery.github import GitHub
from cd4ml.delivery.model_commit import bot, why
from cd4ml.delivery.pull_request import propose, to_click
from cd4ml.delivery.quarantine import branch_of
from cd4ml.errors import UserError
from cd4ml.files.git import GitError, git, push, remote, said, tip
from cd4ml.gate.champion import LIVE, WANTED, bundle_digest_at
from cd4ml.gate.recorded import recorded_verdict
from cd4ml.terminal.arguments import Arguments


def main(argv: list[str]) -> None:
    """Move `production` to a release's commit, hold the bundle that it named, open the pull request that reverts.

    Raises:
        UserError: there is no such release, `production` was moved meanwhile, or GitHub refuses.
    """
    Arguments("record-rollback").parse_args(argv)
    github, where = GitHub.here(), remote()
    if where is None:
        raise GitError("git has no remote whose production could be moved; git remote add origin ADDRESS")
    tag = os.environ.get("RELEASE", "").strip()
    to = release.named(github, tag)["commit"]
    if git("cat-file", "-e", f"{to}^{{commit}}").returncode:
        said("fetch", "--quiet", where, to)
    was = tip(where, LIVE)
    done = [hold(where, was, to) if was else "", back(where, was, to, tag), revert(github, where, to, tag)]
    told = "\n".join(f"- {line}" for line in done if line)
    summarize(f"Back to {tag}: {why()}\n\n{told}")
    print(told)


def hold(where: str, was: str, to: str) -> str:
    """Hold the bundle that was live, and let go of the one that is again; return what was done."""
    wanted = str(recorded_verdict(to).get("bundle", ""))
    if wanted and tip(where, branch_of(wanted)):
        push(where, "", branch_of(wanted))
    bad = str(recorded_verdict(was).get("bundle", ""))
    if bundle_digest_at(was) == bundle_digest_at(to):
        return "the bundle is the same, so none is held: it is code that was taken back" if was != to else ""
    if not bad:
        raise UserError(f"reports/gate.json at {was[:7]} names no bundle, so none could be held")
    if tip(where, branch_of(bad)) is None:
        push(where, was, branch_of(bad))
    return f"{bad} is held: no push brings it back; git push {where} --delete {branch_of(bad)} lets it go"


def back(where: str, was: str | None, to: str, tag: str) -> str:
    """Move `production`; return what was done."""
    if was != to:
        push(where, to, LIVE, was=was, forced=True)
    hand_on(moved="yes")
    return f"{LIVE} is at {to[:7]}, {tag}" + (f"; was at {was[:7]}" if was and was != to else "")


def revert(github: GitHub, where: str, to: str, tag: str) -> str:
    """Propose that main be as the release was; return what was done.

    The workflows stay as they are: a workflow's token may not change them.
    """
    main = tip(where, WANTED)
    if main is None:
        return ""
    commit = _as_it_was(main, to, f"Revert to {tag}\n\nWhy: {why()}\n")
    if commit is None:
        return f"{WANTED} holds just that already"
    branch = f"rollback/{tag}"
    push(where, commit, branch, was=tip(where, branch), forced=True)
    taken = said("log", "--oneline", "--no-decorate", "-n", "50", f"{to}..{main}").replace("`", "'")
    run = f" in [this run]({run_url()})" if run_url() else ""
    body = (
        f"Production went back to {tag}{run}; the reason given: `{why().replace('`', '')}`.\n\n"
        f"This takes back what {WANTED} has had since, but for `.github`:\n\n```\n{taken}\n```\n\n"
        "Merge it, or mend forward and close it: what was rolled back is held, and a newer model is not.\n"
    )
    address = propose(github, branch, f"Revert to {tag}", body)
    server = os.environ.get("GITHUB_SERVER_URL") or "https://github.com"
    hand_on(pull_request=address)
    return address or to_click(github.repository, server, branch)


def _as_it_was(main: str, to: str, text: str) -> str | None:
    """Return a commit on top of main with the files of an earlier one, but for `.github`; None where they are equal."""
    if git("diff", "--quiet", main, to, "--", ".", ":(exclude,top).github").returncode == 0:
        return None
    entries = [line for line in said("ls-tree", "--full-tree", to).splitlines() if not line.endswith("\t.github")]
    entries += [line for line in said("ls-tree", "--full-tree", main).splitlines() if line.endswith("\t.github")]
    tree = said("mktree", given="\n".join(entries) + "\n")
    return said(*bot(), "commit-tree", tree, "-p", main, "-m", text)
