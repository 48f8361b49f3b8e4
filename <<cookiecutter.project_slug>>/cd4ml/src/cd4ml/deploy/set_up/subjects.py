"""How GitHub's tokens name the job that they are given to, for clouds that compare the whole of it."""

from cd4ml.deploy.commands import CloudError, Effects, UnreadError
from cd4ml.deploy.set_up.identities import REPOSITORY
from cd4ml.deploy.set_up.repository import Repository, api


def find_prefix(effects: Effects, repository: Repository) -> str:
    """Ask how the tokens of a repository begin: an organization can choose that, so that it is never built here.

    Raises:
        CloudError: GitHub does not return it.
    """
    try:
        prefix = effects.read(api(f"{repository.api}/actions/oidc/customization/sub")).get("sub_claim_prefix")
    except UnreadError:
        prefix = None
    if not prefix:
        raise CloudError(f"GitHub does not return the subject of its tokens (sub_claim_prefix) for {repository.name}")
    return str(prefix)


def subject(prefix: str, repository: Repository, environment: str) -> str:
    """Return how tokens name a job in an environment; without any, a job of the default branch."""
    if environment == REPOSITORY:
        return f"{prefix}:ref:refs/heads/{repository.default_branch}"
    return f"{prefix}:environment:{environment}"
