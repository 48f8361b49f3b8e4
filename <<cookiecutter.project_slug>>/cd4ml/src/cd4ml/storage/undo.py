"""The verb `undo`: restore the data, models and reports of the last commit."""

import subprocess  # git and dvc, with arguments that the library chooses

from cd4ml.errors import UserError
from cd4ml.files.dvc_command import dvc_command
from cd4ml.settings import paths
from cd4ml.terminal.arguments import Arguments


def main(argv: list[str]) -> None:
    """Restore dvc.lock and the reports from the last commit, and the files that dvc.lock lists from DVC's cache.

    Raises:
        UserError: there is no commit yet, it has no dvc.lock, or the cache lacks a file.
    """
    Arguments("undo").parse_args(argv)
    if not _succeeds("git", "rev-parse", "--quiet", "--verify", "HEAD"):
        raise UserError("there is no commit to go back to; `make train` goes on from here")
    committed = _committed("dvc.lock", str(paths.REPORTS), str(paths.VALIDATED))
    if "dvc.lock" not in committed:
        raise UserError("the last commit has no dvc.lock, so no state to go back to; `make train` goes on from here")
    _run("git", "checkout", "--quiet", "HEAD", "--", *committed)
    _run("git", "clean", "-fdq", "--", str(paths.REPORTS))
    checkout = subprocess.run(dvc_command("checkout", "--force"), capture_output=True, check=False, text=True)
    if "Checkout failed" in checkout.stderr or "missing" in checkout.stderr:
        raise UserError(
            "DVC's cache lacks files that dvc.lock lists: `make pull` fetches them, or `make train` makes them again"
        )
    if checkout.returncode:
        raise UserError(f"DVC could not restore data and models: {' '.join(checkout.stderr.split())[:200]}")
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
