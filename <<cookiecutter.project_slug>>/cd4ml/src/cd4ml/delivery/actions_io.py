"""Write the outputs of a workflow's step, and the summary of its run; outside GitHub Actions, write nothing."""

import os
from pathlib import Path

from cd4ml.errors import UserError


def set_outputs(**outputs: str) -> None:
    """Write outputs, one `name=value` a line, to the file that GITHUB_OUTPUT names; do nothing if it is not set.

    Raises:
        UserError: a value has a line break, which would end it and start another output.
    """
    for name, value in outputs.items():
        if len(value.splitlines()) > 1:
            raise UserError(f"the output {name} has more than one line: {value.splitlines()[0][:80]}…")
    _append("GITHUB_OUTPUT", "".join(f"{name}={value}\n" for name, value in outputs.items()))


def add_to_summary(markdown: str) -> None:
    """Add Markdown to the summary page of the workflow's run."""
    _append("GITHUB_STEP_SUMMARY", markdown.rstrip("\n") + "\n\n")


def run_url() -> str:
    """Return the address of the workflow's run that this process belongs to; empty on a laptop."""
    repository, run = os.environ.get("GITHUB_REPOSITORY"), os.environ.get("GITHUB_RUN_ID")
    server = os.environ.get("GITHUB_SERVER_URL", "https://github.com")
    return f"{server}/{repository}/actions/runs/{run}" if repository and run else ""


def in_workflow() -> bool:
    """Return whether this process runs in GitHub Actions."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def is_set(name: str) -> bool:
    """Return whether an environment variable switches something on: any value but an empty one, 0, no and false."""
    return os.environ.get(name, "").strip().lower() not in ("", "0", "no", "false")


def _append(variable: str, text: str) -> None:
    if file := os.environ.get(variable):
        with Path(file).open("a", encoding="utf-8") as stream:
            stream.write(text)
