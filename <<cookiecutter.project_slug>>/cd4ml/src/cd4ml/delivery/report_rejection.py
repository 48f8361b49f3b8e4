"""Keep one issue that says why the gate rejected a retraining; close it once a later model passes."""

import os

from cd4ml.delivery.actions_io import add_to_summary, is_set, run_url
from cd4ml.delivery.event import Event
from cd4ml.delivery.github import GitHub, GitHubError
from cd4ml.delivery.notify import tell
from cd4ml.delivery.single_issue import ISSUES_DISABLED, SingleIssue
from cd4ml.gate.recorded import recorded_verdict
from cd4ml.settings import paths
from cd4ml.settings.project import read_project
from cd4ml.terminal.arguments import Arguments

ISSUE = SingleIssue("Retraining was rejected", "<!-- ct: rejected -->")
_NOT_ENDED = "The gate, or the tests after it, did not end: see the run."


def main(argv: list[str]) -> None:
    """Open the issue, or update the open one, and tell people; with CLOSE=1 close it.

    Raises:
        GitHubError: GitHub rejects a request, or does not answer.
    """
    Arguments("report-rejection").parse_args(argv)
    github, address = GitHub.from_environment(), ""
    try:
        result, address = _close(github) if is_set("CLOSE") else _write(github)
    except GitHubError as failure:
        if failure.status != ISSUES_DISABLED:
            raise
        result = "issues are disabled in this repository, so the reason is in the run's summary alone"
    print(result)
    if not is_set("CLOSE"):
        tell(rejection(address or run_url()))


def rejection(link: str) -> Event:
    """Return the event that tells of the rejection: the rules that were broken, by reports/gate.json."""
    verdict = recorded_verdict()
    if os.environ.get("TESTS") == "failure":
        lines = ["It passed the gate, then a test in tests/data or tests/model failed."]
    elif verdict.get("passed") is True:
        lines = [_NOT_ENDED]
    else:
        broken = [rule for rule in verdict.get("rules", ()) if rule.get("result") == "rejected"]
        lines = [f"{rule.get('rule')}: {rule.get('why', '')}" for rule in broken]
    lines.append("What is live stays live; nothing was committed.")
    return Event("rejected", read_project().name, ISSUE.title, tuple(lines), str(verdict.get("bundle", "")), link)


def _write(github: GitHub) -> tuple[str, str]:
    """Write the gate's table to the issue; return what was done, and the issue's address."""
    table = paths.GATE_TABLE.read_text(encoding="utf-8") if paths.GATE_TABLE.exists() else "The gate wrote no table.\n"
    add_to_summary(table)
    if os.environ.get("TESTS") == "failure":
        table = f"The model passed the gate, then a test in tests/data or tests/model failed: see the run.\n\n{table}"
    elif recorded_verdict().get("passed") is True:  # of the model before, or of one whose tests were stopped
        table = f"{_NOT_ENDED}\n"
    run = f"\nIt was judged in [this run]({run_url()}). " if run_url() else "\n"
    return ISSUE.write(github, f"{table}{run}What is live stays live; nothing was committed.")


def _close(github: GitHub) -> tuple[str, str]:
    """Close the issue if there is one; return what was done, and the issue's address."""
    run = f" in [this run]({run_url()})" if run_url() else ""
    result, address = ISSUE.close(github, f"A later model passed the gate{run}.")
    return result or "no retraining was rejected before, so there is no issue to close", address
