"""How GitHub's tokens name the job that they are given to, for clouds that compare the whole of it."""

from cd4ml.deploy.commands import CloudError, Effects, UnreadError
from cd4ml.deploy.set_up.identities import REPOSITORY
from cd4ml.deploy.set_up.repository import Repository, api

_TEMPLATE = "actions/oidc/customization/sub"
_KEYS = ["repo", "context"]
"""What a subject is made of, unless a repository or its organisation has a template of its own."""


def find_prefix(effects: Effects, repository: Repository) -> str:
    """Ask how the tokens of a repository begin: an organization can choose that, so that it is never built here.

    Raises:
        CloudError: GitHub does not return it, or subjects are made of something else than repository and context.
    """
    where = f"{repository.api}/{_TEMPLATE}"
    try:
        told = effects.read(api(where))
    except UnreadError:
        told = {}
    if told.get("use_default") is False:
        keys = told.get("include_claim_keys") or _keys_of_organisation(effects, repository)
        if keys != _KEYS:
            made_of = ", ".join(keys) or "what its organization says, which cannot be read"
            what = f"the subjects of the tokens of {repository.name} are made of {made_of}"
            raise CloudError(f"{what}; only {', '.join(_KEYS)} is supported: gh api {where}")
    prefix = told.get("sub_claim_prefix")
    if not prefix:
        raise CloudError(f"GitHub does not return the subject of its tokens (sub_claim_prefix) for {repository.name}")
    return str(prefix)


def _keys_of_organisation(effects: Effects, repository: Repository) -> list[str]:
    """Return the keys of the template that counts if a repository has one without keys; none if it cannot be read."""
    try:
        told = effects.read(api(f"orgs/{repository.name.partition('/')[0]}/{_TEMPLATE}"))
    except UnreadError:
        return []
    return list(told.get("include_claim_keys") or [])


def subject(prefix: str, repository: Repository, environment: str) -> str:
    """Return how tokens name a job in an environment; without any, a job of the default branch."""
    if environment == REPOSITORY:
        return f"{prefix}:ref:refs/heads/{repository.default_branch}"
    return f"{prefix}:environment:{environment}"
