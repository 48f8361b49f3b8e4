"""Who does what in a cloud: the identities of a project, and the environments of GitHub that sign in as them."""

from dataclasses import dataclass

READER, TRAINER, DEPLOYER, RUNTIME = "reader", "trainer", "deployer", "runtime"
IDENTITIES = (READER, TRAINER, DEPLOYER, RUNTIME)

REPOSITORY = "repository"
"""In place of an environment's name: all jobs of the repository."""
_ENVIRONMENTS_OF = {READER: (READER,), TRAINER: (TRAINER,), DEPLOYER: ("staging", "production")}

_PURPOSES = {
    READER: "reads data and models",  # ci, and the build in cd
    TRAINER: "writes data and models",  # ct; and reads the prediction log, in monitor
    DEPLOYER: "pushes images and deploys",
    RUNTIME: "what the service runs as",  # adds to the prediction log, reads its own keys
}


@dataclass(frozen=True)
class Jobs:
    """GitHub's jobs, which sign in by the environment they run in, or, where there are none, all alike."""

    by_environment: bool = True
    """Whether the repository can have environments: a private one on GitHub Free has none."""

    @property
    def signing_in(self) -> tuple[str, ...]:
        """Whom they sign in as; the deployer's turn is last."""
        return (READER, TRAINER, DEPLOYER) if self.by_environment else (DEPLOYER,)

    def works_as(self, who: str) -> str:
        """Return who has an identity's roles: without environments, the deployer works for all jobs."""
        return who if self.by_environment or who == RUNTIME else DEPLOYER

    def environments_of(self, who: str) -> tuple[str, ...]:
        """Return the environments whose jobs sign in as an identity."""
        return _ENVIRONMENTS_OF[who] if self.by_environment else (REPOSITORY,)


def environment_flag(environment: str) -> tuple[str, ...]:
    """Return how gh is told of an environment."""
    return () if environment == REPOSITORY else ("--env", environment)


def purpose(slug: str, who: str) -> str:
    """Return what an identity is for, as its description in the cloud."""
    return f"{slug}: {_PURPOSES[who]}"
