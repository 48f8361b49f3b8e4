"""The verb `write-update`: make the commit of an update in a job that may not push it.

The first job runs code of the template and may not write to the repository. What it makes is in build/update.bundle, a
git bundle, and described in build/update.md and build/update.json.
"""

import json
import os
from pathlib import Path
from typing import Any

from cd4ml.delivery.actions_io import add_to_summary, set_outputs
from cd4ml.delivery.model_commit import as_bot
from cd4ml.files.atomic import replacing
from cd4ml.files.git import head_commit, output_of, run_git
from cd4ml.terminal.arguments import Arguments
from cd4ml.update import update
from cd4ml.update.generation import BRANCH
from cd4ml.update.merge import conflicting_files
from cd4ml.update.record import DETAILS, REPORT

BUNDLE = Path("build/update.bundle")


def main(argv: list[str]) -> None:
    """Update the project as `update` does, and commit conflicts with their markers; set outputs for the next job.

    Raises:
        UserError: the project cannot be updated; nothing was changed.
        SystemExit: the same, found by the template's own library, which printed the reason.
    """
    parser = Arguments("write-update")
    parser.add_argument(
        "--to", default="", help="a version, tag, branch or commit of the template (the newest version)"
    )
    arguments = parser.parse_args(argv)
    name_the_author()
    before = head_commit()
    try:
        update.main(["--to", arguments.to] if arguments.to else [])
    except SystemExit:
        if not conflicting_files():
            raise
        commit_conflicts()
    if head_commit() == before:
        set_outputs(version="")
        add_to_summary("Nothing to update: the project has the template's newest version.")
        return
    with replacing(BUNDLE) as temporary:
        is_kept = run_git("rev-parse", "--verify", "--quiet", f"refs/heads/{BRANCH}").returncode == 0
        output_of("bundle", "create", "--quiet", str(temporary), "HEAD", *([BRANCH] if is_kept else []), f"^{before}")
    details = read_details()
    set_outputs(version=str(details["version"]))
    add_to_summary(REPORT.read_text(encoding="utf-8"))
    print(f"wrote {BUNDLE}; next: uv run cd4ml propose-update")


def name_the_author() -> None:
    """Let the workflows' bot be who commits in this clone: always in a workflow, and else if git knows nobody.

    By that, propose-update knows its own commits. On a runner of one's own, git may know somebody.
    """
    is_workflow = os.environ.get("GITHUB_ACTIONS") == "true"
    if is_workflow or run_git("var", "GIT_COMMITTER_IDENT").returncode:
        for setting in (word for word in as_bot() if word != "-c"):
            name, _, value = setting.partition("=")
            output_of("config", name, value)


def commit_conflicts() -> None:
    """Commit files with the markers of their conflicts, for a pull request in which a person resolves them."""
    output_of("add", "--all", "--", *(f":(top,literal){path}" for path in conflicting_files()))
    output_of("-c", "core.editor=true", "cherry-pick", "--continue")


def read_details() -> dict[str, Any]:
    """Return what build/update.json says of the update."""
    details: dict[str, Any] = json.loads(DETAILS.read_text(encoding="utf-8"))
    return details
