"""What a platform knows and does in its set-up; `bootstrap`, `doctor`, `rotate` and `destroy` have the order."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Protocol

from cd4ml.deploy.commands import Command
from cd4ml.deploy.set_up.identities import Jobs
from cd4ml.deploy.set_up.steps import Step

_OLD = timedelta(days=90)


@dataclass(frozen=True)
class Key:
    """A key with which an identity signs in."""

    name: str
    is_old: bool
    """It should be rotated."""


def oldest_first(made: Iterable[tuple[str, str]], now: datetime) -> list[Key]:
    """Return keys, given the times in ISO 8601 at which they were made, and their names; 90 days make one old."""
    keys = sorted((datetime.fromisoformat(time), name) for time, name in made)
    return [Key(name, time < now - _OLD) for time, name in keys]


@dataclass(frozen=True)
class Removal:
    """A command that removes something, which may be gone already."""

    command: Command | None
    """None: nobody can tell what is to be removed, and `unread` says why."""
    what: str = ""
    """What kind of thing it is, as in the rows of `bootstrap`; empty where it is a part of another, and has no row."""
    name: str = ""
    listing: Command | None = None
    """Lists what is there, if the tool has no code that says that it is gone: an empty list does."""
    hints: tuple[tuple[str, str], ...] = ()
    """What to do where it fails, in words: each after a regular expression of codes."""
    unread: str = ""


class SetUp(Protocol):
    """A project on one platform, as its owner sets it up."""

    can_renew: ClassVar[bool] = False
    """Whether `bootstrap --renew` replaces what is old: steps that are, and have a command."""

    @property
    def identities(self) -> "CloudSetUp | None":
        """Return the set-up of the identities that GitHub's jobs sign in as; None where the platform has none."""
        return None

    # bootstrap and doctor

    def parts(self, credentials: str, jobs: Jobs, look_only: bool) -> Iterator[tuple[str, Iterator[Step]]]:
        """Return what a project needs, in the order in which one needs the other: kinds, and the steps of each.

        Each is read when its turn comes; that it cannot be read does not keep `doctor` from the next part.

        Keys of identities are not among it; without identities, `credentials` is empty.

        Raises:
            CloudError: something cannot be read, or a setting is wrong.
        """

    def look_at_service(self, environment: str) -> Step:
        """Return a row about a service.

        Raises:
            CloudError: it cannot be read.
        """

    def variables(self, credentials: str) -> Mapping[str, str]:
        """Return the variables that workflows need."""

    def log_for_reading(self) -> str:
        """Return where the prediction log is, as a program opens it.

        Raises:
            CloudError: the platform has no place for one.
        """

    def left_to_do(self) -> str:
        """Return what people have to do yet, after `bootstrap` and before `make doctor`: commands, or where it says."""

    # keys of clients

    def api_keys(self) -> str:
        """Return the service's keys, the newest first, with commas between.

        Raises:
            UnreadError: they cannot be read.
        """

    def write_api_keys(self, value: str) -> Step:
        """Return the step that writes them."""

    def forget_api_keys(self, before: bool) -> Sequence[Command]:
        """Return the commands that remove what was written earlier, or, before a write, all that was."""

    def how_to_read_api_keys(self) -> str:
        """Return the command that prints them."""

    # destroy

    def whole(self) -> str:
        """Return what everything is removed from."""

    def inventory(self) -> Sequence[tuple[str, str]]:
        """Return what is to be removed: kinds and names.

        Raises:
            CloudError: that cannot be told.
        """

    def removals(self) -> Iterable[Removal]:
        """Return the commands that remove it, in order; what one depends on may be read when its turn comes.

        Raises:
            CloudError: something cannot be read.
        """


class CloudSetUp(SetUp, Protocol):
    """The same with identities of the platform's own, which GitHub's jobs sign in as."""

    key_secrets: ClassVar[tuple[str, ...]]
    """The secrets on GitHub that hold an identity's key; the step of `make_key` leaves a file for each."""

    @property
    def identities(self) -> "CloudSetUp":
        """Return this."""
        return self

    def refuse_forbidden_keys(self) -> None:
        """Look whether the organisation allows keys, before anything is made; keys that are there already are fine.

        Raises:
            CloudError: it forbids them.
        """

    def variables_of(self, who: str, credentials: str) -> Mapping[str, str]:
        """Return those of the environments that sign in as an identity."""

    def identity(self, who: str) -> str:
        """Return what an identity is called."""

    def keys_of(self, who: str) -> Sequence[Key]:
        """Return an identity's keys, oldest first.

        Raises:
            CloudError: they cannot be listed.
        """

    def make_key(self, who: str, folder: str) -> Step:
        """Return the step that makes a key, whose parts go into a folder, by the names in `key_secrets`."""

    def remove_key(self, who: str, key: Key) -> Command:
        """Remove a key."""
