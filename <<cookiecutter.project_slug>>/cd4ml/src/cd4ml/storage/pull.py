"""The verb `pull`: fetch the data and models that dvc.lock names: from the DVC remote, or a registry in its place."""

import os

from cd4ml.errors import UserError
from cd4ml.storage.dvc_remote import dvc_remote
from cd4ml.storage.push import NOWHERE, dvc
from cd4ml.storage.registry import fetch
from cd4ml.terminal.arguments import Arguments


def main(argv: list[str]) -> None:
    """Fetch what dvc.lock names, and put it in its place; with --rev only fetch what a commit's names.

    Raises:
        UserError: there is no remote, or it lacks something.
    """
    arguments = Arguments("pull")
    arguments.add_argument("--rev", default="", help="a commit, whose data and models go into DVC's cache alone")
    revision = arguments.parse_args(argv).rev
    if dvc_remote():
        if revision:
            raise UserError("with a DVC remote, uv run dvc get . PATH --rev COMMIT fetches what a commit names")
        dvc("pull")
    elif os.environ.get("OBJECTS"):
        print(fetch(revision))
        if not revision:
            dvc("checkout")
    else:
        raise UserError(NOWHERE)
