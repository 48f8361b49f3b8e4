"""The verb `train`: run the stages of dvc.yaml that are out of date, then publish the result to MLflow."""

import subprocess  # runs dvc, with fixed arguments

from cd4ml.errors import UserError
from cd4ml.files.dvc_command import dvc_command, dvc_environment
from cd4ml.files.git import output_of
from cd4ml.files.run_dvc import reader_has_ended
from cd4ml.settings import paths
from cd4ml.terminal.arguments import Arguments
from cd4ml.tracking.track import track_after_training


def main(argv: list[str]) -> None:
    """Run the pipeline, and publish the run unless `--no-track` is given.

    Raises:
        UserError: a merge left conflicts, or a stage failed.
    """
    arguments = Arguments("train")
    arguments.add_argument(
        "--no-track", action="store_true", help="publish nothing to MLflow; `cd4ml track` does so later"
    )
    track = not arguments.parse_args(argv).no_track
    reproduce()
    if track:
        track_after_training()
    print("next: make serve to try it, make gate to judge it, git add -A && git commit to keep it")


def reproduce(*arguments: str) -> None:
    """Run `dvc repro` with these arguments.

    Raises:
        UserError: a merge left conflicts, or a stage failed; the stage has printed why.
        BrokenPipeError: what reads the output, such as `head`, has ended.
    """
    check_no_conflicts()
    if subprocess.run(dvc_command("repro", *arguments), env=dvc_environment(), check=False).returncode:
        if reader_has_ended():
            raise BrokenPipeError
        raise UserError("a stage failed, for the reason above; fix it and run this again: finished stages are kept")


def check_no_conflicts() -> None:
    """Check that no merge left conflicts.

    Raises:
        UserError: one did; with what to do.
    """
    written_by_stages = [":!dvc.lock", f":!{paths.REPORTS}", f":!{paths.VALIDATED}"]
    unmerged = ["diff", "--name-only", "--diff-filter=U", "--relative", "--", "."]
    conflicts = output_of(*unmerged, *written_by_stages).split("\n")
    if conflicts != [""]:
        raise UserError(
            f"a merge left conflicts in {' '.join(conflicts)}: resolve them, git add them, and run this again"
        )
    if output_of("ls-files", "--unmerged"):
        raise UserError(
            "a merge left conflicts in dvc.lock or reports: make undo takes those of this branch, and make train then "
            "writes those of the merged state"
        )
