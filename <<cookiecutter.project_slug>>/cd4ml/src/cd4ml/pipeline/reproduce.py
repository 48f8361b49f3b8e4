"""The verb `train`: run the stages of dvc.yaml that are out of date, then publish the result to MLflow."""

import subprocess  # dvc, with arguments of ours alone

from cd4ml.errors import UserError
from cd4ml.files.dvc_command import dvc_command, dvc_environment
from cd4ml.files.git import output_of
from cd4ml.settings import paths
from cd4ml.terminal.arguments import Arguments
from cd4ml.tracking.track import track_after_training


def main(argv: list[str]) -> None:
    """Train, and publish the run unless told not to.

    Raises:
        UserError: a merge left conflicts, or a stage failed, which says itself why.
    """
    arguments = Arguments("train")
    arguments.add_argument(
        "--no-track", action="store_true", help="publish nothing to MLflow; `cd4ml track` does later"
    )
    track = not arguments.parse_args(argv).no_track
    reproduce()
    if track:
        track_after_training()
    print("next: make serve to ask it, make gate to judge it, git add -A && git commit to keep it")


def reproduce(*words: str) -> None:
    """Run `dvc repro` with these words.

    Raises:
        UserError: a merge left conflicts, or a stage failed, which says itself why.
    """
    check_merged()
    if subprocess.run(dvc_command("repro", *words), env=dvc_environment(), check=False).returncode:
        raise UserError(
            "a stage failed, for the reason above; after fixing it run this again, and it goes on from there"
        )


def check_merged() -> None:
    """Check that no merge left conflicts.

    Raises:
        UserError: one did; with what to do.
    """
    made_by_training = [":!dvc.lock", f":!{paths.REPORTS}", f":!{paths.VALIDATED}"]
    own = output_of("diff", "--name-only", "--diff-filter=U", "--relative", "--", ".", *made_by_training).split("\n")
    if own != [""]:
        raise UserError(f"a merge left conflicts in {' '.join(own)}: resolve them, git add them, and run this again")
    if output_of("ls-files", "--unmerged"):
        raise UserError(
            "a merge left conflicts in dvc.lock or reports: make undo takes this branch's, then make train makes the "
            "merged state's"
        )
