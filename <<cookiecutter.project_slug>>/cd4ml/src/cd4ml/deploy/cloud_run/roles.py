"""Who may do what in Google Cloud: the least that works, and what of it a policy lacks."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from cd4ml.deploy.cloud_run.resources import read
from cd4ml.deploy.cloud_run.settings import Place
from cd4ml.deploy.commands import Command
from cd4ml.deploy.set_up.identities import Jobs
from cd4ml.deploy.set_up.steps import Step, ensure

Json = Mapping[str, Any]

UNKNOWN_MEMBER = r"\) (NOT_FOUND|INVALID_ARGUMENT):|HTTPError 40[04]"
"""What Google answers while it does not know everywhere what was just made."""
# On the project, because a service cannot be granted on before its first release: deploy and shift traffic; ask the
# private service, for the smoke test; read how many requests failed, for the canary.
PROJECT_ROLES = ("run.developer", "run.invoker", "monitoring.viewer")
UNCONDITIONAL = ("--condition", "None")
"""gcloud asks which condition is meant where a policy has any, and fails without a terminal."""
_ACCOUNTS = ("iam", "service-accounts")


@dataclass(frozen=True)
class Resource:
    """Something that roles are granted on."""

    noun: str
    group: tuple[str, ...]
    """gcloud's words for its kind, before the verb."""
    name: tuple[str, ...]
    """What it is called, after the verb."""
    grants: tuple[tuple[str, str], ...]
    """Identities and the roles that they have on it."""
    adds: tuple[str, ...] = ()
    """Words that a grant takes besides."""

    def policy(self) -> Command:
        """Read its policy."""
        return read("gcloud", *self.group, "get-iam-policy", *self.name)


def resources(place: Place, number: str) -> tuple[Resource, ...]:
    """Return what roles are granted on."""
    in_project = ("--project", place.project)
    buckets = ("storage", "buckets")
    return (
        Resource(
            "project",
            ("projects",),
            (place.project,),
            tuple(("deployer", role) for role in PROJECT_ROLES),
            in_project,
        ),
        # Only the deployer pushes. Cloud Run pulls by itself, and neither reader nor trainer touches images.
        Resource(
            "registry",
            ("artifacts", "repositories"),
            (place.slug, "--location", place.region, *in_project),
            (("deployer", "artifactregistry.writer"),),
        ),
        # A deploy says what the service runs as; on that one identity alone.
        Resource(
            "identity runtime",
            _ACCOUNTS,
            (place.account("runtime"), *in_project),
            (("deployer", "iam.serviceAccountUser"),),
        ),
        # What signs in with a key asks for identity tokens of its own, for the smoke test.
        Resource(
            "identity deployer",
            _ACCOUNTS,
            (place.account("deployer"), *in_project),
            (("deployer", "iam.serviceAccountOpenIdTokenCreator"),),
        ),
        Resource(
            "bucket dvc",
            buckets,
            (place.bucket("dvc", number),),
            (("reader", "storage.objectViewer"), ("trainer", "storage.objectUser")),
            in_project,
        ),
        # The service can add to its log, and neither read nor change what is there.
        Resource(
            "bucket predictions",
            buckets,
            (place.bucket("predictions", number),),
            (("runtime", "storage.objectCreator"), ("trainer", "storage.objectViewer")),
            in_project,
        ),
        Resource(
            "secret api-keys", ("secrets",), (place.secret, *in_project), (("runtime", "secretmanager.secretAccessor"),)
        ),
    )


def account_policy(place: Place, who: str) -> Command:
    """Read who may be a service account."""
    return read("gcloud", *_ACCOUNTS, "get-iam-policy", place.account(who), "--project", place.project)


def service_policy(place: Place, service: str) -> Command:
    """Read who may ask a service."""
    return read("gcloud", "run", "services", "get-iam-policy", service, *place.flags)


def bindings(policy: Json | None) -> set[tuple[str, str]]:
    """Return the roles and members of a policy; what holds on a condition only is not among them."""
    return {
        (binding["role"], member)
        for binding in (policy or {}).get("bindings", [])
        if "condition" not in binding
        for member in binding["members"]
    }


def grants(place: Place, jobs: Jobs, resource: Resource, known: Collection[tuple[str, str]]) -> list[Step]:
    """Return a step for each role on a resource; `known` are the bindings of its policy."""
    steps = []
    for identity, short in resource.grants:
        who = jobs.works_as(identity)
        role, member = f"roles/{short}", f"serviceAccount:{place.account(who)}"
        label = f"{who} on {resource.noun}: {short}"
        added = (*resource.adds, *UNCONDITIONAL, "--member", member, "--role", role, "--format", "none")
        command = Command(("gcloud", *resource.group, "add-iam-policy-binding", *resource.name, *added))
        fails = f"{label} could not be granted (above is why); run bootstrap again"
        is_there = (role, member) in known
        steps.append(ensure("role", label, is_there, command, passes=UNKNOWN_MEMBER, fails=fails))
    return steps


def is_open(policy: Json | None) -> bool:
    """Whether a policy lets anybody in."""
    members = {member for binding in (policy or {}).get("bindings", []) for member in binding["members"]}
    return bool(members & {"allUsers", "allAuthenticatedUsers"})
