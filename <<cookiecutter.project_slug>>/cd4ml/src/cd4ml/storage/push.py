"""The verb `push`: copy data and models to the DVC remote, or to a container registry instead of one."""

import os

from cd4ml.errors import UserError
from cd4ml.storage.dvc_remote import default_remote, missing_in_remote, upload_missing
from cd4ml.storage.registry import push_objects
from cd4ml.terminal.arguments import Arguments

NO_REMOTE = "no DVC remote yet: uv run dvc remote add --default storage FOLDER-OR-URL (docs/connect-your-data.md)"


def main(argv: list[str]) -> None:
    """Copy what dvc.lock lists to the remote.

    Raises:
        UserError: there is no remote, it does not answer or denies access, or DVC's cache lacks a file.
    """
    Arguments("push").parse_args(argv)
    if default_remote():
        run_dvc("push")
        if missing_in_remote():  # `dvc push` skips the files of a folder whose list the remote has
            upload_missing()
    elif os.environ.get("OBJECTS"):
        print(push_objects())
    else:
        raise UserError(NO_REMOTE)


def run_dvc(*arguments: str) -> None:
    """Run DVC in this process; it prints its own output and errors.

    Raises:
        UserError: it fails.
    """
    from cd4ml.files.run_dvc import main as dvc_main

    if dvc_main(list(arguments)):
        raise UserError(f"dvc {arguments[0]} failed, for the reason above; fix it, then run this again")
