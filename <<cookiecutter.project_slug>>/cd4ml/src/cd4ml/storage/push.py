"""The verb `push`: bring data and models to where others find them: the DVC remote, or a registry in its place."""

import os

from cd4ml.errors import UserError
from cd4ml.storage.dvc_remote import dvc_remote, missing_in_remote, put_what_is_missing
from cd4ml.storage.registry import send
from cd4ml.terminal.arguments import Arguments

NOWHERE = "no DVC remote yet: uv run dvc remote add --default storage FOLDER-OR-URL (docs/connect-your-data.md)"


def main(argv: list[str]) -> None:
    """Bring what dvc.lock names to the remote.

    Raises:
        UserError: there is no remote, it refuses, or DVC's cache lacks something.
    """
    Arguments("push").parse_args(argv)
    if dvc_remote():
        dvc("push")
        if missing_in_remote():  # of a folder that it has, DVC takes every file for granted
            put_what_is_missing()
    elif os.environ.get("OBJECTS"):
        print(send())
    else:
        raise UserError(NOWHERE)


def dvc(*words: str) -> None:
    """Run DVC, in this process; it says itself what it does.

    Raises:
        UserError: it fails.
    """
    from dvc.cli import main as run

    if run(list(words)):
        raise UserError(f"dvc {words[0]} failed, for the reason above; when that is mended, run this again")
