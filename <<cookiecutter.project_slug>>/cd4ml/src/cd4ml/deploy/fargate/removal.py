"""What is to be removed from AWS."""

from collections.abc import Iterator, Sequence

from cd4ml.deploy.fargate import client_keys, steps
from cd4ml.deploy.fargate.identities import OF_JOBS, OF_THE_SERVICE, managed
from cd4ml.deploy.fargate.resources import write
from cd4ml.deploy.fargate.settings import GITHUB_TOKENS, Place
from cd4ml.deploy.names import ENVIRONMENTS
from cd4ml.deploy.set_up.identities import DEPLOYER
from cd4ml.deploy.set_up.platform import Key, Removal

ROLES = (*OF_JOBS, *OF_THE_SERVICE)
"""All that there may be: those of jobs with oidc."""


def inventory(place: Place, made_provider: bool) -> list[tuple[str, str]]:
    """Return what is to go: kinds and names."""
    services = ", ".join(place.service(environment) for environment in ENVIRONMENTS)
    first, *others = ROLES
    identities = ", ".join((place.identity(first), *(f"-{who}" for who in others)))
    rows = [
        ("account", place.account),
        ("services", f"{services}, and the cluster {place.cluster}"),
        ("registry", f"{place.slug}, with all images"),
        ("bucket", f"s3://{place.bucket('dvc')}, with all data and models"),
        ("bucket", f"s3://{place.bucket('predictions')}, with all predictions"),
        ("secret", place.secret),
        ("identities", f"{identities}, their policies and keys"),
    ]
    if made_provider:
        provider = f"the account's identity provider {GITHUB_TOKENS}, which this project made"
        rows.append(("trust", f"{provider}: other projects may use it by now"))
    return rows


def services(place: Place) -> list[Removal]:
    """Remove the services; ECS has no one code that says that a service is gone."""
    return [
        Removal(
            steps.remove(place, place.service_arn(environment)), "service", place.service(environment),
            steps.list_states(place, place.service(environment)),
        )
        for environment in ENVIRONMENTS
    ]  # fmt: skip


def cluster(place: Place) -> Removal:
    """Remove the cluster, once no service is in it."""
    command = write("ecs", "delete-cluster", *place.flags, "--cluster", place.cluster)
    return Removal(command, "cluster", place.cluster)


def user(place: Place, who: str, keys: Sequence[Key]) -> Iterator[Removal]:
    """Remove a user, with its keys; the policies that it has stay."""
    named = ("--user-name", place.identity(who))
    for key in keys:
        yield Removal(client_keys.remove_key(place, who, key), "key", f"{place.identity(who)} {key.name}")
    for other in _may_have(who):
        yield Removal(write("iam", "detach-user-policy", *named, "--policy-arn", place.policy(other)))
        # of an earlier version of this library
        yield Removal(write("iam", "delete-user-policy", *named, "--policy-name", other))
    yield Removal(write("iam", "delete-user", *named), "identity", place.identity(who))


def policy(place: Place, who: str, other_versions: Sequence[str]) -> Iterator[Removal]:
    """Remove a policy, which no user has any more."""
    named = ("--policy-arn", place.policy(who))
    for version in other_versions:
        yield Removal(write("iam", "delete-policy-version", *named, "--version-id", version))
    yield Removal(write("iam", "delete-policy", *named), "policy", place.identity(who))


def role(place: Place, who: str) -> Iterator[Removal]:
    """Remove a role, with its policies."""
    named = ("--role-name", place.identity(who))
    if arn := managed(place, who):
        yield Removal(write("iam", "detach-role-policy", *named, "--policy-arn", arn))
    for other in _may_have(who):
        yield Removal(write("iam", "delete-role-policy", *named, "--policy-name", other))
    yield Removal(write("iam", "delete-role", *named), "role", place.identity(who))


def what_is_kept(place: Place) -> Iterator[Removal]:
    """Remove keys of clients, images, data and predictions."""
    named = ("--secret-id", place.secret, "--force-delete-without-recovery")
    yield Removal(write("secretsmanager", "delete-secret", *place.flags, *named), "secret", place.secret)
    registry = write("ecr", "delete-repository", *place.flags, "--repository-name", place.slug, "--force")
    yield Removal(registry, "registry", place.slug)
    for kind in ("dvc", "predictions"):
        bucket = f"s3://{place.bucket(kind)}"
        hint = (
            f"{bucket} has versioning, and holds earlier versions still: S3's console, Empty, and then run this again"
        )
        command = write("s3", "rb", *place.flags, "--force", bucket)
        yield Removal(command, "bucket", bucket, hints=((r"\(BucketNotEmpty\)", hint),))


def provider(place: Place) -> Removal:
    """Remove the identity provider."""
    command = write("iam", "delete-open-id-connect-provider", "--open-id-connect-provider-arn", place.provider)
    return Removal(command, "identity provider", GITHUB_TOKENS)


def _may_have(who: str) -> tuple[str, ...]:
    """Return whose policies an identity may have: without environments, the deployer works for all jobs."""
    return OF_JOBS if who == DEPLOYER else (who,)
