"""A release in steps, each of which may be the last one that runs: the intent first, candidate, promote, restore.

What a platform has to know and to do for it is `Platform`. Whatever a run that was stopped has left, the next one
reconciles; a candidate that another deploy has taken over is left alone.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Protocol

from cd4ml.deploy.commands import CloudError, Effects
from cd4ml.deploy.names import SCRIPT


class State(Protocol):
    """What a service is doing, as it was read last."""

    @property
    def name(self) -> str:
        """The service's name."""

    @property
    def exists(self) -> bool:
        """Whether it is there."""

    @property
    def url(self) -> str:
        """Its address."""

    @property
    def serving(self) -> tuple[str, ...]:
        """The revisions that take traffic."""

    @property
    def candidate(self) -> str:
        """The revision that is to serve; empty where no release is under way."""

    @property
    def candidate_url(self) -> str:
        """Where the candidate alone answers."""

    @property
    def previous(self) -> str:
        """What served before the release that is under way."""

    def is_candidate(self, revision: str) -> bool:
        """Whether a revision came up, and is still the candidate."""


class Platform(Protocol):
    """What a platform does in a release; a method that changes something returns whether it succeeded."""

    def look(self, environment: str) -> State:
        """Read what a service does, or raise CloudError where nobody can tell."""

    def intend(self, environment: str, before: str) -> bool:
        """Write down what serves, before anything else is changed."""

    def create(self, service: str, image: str, revision: str, beside: bool) -> bool:
        """Make the candidate; beside what serves it takes nothing."""

    def share(self, environment: str, shares: Mapping[str, int], ends: bool) -> bool:
        """Give revisions their shares of traffic; in the same step, where it ends the release, forget the intent."""

    def share_of(self, state: State, revision: str) -> int:
        """The percentage of traffic that a revision takes."""

    def remove(self, service: str) -> bool:
        """Remove a service whose first release did not end."""


def serving_before(state: State) -> str:
    """Return what serves and is not itself a first release that never ended; empty where nothing does.

    Raises:
        CloudError: several revisions take traffic.
    """
    if not state.serving or state.serving == (state.candidate,):
        return ""
    if len(state.serving) > 1:
        raise CloudError(f"traffic of {state.name} was split by hand: {SCRIPT} restore ENV REVISION settles it")
    return state.serving[0]


def check_candidate(state: State, environment: str, expected: str) -> str:
    """Return the candidate, if it came up; where one is expected, no other will do.

    Raises:
        CloudError: there is none, it did not come up, or it is another.
    """
    candidate = state.candidate
    if not candidate:
        raise CloudError(f"{state.name} has no candidate: {SCRIPT} deploy IMAGE {environment}")
    if not state.is_candidate(candidate):
        raise CloudError(f"{candidate} did not come up: {SCRIPT} restore {environment}")
    if expected not in ("", candidate):
        raise CloudError(f"another deploy has taken over: the candidate is {candidate}, not {expected}")
    return candidate


def new_revision(service: str, image: str, now: datetime) -> str:
    """Return the name of a revision: the service's, the time, and how the image's digest begins."""
    return f"{service}-{now.astimezone(UTC):%Y%m%d%H%M%S}-{image.rpartition('@sha256:')[2][:7]}"


class Release:
    """The state machine. `expected` is the candidate that a workflow goes on with; empty, any will do."""

    def __init__(self, platform: Platform, effects: Effects, expected: str = "") -> None:
        self.platform, self.effects, self.expected = platform, effects, expected

    def deploy(self, image: str, environment: str) -> None:
        """Make a candidate that takes no traffic."""
        state = self._reconciled(self.platform.look(environment), environment)
        before = serving_before(state)
        revision = new_revision(state.name, image, datetime.now(UTC))
        if before and not self.platform.intend(environment, before):
            raise CloudError(f"nothing was deployed; {before} serves")
        if not before:
            self.effects.say(
                f"{state.name}: nothing serves yet, so the first revision takes the traffic at once; "
                "the service is private"
            )
        created = self.platform.create(state.name, image, revision, beside=bool(before))
        if self.effects.dry_run:
            return
        if not created:
            self._give_up(image, environment, revision)
        self._tell(self._taken(environment, revision), revision, before, environment)

    def promote(self, environment: str, percent: int) -> None:
        """Give the candidate its share of traffic, and the rest to what served before."""
        state = self.platform.look(environment)
        if percent == 100 and self.expected and not state.candidate and self._serves_alone(state):
            print(f"{self.expected} already takes all traffic of {state.name}")
            return
        candidate, before = check_candidate(state, environment, self.expected), state.previous
        if percent < 100 and not before:
            print(f"{candidate} is the first release of {state.name} and takes all traffic already")
            return
        shares = {candidate: percent} | ({before: 100 - percent} if percent < 100 else {})
        if not self.platform.share(environment, shares, ends=percent == 100):
            raise CloudError(f"restore: {SCRIPT} restore {environment}")
        for revision, share in shares.items():
            print(f"{f'{share} %':<10} to {revision}")

    def restore(self, environment: str, revision: str = "") -> None:
        """Give all traffic to what served before the deploy, or to that revision."""
        state = self.platform.look(environment)
        before, candidate = revision or state.previous, state.candidate
        if not state.exists:
            print(f"{state.name} is not there: nothing to restore")
        elif self.expected and candidate not in ("", self.expected):
            print(f"{state.name}: another deploy has taken over, with {candidate}; left as it is")
        elif before:
            if not self.platform.share(environment, {before: 100}, ends=True):
                again = f"{SCRIPT} restore {environment} {before}"
                raise CloudError(f"{state.name} may not serve {before}: try again, {again}")
            if not self.effects.dry_run:
                print(f"{before} serves again, with all traffic")
        elif candidate:
            # A release notes what served before it, so that nothing did: what the first one left is taken away.
            if not self.platform.remove(state.name):
                raise CloudError(f"{state.name} could not be removed: try again")
            self.effects.say(f"{state.name}: nothing served before the first release, and nothing serves now")
        else:
            print(f"{state.name}: no release is under way; {' '.join(state.serving)} serves")

    def _reconciled(self, state: State, environment: str) -> State:
        """Undo what a run left that was stopped half-way; return what is so then."""
        before = state.previous
        if not before:
            return state
        self.effects.say(f"{state.name}: an earlier release did not end; back to {before} first")
        if not self.platform.share(environment, {before: 100}, ends=True):
            raise CloudError("the earlier release could not be undone; try again")
        return self.platform.look(environment)

    def _give_up(self, image: str, environment: str, revision: str) -> None:
        self.effects.say(f"{self.effects.label}: {revision} did not come up (above is why)")
        try:
            self.restore(environment)
        except CloudError as failure:
            self.effects.say(f"{self.effects.label}: {failure}")
        raise CloudError(f"not deployed: {image}")

    def _taken(self, environment: str, revision: str) -> State:
        state = self.platform.look(environment)
        if not state.is_candidate(revision):
            raise CloudError(f"another deploy has taken over: {revision} is not the candidate any more; run this again")
        return state

    def _tell(self, state: State, revision: str, before: str, environment: str) -> None:
        told = {"url": state.url, "candidate_url": state.candidate_url, "revision": revision, "previous": before}
        for name, value in told.items():
            self.effects.output(name, value)
        rows = {"revision": revision, "previous": before or "none", "candidate": state.candidate_url}
        for name, value in rows.items():
            print(f"{name:<10} {value}")
        print(f"next: {SCRIPT} smoke {environment}, then promote {environment}")

    def _serves_alone(self, state: State) -> bool:
        return self.platform.share_of(state, self.expected) == 100
