"""Check whether a rollback waits or runs, so that a release that ends touches nothing any more."""

from cd4ml.delivery.actions_io import add_to_summary, set_outputs
from cd4ml.delivery.github import GitHub, GitHubError
from cd4ml.delivery.stop_releases import ACTIVE
from cd4ml.terminal.arguments import Arguments

_ROLLBACKS = "actions/workflows/rollback.yml/runs"


def main(argv: list[str]) -> None:
    """Set the output `preempted` to yes or no, and print the reason; if GitHub does not answer, it is no.

    A rollback that waits for somebody's approval takes over nothing yet: meanwhile what served before has to serve.

    Raises:
        GitHubError: GITHUB_REPOSITORY or GITHUB_TOKEN is missing.
    """
    Arguments("check-preempted").parse_args(argv)
    github = GitHub.from_environment()
    try:
        rollbacks = github.get(_ROLLBACKS, per_page=20)["workflow_runs"]
    except GitHubError as failure:
        set_outputs(preempted="no")
        print(f"whether a rollback is under way is not known: {failure}")
        return
    active = [run for run in rollbacks if run.get("status") in ACTIVE and run["status"] != "waiting"]
    set_outputs(preempted="yes" if active else "no")
    if not active:
        print("no rollback is under way")
        return
    text = f"a rollback goes first, and takes over what this release left: {active[0].get('html_url', '')}"
    add_to_summary(text)
    print(text)
