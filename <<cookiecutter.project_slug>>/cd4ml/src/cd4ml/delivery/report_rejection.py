"""Keep one issue that says why a retrained model was rejected; close it once a later model passes."""

import os
from typing import Any

from cd4ml.delivery.actions_io import add_to_summary, run_url
from cd4ml.delivery.event import Event
from cd4ml.delivery.github import GitHub
from cd4ml.delivery.notify import tell
from cd4ml.delivery.single_issue import SingleIssue
from cd4ml.gate.recorded import recorded_verdict
from cd4ml.settings import paths
from cd4ml.settings.project import read_project
from cd4ml.terminal.arguments import Arguments

ISSUE = SingleIssue("Retraining was rejected", "<!-- ct: rejected -->")
_NOT_ENDED = "The gate, or the tests after it, did not end: see the run."


def main(argv: list[str]) -> None:
    """Open the issue, or update the open one, and tell people; close it if the model passed the gate and the tests.

    GATE and TESTS are the outcomes of the steps `gate` and `tests` of ct, such as `success`. If GATE is not set, the
    reason is the one in reports/gate.json.

    Raises:
        GitHubError: GitHub rejects a request, or does not answer.
    """
    Arguments("report-rejection").parse_args(argv)
    github = GitHub.from_environment()
    result, address = _close(github) if _passed() else _write(github)
    print(result)
    if not _passed():
        tell(rejection(address or run_url()))


def rejection(link: str) -> Event:
    """Return the event that tells of the rejection: the rules that were broken, or what did not end."""
    verdict = _verdict()
    if verdict is None:
        lines = [_NOT_ENDED]
    elif _tests_failed():
        lines = ["It passed the gate, then a test in tests/data or tests/model failed."]
    else:
        broken = [rule for rule in verdict.get("rules", ()) if rule.get("result") == "rejected"]
        lines = [f"{rule.get('rule')}: {rule.get('why', '')}" for rule in broken]
    lines.append("What is live stays live; nothing was committed.")
    version = str((verdict or {}).get("bundle", ""))
    return Event("rejected", read_project().name, ISSUE.title, tuple(lines), version, link)


def _passed() -> bool:
    return os.environ.get("GATE") == os.environ.get("TESTS") == "success"


def _tests_failed() -> bool:
    return os.environ.get("TESTS") == "failure"


def _verdict() -> dict[str, Any] | None:
    """Return the verdict on the model that was rejected; None if the gate, or the tests after it, did not end.

    What is checked out is the verdict on the model before. It stays if the gate ends with an error, and if the job runs
    out of time: no file of that job is here then.
    """
    verdict = recorded_verdict()
    if _tests_failed():
        return verdict
    gate_failed = os.environ.get("GATE", "") in ("", "failure")
    return verdict if gate_failed and verdict.get("passed") is False else None


def _write(github: GitHub) -> tuple[str, str]:
    """Write the reason to the issue, such as the gate's table; return what was done, and the issue's address."""
    table = paths.GATE_TABLE.read_text(encoding="utf-8") if paths.GATE_TABLE.exists() else "The gate wrote no table.\n"
    text = f"{_NOT_ENDED}\n" if _verdict() is None else table
    add_to_summary(text)
    if _tests_failed():
        text = f"The model passed the gate, then a test in tests/data or tests/model failed: see the run.\n\n{text}"
    run = f"\nIt was judged in [this run]({run_url()}). " if run_url() else "\n"
    return ISSUE.write(github, f"{text}{run}What is live stays live; nothing was committed.")


def _close(github: GitHub) -> tuple[str, str]:
    """Close the issue if there is one; return what was done, and the issue's address."""
    run = f" in [this run]({run_url()})" if run_url() else ""
    result, address = ISSUE.close(github, f"A later model passed the gate{run}.")
    return result or "no retraining was rejected before, so there is no issue to close", address
