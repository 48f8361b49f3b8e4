"""What is to be removed from Google Cloud."""

from cd4ml.deploy.cloud_run import steps
from cd4ml.deploy.cloud_run.resources import read
from cd4ml.deploy.cloud_run.roles import PROJECT_ROLES, UNCONDITIONAL
from cd4ml.deploy.cloud_run.settings import Place
from cd4ml.deploy.commands import Command
from cd4ml.deploy.names import ENVIRONMENTS
from cd4ml.deploy.set_up.identities import DEPLOYER, IDENTITIES
from cd4ml.deploy.set_up.platform import Removal


def inventory(place: Place, number: str) -> list[tuple[str, str]]:
    """Return what is to go: kinds and names."""
    services = ", ".join(place.service(environment) for environment in ENVIRONMENTS)
    accounts = ", ".join(place.account_id(who) for who in IDENTITIES)
    return [
        ("services", services),
        ("registry", f"{place.slug} in {place.region}, with all images"),
        ("bucket", f"{place.bucket('dvc', number)}, with all data and models"),
        ("bucket", f"{place.bucket('predictions', number)}, with all predictions"),
        ("secret", place.secret),
        ("identities", f"{accounts}, their roles and keys"),
        ("trust", f"the identity pool {place.pool}, where there is one"),
        ("not at once", "Google can restore what a bucket held for 7 days, and accounts and the pool for 30"),
    ]


def removals(place: Place, number: str) -> list[Removal]:
    """Return the commands that remove it; gcloud has no code that says that a service or a binding is gone."""
    services = [place.service(environment) for environment in ENVIRONMENTS]
    in_project = ("--project", place.project, "--quiet")
    buckets = [place.bucket(kind, number) for kind in ("dvc", "predictions")]
    pool = ("iam", "workload-identity-pools", "delete", place.pool, "--location", "global")
    others = [
        *(
            ("identity", place.account_id(who), ("iam", "service-accounts", "delete", place.account(who), *in_project))
            for who in IDENTITIES
        ),
        ("secret", place.secret, ("secrets", "delete", place.secret, *in_project)),
        (
            "registry",
            place.slug,
            ("artifacts", "repositories", "delete", place.slug, "--location", place.region, *in_project),
        ),
        *(("bucket", bucket, ("storage", "rm", "--recursive", bucket, "--quiet")) for bucket in buckets),
        ("identity pool", place.pool, (*pool, *in_project)),
    ]
    return [
        *(Removal(steps.remove(place, name), "service", name, steps.list_named(place, name)) for name in services),
        *(
            Removal(_ungrant(place, role), "role", f"{role} of {place.account_id(DEPLOYER)}", _granted(place, role))
            for role in PROJECT_ROLES
        ),
        *(Removal(Command(("gcloud", *argv)), what, name) for what, name, argv in others),
    ]


def _ungrant(place: Place, role: str) -> Command:
    argv = ("gcloud", "projects", "remove-iam-policy-binding", place.project, "--quiet", *UNCONDITIONAL)
    return Command((*argv, "--member", f"serviceAccount:{place.account(DEPLOYER)}", "--role", f"roles/{role}"))


def _granted(place: Place, role: str) -> Command:
    """List the deployer's bindings of a role on the project."""
    is_it = f"bindings.role=roles/{role} AND bindings.members=serviceAccount:{place.account(DEPLOYER)}"
    flat = ("--flatten", "bindings[].members[]", "--filter", is_it)
    return read("gcloud", "projects", "get-iam-policy", place.project, *flat)
