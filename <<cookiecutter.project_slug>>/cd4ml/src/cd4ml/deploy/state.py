"""A service as it was read last, and the release that is about to begin or under way."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from cd4ml.deploy.commands import CloudError
from cd4ml.deploy.names import SCRIPT


class CandidateError(CloudError):
    """The candidate did not come up; the message says which and why."""


class State(Protocol):
    """A service as it was read last, with the release that is under way."""

    @property
    def environment(self) -> str:
        """Where it is: staging or production."""

    @property
    def name(self) -> str:
        """The service's name."""

    @property
    def exists(self) -> bool:
        """Whether it, or its first candidate, is there."""

    @property
    def url(self) -> str:
        """Its address; empty where it has none yet."""

    @property
    def serves(self) -> str:
        """What takes its traffic, in words."""

    @property
    def candidate(self) -> str:
        """The revision that is to serve; empty where no release is under way."""

    @property
    def candidate_url(self) -> str:
        """Where the candidate answers."""

    @property
    def previous(self) -> str:
        """What `restore` goes back to: what served before the release that is under way; empty where nothing did."""

    def before(self) -> str:
        """Return what a deploy would have to come back to: what serves, and is not a first release that never ended.

        Raises:
            CloudError: nobody can tell.
        """

    def unfit(self, expected: str) -> str:
        """Return why nobody may go on with the candidate, or not whoever expects another; empty where they may."""

    def overtaken_by(self, ours: Collection[str]) -> str:
        """Return another deploy's candidate that has taken the place of ours; without `ours`, any candidate is ours."""


@dataclass(frozen=True)
class Plan:
    """A release that is about to begin."""

    environment: str
    image: str
    candidate: str
    """What the platform knows the candidate by before it is there."""
    before: str
    """What serves, and is to come back if this fails; empty where nothing does."""

    @property
    def digest(self) -> str:
        """The image's digest."""
        return self.image.rpartition("@")[2]


def under_way(environment: str) -> str:
    """Return how `status` says that a release has not ended."""
    return f"under way: {SCRIPT} promote {environment}, or restore {environment}"


def taken_over(by: str, expected: str) -> str:
    """Return that a candidate is not the one that is expected."""
    return f"another deploy has taken over: the candidate is {by}, not {expected}"
