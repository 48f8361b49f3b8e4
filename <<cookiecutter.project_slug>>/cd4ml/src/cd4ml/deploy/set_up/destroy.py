"""Remove what bootstrap and deploy made, and nothing else."""

import sys
from collections.abc import Sequence

from cd4ml.deploy.commands import CloudError, UnreadError
from cd4ml.deploy.set_up.patience import Patience, Removed
from cd4ml.deploy.set_up.platform import Removal, SetUp
from cd4ml.deploy.set_up.walk import show_row


def read_arguments(words: Sequence[str], slug: str) -> str:
    """Return the answer that is given already.

    Raises:
        CloudError: `destroy` takes something else.
    """
    match words:
        case []:
            return ""
        case ["--yes"]:
            return ""
        case ["--yes", answer, *_]:
            return answer
    raise CloudError(f"destroy takes --yes {slug}")


def destroy(set_up: SetUp, patience: Patience, slug: str, answer: str) -> None:
    """List it all, ask for the project's name, and remove it; what is gone already is no error.

    Raises:
        CloudError: the name was not given, or something is there still.
    """
    effects = patience.effects
    print(f"This removes from {set_up.whole()}, and nothing here brings it back:")
    for kind, names in set_up.inventory():
        print(f"  {kind:<12}{names}")
    if not answer and not effects.dry_run:
        print(f"Type {slug} to go on: ", end="", flush=True)
        answer = sys.stdin.readline().removesuffix("\n")
    if answer != slug and not effects.dry_run:
        raise CloudError("nothing was removed")
    gone = [_removed(removal, patience) for removal in set_up.removals()]
    if Removed.NOT in gone:
        raise CloudError("some could not be removed (above is why): run this again")
    if not effects.dry_run:
        print("removed; GitHub keeps its environments, variables and secrets: gh secret delete, gh variable delete")


def _removed(removal: Removal, patience: Patience) -> Removed:
    """Remove something, or print how, and print what became of it."""
    if patience.effects.dry_run and removal.command:
        patience.effects.change(removal.command)
        return Removed.NOW
    became = _tried(removal, patience)
    if removal.what:
        show_row(patience.effects, became, removal.what, removal.name)
    return became


def _tried(removal: Removal, patience: Patience) -> Removed:
    if removal.command is None:
        patience.effects.say(removal.unread)
        return Removed.NOT
    try:
        if removal.listing and not patience.find(removal.listing):
            return Removed.BEFORE
    except UnreadError as failure:
        patience.effects.say(str(failure))
        return Removed.NOT
    return patience.remove(removal.command, removal.hints)
