"""The verb `pull`: fetch the data and models that dvc.lock names: from the DVC remote, or a registry in its place."""

import os

from ..arguments import Arguments
from ..errors import UserError
from .push import NOWHERE, dvc
from .registry import fetch
from .store import dvc_remote


def main(argv: list[str]) -> None:
    """Fetch what dvc.lock names, and put it in its place; with --rev only fetch what a commit's names.

    Raises:
        UserError: there is no remote, or it lacks something.
    """
    arguments = Arguments("pull", "fetch the data and models that dvc.lock names")
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
