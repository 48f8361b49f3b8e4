"""A release in steps, each of which may be the last one that runs: the intent first, candidate, promote, restore.

What a platform has to know and to do for it is `Platform`. Whatever a run that was stopped has left, the next one
settles; a candidate that another deploy has taken over is left alone.
"""

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Generic

from cd4ml.deploy.commands import CloudError, Effects
from cd4ml.deploy.names import SCRIPT
from cd4ml.deploy.platform import AnyState, Platform
from cd4ml.deploy.state import CandidateError, Plan, State


def check_candidate(state: State, expected: str) -> str:
    """Return the candidate, if it is there and well; where one is expected, no other will do.

    Raises:
        CloudError: there is none, it did not come up, or it is another.
    """
    if not state.candidate:
        raise CloudError(f"{state.name} has no candidate: {SCRIPT} deploy IMAGE {state.environment}")
    if why := state.unfit(expected):
        raise CloudError(why)
    return state.candidate


def new_revision(service: str, image: str, now: datetime) -> str:
    """Return the name of a revision: the service's, the time, and how the image's digest begins."""
    return f"{service}-{now.astimezone(UTC):%Y%m%d%H%M%S}-{image.rpartition('@sha256:')[2][:7]}"


class Release(Generic[AnyState]):
    """The state machine. `expected` is the candidate that a workflow goes on with; empty, any will do."""

    def __init__(self, platform: Platform[AnyState], effects: Effects, expected: str = "") -> None:
        self.platform, self.effects, self.expected = platform, effects, expected

    def deploy(self, image: str, environment: str) -> None:
        """Make a candidate, beside what serves.

        Raises:
            CloudError: it did not come up, and what served before serves; or nobody can tell what serves.
        """
        platform = self.platform
        platform.prepare(environment)
        state = platform.settle(platform.look(environment))
        before = state.before()
        plan = Plan(environment, image, platform.name(state, image), before)
        if notice := platform.notice(state, before):
            self.effects.say(f"{state.name}: {notice}")
        if not platform.intend(state, plan):
            raise CloudError(f"nothing was deployed; {before or 'what served before'} serves")

        def make() -> AnyState:
            platform.create(state, plan)
            return state if self.effects.dry_run else platform.follow(state, plan)

        made = self._or_back(plan, make, ours=(plan.candidate, state.candidate))
        if self.effects.dry_run:
            return
        self._output(made, before)
        for name, value in {"revision": made.candidate, "previous": before or "none", **platform.rows(made)}.items():
            print(f"{name:<10} {value}")
        print(f"next: {SCRIPT} smoke {environment}, then promote {environment}")

    def resume(self, state: AnyState, image: str) -> None:
        """Go on with a rollback to an image, which a run has begun that was stopped.

        Raises:
            CloudError: as `deploy`.
        """
        plan = Plan(state.environment, image, self.platform.name(state, image), state.previous)
        made = self._or_back(plan, lambda: self.platform.resume(state, plan), ours=(plan.candidate, state.candidate))
        if not self.effects.dry_run:
            self._output(made, plan.before)

    def promote(self, environment: str, percent: int) -> None:
        """Give the candidate its share of traffic, and the rest to what served before.

        Raises:
            CloudError: there is no candidate, it is not well, another has taken over, or the platform refuses.
        """
        state = self.platform.look(environment)
        if percent == 100 and self.expected and (words := self.platform.ended(state, self.expected)):
            print(words)
            return
        check_candidate(state, self.expected)
        if percent < 100 and (words := self.platform.unshared(state, percent)):
            print(words)
            return
        for line in self.platform.promote(state, percent):
            print(line)

    def restore(self, environment: str, revision: str = "", ours: Collection[str] = ()) -> None:
        """Give all traffic to what served before the deploy, or to that revision; `ours` is `expected` by default.

        Raises:
            CloudError: it may not serve.
        """
        state = self.platform.look(environment)
        ours = ours or ([self.expected] if self.expected else [])
        before = revision or state.previous
        if not state.exists:
            if revision:
                raise CloudError(
                    f"{state.name} is not there, nor anything that tells what {revision} ran: "
                    f"{SCRIPT} deploy IMAGE {environment}"
                )
            print(f"{state.name} is not there: nothing to restore")
        elif other := state.overtaken_by(ours):
            print(f"{state.name}: another deploy has taken over, with {other}; left as it is")
        elif before:
            self.platform.back_to(state, before)
            if not self.effects.dry_run:
                print(f"{before} serves again, with all traffic")
        elif state.candidate:
            # A release notes what served before it, so that nothing did: what the first one left is taken away.
            self.platform.remove(state)
            self.effects.say(f"{state.name}: nothing served before the first release, and nothing serves now")
        else:
            print(f"{state.name}: no release is under way; {state.serves} serves")

    def _or_back(self, plan: Plan, make: Callable[[], AnyState], ours: Collection[str]) -> AnyState:
        try:
            return make()
        except CandidateError as failure:
            self.effects.say(f"{self.effects.label}: {failure}")
        try:
            self.restore(plan.environment, ours=[name for name in ours if name])
        except CloudError as failure:
            self.effects.say(f"{self.effects.label}: {failure}; restore it: {SCRIPT} restore {plan.environment}")
        raise CloudError(f"not deployed: {plan.image}")

    def _output(self, state: AnyState, before: str) -> None:
        url = self.platform.address(state)
        told = {"url": url, "candidate_url": state.candidate_url, "revision": state.candidate, "previous": before}
        for name, value in told.items():
            self.effects.output(name, value)
