"""How GitHub's tokens name a job: what a cloud trusts, where no key signs in."""

from dataclasses import dataclass

from cd4ml.deploy.commands import CloudError, Effects, UnreadError
from cd4ml.deploy.set_up.identities import REPOSITORY
from cd4ml.deploy.set_up.repository import Repository, api


@dataclass(frozen=True)
class Subjects:
    """The subjects of a repository's tokens, which begin alike."""

    prefix: str
    default_branch: str

    def of(self, environment: str) -> str:
        """Return that of a job in an environment; where there are none, of a job of the default branch."""
        if environment == REPOSITORY:
            return f"{self.prefix}:ref:refs/heads/{self.default_branch}"
        return f"{self.prefix}:environment:{environment}"


def find_subjects(effects: Effects, repository: Repository) -> Subjects:
    """Ask how they begin, which is never built from names: a repository may be renamed, and have others.

    Raises:
        CloudError: GitHub does not say so.
    """
    try:
        told = effects.read(api(f"{repository.api}/actions/oidc/customization/sub"))
    except UnreadError:
        told = {}
    if prefix := told.get("sub_claim_prefix"):
        return Subjects(prefix, repository.default_branch)
    raise CloudError(f"GitHub does not return the subject of its tokens (sub_claim_prefix) for {repository.name}")
