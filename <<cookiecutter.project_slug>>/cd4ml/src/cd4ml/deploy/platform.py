"""What a platform knows and does in a release; `state` is what was read, `release` has the order of the steps.

A platform is a class that inherits `Platform`, in a package of its own, and is named in `clouds`. Methods with a body
are defaults: a platform that has nothing of its own to say there leaves them alone.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol, TypeVar

from cd4ml.deploy.commands import CloudError
from cd4ml.deploy.names import SCRIPT
from cd4ml.deploy.state import Plan, State, under_way


@dataclass(frozen=True)
class Asking:
    """How a service is asked, besides its address: arguments and environment of the smoke test."""

    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Earlier:
    """How a rollback gets back to an image."""

    image: str = ""
    """Deploy it again."""
    revision: str = ""
    """This revision of it is there still, and can take all traffic: first of all, what served before a release."""
    serves: str = ""
    """In words, that this revision takes all traffic already."""
    under_way: bool = False
    """A rollback that was stopped has begun with it."""
    proved: bool = False
    """It served just before, so that being ready is enough."""


class Judge:
    """What a canary is judged by besides our own requests: here by nothing else."""

    def look(self) -> str:
        """Look once; return how it ends, if it is decided, else nothing.

        Raises:
            CloudError: the candidate is not good enough.
        """
        return ""

    def verdict(self, probes: int, rounds: int) -> str:
        """Return how it ends once the time is over."""
        return f"judged on probes only ({probes} times, {rounds} rounds each)"


AnyState = TypeVar("AnyState", bound=State)


class Platform(Protocol[AnyState]):
    """A project's services on one platform."""

    tool: ClassVar[str]
    """The vendor's command line."""
    tool_from: ClassVar[str]
    """Where one gets it."""
    tool_environment: ClassVar[Mapping[str, str]] = {}
    """What it is given besides this process's own environment."""
    sidecar: ClassVar[str] = ""
    """An image that runs before the service, by its digest: it is scanned with the service's own."""
    usage: ClassVar[Path]
    """The file that lists the verbs."""

    def verbs(self) -> Mapping[str, Callable[..., None]]:
        """Return the verbs besides those of a release: bootstrap, doctor, rotate, destroy."""
        return {}

    def look(self, environment: str) -> AnyState:
        """Read a service.

        Raises:
            CloudError: that fails for another reason than that there is none.
        """

    # a deploy, in this order

    def prepare(self, environment: str) -> None:
        """Look at the settings of what is to be made, before anything is read or changed.

        Raises:
            CloudError: a setting is wrong, or something is missing that a service needs.
        """

    def settle(self, state: AnyState) -> AnyState:
        """End what a run left that was stopped half-way; return what is so then, or in a dry run what would be.

        Raises:
            CloudError: it cannot be ended.
        """

    def name(self, state: AnyState, image: str) -> str:
        """Return what the candidate is to be known by."""

    def notice(self, state: AnyState, before: str) -> str:
        """Return what a person should know before the candidate is made, as where it takes all traffic at once."""
        return ""

    def intend(self, state: AnyState, plan: Plan) -> bool:
        """Write down what is about to be done, where there is something to write it on; return whether it is."""

    def create(self, state: AnyState, plan: Plan) -> None:
        """Make the candidate.

        Raises:
            CandidateError: it was not accepted, or did not come up.
        """

    def follow(self, state: AnyState, plan: Plan) -> AnyState:
        """Wait until the candidate of a deploy is up; return what is so then. `state` is from before `create`.

        Raises:
            CandidateError: it does not come up.
            CloudError: another deploy has taken over.
        """

    def address(self, state: AnyState) -> str:
        """Return where the service answers, or will once something serves; empty where nobody knows yet."""
        return state.url

    def rows(self, state: AnyState) -> Mapping[str, str]:
        """Return what a deploy prints besides the revision and the one before."""
        return {"candidate": state.candidate_url}

    # promote

    def ended(self, state: AnyState, revision: str) -> str:
        """Return, in words, that a candidate's release has ended well already; empty where it has not.

        What a promotion that was stopped has left beside it is removed.
        """

    def unshared(self, state: AnyState, percent: int) -> str:
        """Return, in words, why less than all traffic is not for us to give; empty where it is."""
        return ""

    def promote(self, state: AnyState, percent: int) -> Sequence[str]:
        """Give the candidate its share, and end the release where that is all; return the lines that say so.

        Raises:
            CloudError: it does not serve, or another deploy has taken over.
        """

    # the way back

    def back_to(self, state: AnyState, before: str) -> None:
        """Let what served before serve again, or another revision, and end the release that is under way.

        Raises:
            CloudError: it may not serve.
        """

    def remove(self, state: AnyState) -> None:
        """Remove what a first release left that did not end.

        Raises:
            CloudError: it is there still.
        """

    def earlier(self, state: AnyState, digest: str) -> Earlier:
        """Return how a rollback gets back to an image.

        If a release is under way, and that image served before it, nothing is deployed: `revision` is `state.previous`.

        Raises:
            CloudError: it does not.
        """

    def resume(self, state: AnyState, plan: Plan) -> AnyState:
        """Go on with a rollback that was stopped, as `follow` does."""
        return self.follow(state, plan)

    def check_revision(self, revision: str, environment: str) -> str:
        """Return what `restore` may be given, if it is that, or nothing.

        Raises:
            CloudError: it is not.
        """
        if not re.fullmatch(r"[a-z0-9-]*", revision):
            raise CloudError(f"REVISION is a revision's name: {SCRIPT} status {environment}")
        return revision

    # asking, and telling

    def asking(self, state: AnyState) -> Asking:
        """Return how a service is asked.

        Raises:
            CloudError: what is needed for it cannot be read.
        """
        return Asking()

    def judge(self, state: AnyState, seconds: int) -> Judge:
        """Return what a canary of so many seconds is judged by.

        Raises:
            CloudError: a setting is wrong.
        """
        return Judge()

    def table(self, state: AnyState, rows: int) -> Sequence[tuple[str, ...]]:
        """Return a table of what serves: names of the columns, then so many rows at most."""

    def remarks(self, state: AnyState) -> Sequence[str]:
        """Return what `status` says below the table."""
        return [under_way(state.environment)] if state.candidate or state.previous else []
