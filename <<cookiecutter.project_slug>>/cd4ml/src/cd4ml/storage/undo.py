"""Put data, models and reports back to the last commit: `make undo`."""

import subprocess  # git and dvc, with words of ours alone

from cd4ml.errors import UserError
from cd4ml.files.dvc_command import dvc_command
from cd4ml.settings import paths
from cd4ml.terminal.arguments import Arguments


def main(argv: list[str]) -> None:
    """Take dvc.lock and the reports from the last commit, and what dvc.lock names from DVC's cache.

    Raises:
        UserError: there is no commit yet, it holds no trained state, or the cache no longer has it.
    """
    Arguments("undo").parse_args(argv)
    if not _succeeds("git", "rev-parse", "--quiet", "--verify", "HEAD"):
        raise UserError("nothing is committed yet, so there is no state to go back to; `make train` goes on from here")
    kept = _committed("dvc.lock", str(paths.REPORTS), str(paths.VALIDATED))
    if "dvc.lock" not in kept:
        raise UserError("the last commit holds no dvc.lock, so no state to go back to; `make train` goes on from here")
    _run("git", "checkout", "--quiet", "HEAD", "--", *kept)
    _run("git", "clean", "-fdq", "--", str(paths.REPORTS))
    back = subprocess.run(dvc_command("checkout", "--force"), capture_output=True, check=False, text=True)
    if "Checkout failed" in back.stderr or "missing" in back.stderr:
        raise UserError("DVC's cache lacks what dvc.lock names: `make pull` fetches it, or `make train` makes it again")
    if back.returncode:
        raise UserError(f"DVC could not bring data and models back: {' '.join(back.stderr.split())[:200]}")
    print("data, models and reports are as in the last commit")


def _committed(*paths: str) -> list[str]:
    listed = subprocess.run(
        ["git", "ls-tree", "--name-only", "HEAD", "--", *paths], check=True, capture_output=True, text=True
    )
    return listed.stdout.split()


def _succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    if done.returncode:
        raise UserError(f"`{' '.join(command)}` failed: {done.stderr.strip().splitlines()[-1]}")
