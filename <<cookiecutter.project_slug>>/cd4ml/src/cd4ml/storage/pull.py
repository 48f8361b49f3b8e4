"""The verb `pull`: fetch the data and models that dvc.lock lists, from the DVC remote or a registry instead of one."""

import os
import shlex

from cd4ml.errors import UserError
from cd4ml.files.git import path_in_repository, top_folder
from cd4ml.storage.dvc_remote import default_remote
from cd4ml.storage.push import NO_REMOTE, run_dvc
from cd4ml.storage.registry import fetch_objects
from cd4ml.terminal.arguments import Arguments


def main(argv: list[str]) -> None:
    """Fetch what dvc.lock lists into the project; with --rev, what it lists at a commit, into DVC's cache only.

    Raises:
        UserError: there is no remote, or it lacks a file.
    """
    arguments = Arguments("pull")
    arguments.add_argument("--rev", default="", help="a commit; its data and models go into DVC's cache only")
    revision = arguments.parse_args(argv).rev
    if default_remote():
        if revision:
            path = path_in_repository("PATH")
            raise UserError(
                f"with a DVC remote, uv run dvc get {shlex.quote(top_folder())} {shlex.quote(path)} --rev COMMIT "
                "fetches what dvc.lock lists there"
            )
        run_dvc("pull")
    elif os.environ.get("OBJECTS"):
        print(fetch_objects(revision))
        if not revision:
            run_dvc("checkout")
    else:
        raise UserError(NO_REMOTE)
