"""GitHub as an identity provider: a pool, a provider in it, and who signs in as which service account.

For 30 days Google keeps a pool or a provider that was deleted: it is described as DELETED, and its id is taken.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from cd4ml.deploy.cloud_run.resources import read
from cd4ml.deploy.cloud_run.roles import UNCONDITIONAL, UNKNOWN_MEMBER
from cd4ml.deploy.cloud_run.settings import Place
from cd4ml.deploy.commands import Command
from cd4ml.deploy.set_up.identities import REPOSITORY, Jobs
from cd4ml.deploy.set_up.repository import Repository
from cd4ml.deploy.set_up.steps import Found, Step, ensure, mend

Json = Mapping[str, Any]

GITHUB_TOKENS = "https://token.actions.githubusercontent.com"
# What Google knows a job by holds at most 127 bytes, and the subject of GitHub's tokens has the names of owner and
# repository, of 39 and 100 characters, in it: the repository's number stands for them.
_BY_ENVIRONMENT = "assertion.repository_id + ':environment:' + assertion.environment"
_BY_BRANCH = "assertion.repository_id + ':' + assertion.ref"
PROVIDER = "github"
_USER = "roles/iam.workloadIdentityUser"
_POOLS = ("gcloud", "iam", "workload-identity-pools")
_SEPARATOR = "@;@"  # of attributes, whose expressions may have commas in them


@dataclass(frozen=True)
class Provider:
    """An identity provider; where there is none, everything is empty."""

    state: str = ""
    condition: str = ""
    """Which tokens it takes."""
    issuer: str = ""
    mapping: Mapping[str, str] = field(default_factory=dict)
    """What it takes from them."""


def read_provider(told: Json | None) -> Provider:
    """Return the provider that gcloud shows."""
    told = told or {}
    return Provider(
        told.get("state", ""),
        told.get("attributeCondition", ""),
        told.get("oidc", {}).get("issuerUri", ""),
        told.get("attributeMapping", {}),
    )


def condition(repository: Repository) -> str:
    """Return which tokens are taken: by numbers, because a name that was given up can be taken by somebody else."""
    return (
        f"assertion.repository_id == '{repository.number}' && "
        f"assertion.repository_owner_id == '{repository.owner_number}'"
    )


def subject(jobs: Jobs) -> str:
    """Return what a job is known by, as a mapping from its token."""
    return _BY_ENVIRONMENT if jobs.by_environment else _BY_BRANCH


def principal(place: Place, number: str, repository: Repository, environment: str) -> str:
    """Return who a job in an environment of GitHub's is to Google; without any, a job of the default branch."""
    pool = f"projects/{number}/locations/global/workloadIdentityPools/{place.pool}"
    branch = f"refs/heads/{repository.default_branch}"
    job = branch if environment == REPOSITORY else f"environment:{environment}"
    return f"principal://iam.googleapis.com/{pool}/subject/{repository.number}:{job}"


def provider_name(place: Place, number: str) -> str:
    """Return the provider's full name, as workflows name it."""
    return f"projects/{number}/locations/global/workloadIdentityPools/{place.pool}/providers/{PROVIDER}"


def describe_pool(place: Place) -> Command:
    """Read the pool."""
    return read(*_POOLS, "describe", *_pool(place))


def describe_provider(place: Place) -> Command:
    """Read the provider."""
    return read(*_POOLS, "providers", "describe", *_provider(place))


def pool_step(place: Place, state: str) -> Step:
    """Make the pool, or bring it back."""
    if state == "DELETED":
        return _restored("identity pool", place.pool, Command((*_POOLS, "undelete", *_pool(place))))
    command = Command((*_POOLS, "create", *_pool(place), "--display-name", "GitHub"))
    return ensure("identity pool", place.pool, bool(state), command)


def restored_provider(place: Place) -> Step:
    """Bring the provider back, as whatever it was."""
    return _restored("identity provider", PROVIDER, Command((*_POOLS, "providers", "undelete", *_provider(place))))


def provider_step(place: Place, repository: Repository, jobs: Jobs, known: Provider, was_deleted: bool) -> Step | None:
    """Make the provider, or mend it; None: it was brought back, and is right as it is.

    One that trusts another repository is left, unless it or its pool `was_deleted`, so that nobody can rely on it.
    """
    if not known.state:
        command = Command((*_POOLS, "providers", "create-oidc", *_provider(place), *_taken(repository, jobs, {})))
        return ensure("identity provider", PROVIDER, False, command, passes=UNKNOWN_MEMBER)
    if known.condition != condition(repository) and not was_deleted:
        delete = " ".join((*_POOLS, "providers", "delete", *_provider(place)))
        defect = f"{PROVIDER} trusts another repository: if that may go, {delete}, then bootstrap"
        return Step("identity provider", PROVIDER, Found.WRONG, defect=defect)
    is_right = (known.condition, known.issuer, known.mapping.get("google.subject")) == (
        condition(repository),
        GITHUB_TOKENS,
        subject(jobs),
    )
    if is_right:
        return Step("identity provider", PROVIDER, Found.THERE) if known.state == "ACTIVE" else None
    taken = _taken(repository, jobs, known.mapping)
    command = Command((*_POOLS, "providers", "update-oidc", *_provider(place), *taken))
    defect = f"{PROVIDER} takes other tokens than it should"
    return mend("identity provider", defect, f"{PROVIDER}: this repository's tokens alone", command)


def members(
    place: Place, number: str, repository: Repository, jobs: Jobs, who: str, known: Collection[tuple[str, str]]
) -> list[Step]:
    """Let the jobs of an identity's environments sign in as it; `known` are the bindings of its policy."""
    account = place.account(who)
    argv = ("gcloud", "iam", "service-accounts", "add-iam-policy-binding", account, "--project", place.project)
    steps = []
    for environment in jobs.environments_of(who):
        member = principal(place, number, repository, environment)
        command = Command((*argv, *UNCONDITIONAL, "--role", _USER, "--member", member, "--format", "none"))
        is_there = (_USER, member) in known
        steps.append(ensure("trust", f"environment {environment} is {who}", is_there, command, passes=UNKNOWN_MEMBER))
    return steps


def _taken(repository: Repository, jobs: Jobs, known: Mapping[str, str]) -> tuple[str, ...]:
    """Return the flags that say which tokens are taken, and what from them; attributes of a team's own stay."""
    others = {name: value for name, value in known.items() if name != "google.subject"}
    mapping = {"google.subject": subject(jobs)} | others
    said = _SEPARATOR.join(f"{name}={value}" for name, value in mapping.items())
    if len(mapping) > 1:
        said = f"^{_SEPARATOR}^{said}"
    return (
        *("--issuer-uri", GITHUB_TOKENS, "--attribute-condition", condition(repository)),
        *("--attribute-mapping", said),
    )


def _restored(what: str, name: str, command: Command) -> Step:
    return mend(what, f"{name} was deleted, and its name is kept for 30 days", f"{name}, restored", command)


def _pool(place: Place) -> tuple[str, ...]:
    return (place.pool, "--project", place.project, "--location", "global")


def _provider(place: Place) -> tuple[str, ...]:
    return (PROVIDER, "--project", place.project, "--location", "global", "--workload-identity-pool", place.pool)
