"""Going back by the runbook: what the log shows before and after, and the image to go back to without GitHub."""

import json
import re
import sys
from pathlib import Path

import pytest
from github_server import GitHubServer
from released_repository import FIRST, IMAGE, OTHER_IMAGE, SECOND, Step, release, train_second
from trained_repository import run

from tests.runbook import blocks

PAGE = Path(__file__).parents[2] / "<<cookiecutter.project_slug>>/cd4ml/docs/runbook.md"
COMMAND = str(Path(sys.executable).parent / "cd4ml")


@pytest.fixture
def bad_release(repository: Path, github_server: GitHubServer, step: Step) -> None:
    """Two releases; the second is bad, and nothing of the log is known here yet but what `status` fetches."""
    release(step)
    train_second()
    release(step, OTHER_IMAGE)
    run("git", "update-ref", "-d", "refs/remotes/origin/production")


def lines(number: int) -> list[str]:
    return blocks(PAGE.read_text(encoding="utf-8"))["A bad model is live"][number].splitlines()


def newest_entry(printed: str) -> str:
    """Return the event of the first row below the head of the log's table."""
    _, _, table = printed.partition("live since")
    found = re.match(r"\S+ \S+ +(\w.*?)  ", table.splitlines()[1])
    assert found, printed
    return found[1]


def test_status_and_the_log_name_what_to_go_back_to(bad_release: None, step: Step) -> None:
    status = lines(0)[0].replace("uv run cd4ml", COMMAND).split()
    assert newest_entry(run(*status)) == f"release {SECOND}"

    before = json.loads(run(*lines(3)[0].split()))
    assert before["image"] == IMAGE
    assert before["bundle"] == FIRST

    step("record-rollback", RELEASE=f"model-{FIRST}", REASON="half of the predictions are wrong")
    assert lines(2) == [lines(0)[0]]
    printed = run(*status)
    assert newest_entry(printed) == f"rollback to {FIRST}"
    assert "half of the predictions are wrong" in printed
