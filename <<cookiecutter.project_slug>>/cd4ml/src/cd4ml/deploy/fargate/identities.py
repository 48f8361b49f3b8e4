"""Who may do what in AWS: users or roles for GitHub's jobs, and the roles that the service and ECS itself run as.

- `runtime`: the service itself
- `execution`: what starts it: pulls the image, reads the keys, writes the log
- `infrastructure`: ECS, for the load balancer, its certificate, alarms and scaling

A user's rights are policies of the account's own, of 6,144 characters each: those of its own may have 2,048 together,
which the deployer's alone can exceed. A role's are its own: they may have 10,240, which those of reader, trainer and
deployer do not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cd4ml.deploy.commands import Command
from cd4ml.deploy.fargate.policies import as_text, policy
from cd4ml.deploy.fargate.resources import tags, write
from cd4ml.deploy.fargate.settings import Place
from cd4ml.deploy.fargate.steps import read
from cd4ml.deploy.set_up.identities import DEPLOYER, READER, RUNTIME, TRAINER
from cd4ml.deploy.set_up.steps import Step, ensure, mend

Json = Mapping[str, Any]

EXECUTION, INFRASTRUCTURE = "execution", "infrastructure"
OF_JOBS = (READER, TRAINER, DEPLOYER)
"""Those that GitHub's jobs sign in as."""
OF_THE_SERVICE = {RUNTIME: "tasks", EXECUTION: "tasks", INFRASTRUCTURE: "ecs"}
"""The other roles, and the trust-*.json that says who takes them."""
OWN_POLICY = (*OF_JOBS, RUNTIME, EXECUTION)
"""Those whose rights are in policies/."""
_MANAGED = {
    EXECUTION: "AmazonECSTaskExecutionRolePolicy",
    INFRASTRUCTURE: "AmazonECSInfrastructureRoleforExpressGatewayServices",
}
"""AWS's own policies, where one says what is needed."""
_MOST_VERSIONS = 5


@dataclass(frozen=True)
class Held:
    """A policy of the account's own, as it is in force; without a version there is none."""

    version: str = ""
    says: Json | None = None


def managed(place: Place, who: str) -> str:
    """Return the ARN of AWS's own policy for a role; empty where there is none."""
    return f"arn:{place.partition}:iam::aws:policy/service-role/{_MANAGED[who]}" if who in _MANAGED else ""


# users


def get_user(place: Place, who: str) -> Command:
    """Read a user."""
    return read("iam", "get-user", "--user-name", place.identity(who))


def user(place: Place, who: str, known: Json | None) -> Step:
    """Make it."""
    name = place.identity(who)
    command = write("iam", "create-user", "--user-name", name, *tags(place), shows="User.Arn")
    return ensure("identity", name, known is not None, command)


def get_policy(place: Place, who: str) -> Command:
    """Read a policy, but for what it says."""
    return read("iam", "get-policy", "--policy-arn", place.policy(who))


def get_version(place: Place, who: str, version: str) -> Command:
    """Read what a version of a policy says."""
    return read("iam", "get-policy-version", "--policy-arn", place.policy(who), "--version-id", version)


def list_versions(place: Place, who: str) -> Command:
    """Read the versions of a policy."""
    return read("iam", "list-policy-versions", "--policy-arn", place.policy(who))


def other_versions(told: Json | None) -> list[str]:
    """Return those that are not in force, oldest first."""
    versions = [one["VersionId"] for one in (told or {}).get("Versions", []) if not one["IsDefaultVersion"]]
    return sorted(versions, key=lambda version: int(version[1:]))


def is_as_written(place: Place, who: str, held: Held) -> bool:
    """Whether a policy says exactly what policies/WHO.json does."""
    return held.says == policy(place, who)


def room(place: Place, who: str, others: Sequence[str]) -> list[Step]:
    """Remove the oldest version of a policy that can have no other."""
    if len(others) < _MOST_VERSIONS - 1:
        return []
    oldest, arn = others[0], place.policy(who)
    defect = f"{place.identity(who)} has as many versions as a policy may have"
    command = write("iam", "delete-policy-version", "--policy-arn", arn, "--version-id", oldest)
    return [mend("policy", defect, f"{place.identity(who)}: without its oldest version, {oldest}", command)]


def customer_policy(place: Place, who: str, held: Held) -> Step:
    """Make a policy that says exactly what policies/WHO.json does, or let it say that again."""
    name, arn = place.identity(who), place.policy(who)
    says = ("--policy-document", as_text(policy(place, who)))
    if held.version and not is_as_written(place, who, held):
        command = write("iam", "create-policy-version", "--policy-arn", arn, *says, "--set-as-default")
        return mend("policy", f"{name} has another policy", f"{name}: policies/{who}.json again", command)
    command = write("iam", "create-policy", "--policy-name", name, *says, *tags(place), shows="Policy.Arn")
    return ensure("policy", f"{name}: policies/{who}.json", bool(held.version), command)


def list_attached(place: Place, who: str, kind: str) -> Command:
    """Read which policies a user or a role has that are not its own."""
    return read("iam", f"list-attached-{kind}-policies", f"--{kind}-name", place.identity(who))


def attached(told: Json | None) -> set[str]:
    """Return their ARNs."""
    return {one["PolicyArn"] for one in (told or {}).get("AttachedPolicies", [])}


def attachment(place: Place, who: str, user_of: str, told: Json | None) -> Step:
    """Let a user have a policy."""
    name, arn = place.identity(user_of), place.policy(who)
    command = write("iam", "attach-user-policy", "--user-name", name, "--policy-arn", arn)
    return ensure("attachment", f"{name}: policy/{place.identity(who)}", arn in attached(told), command)


def list_inline(place: Place, who: str) -> Command:
    """Read the names of the policies that are a user's own."""
    return read("iam", "list-user-policies", "--user-name", place.identity(who))


def without_inline(place: Place, who: str, user_of: str, told: Json | None) -> list[Step]:
    """Remove what an earlier version of this library made: a policy of the user's own, beside what it has now."""
    if who not in (told or {}).get("PolicyNames", []):
        return []
    name = place.identity(user_of)
    command = write("iam", "delete-user-policy", "--user-name", name, "--policy-name", who)
    defect = f"{name} has an inline policy, {who}, beside policy/{place.identity(who)}"
    return [mend("policy", defect, f"{name}: without the inline policy {who}", command)]


# roles


def get_role(place: Place, who: str) -> Command:
    """Read a role."""
    return read("iam", "get-role", "--role-name", place.identity(who))


def role(place: Place, who: str, trust: str, subjects: Sequence[str], known: Json | None) -> list[Step]:
    """Make a role that is trusted as policies/trust-TRUST.json says, or let it be trusted so again."""
    name, trusted = place.identity(who), policy(place, f"trust-{trust}", subjects=subjects)
    made = ("--role-name", name, "--assume-role-policy-document", as_text(trusted), *tags(place))
    steps = [ensure("identity", name, known is not None, write("iam", "create-role", *made, shows="Role.Arn"))]
    if known is not None and known["Role"]["AssumeRolePolicyDocument"] != trusted:
        told = ("--role-name", name, "--policy-document", as_text(trusted))
        command = write("iam", "update-assume-role-policy", *told)
        right = f"{name}: trusted as policies/trust-{trust}.json says"
        steps.append(mend("trust", f"{name} is trusted to others than it should", right, command))
    return steps


def get_role_policy(place: Place, who: str, role_of: str) -> Command:
    """Read a policy that is a role's own."""
    return read("iam", "get-role-policy", "--role-name", place.identity(role_of), "--policy-name", who)


def role_policy(place: Place, who: str, role_of: str, known: Json | None) -> Step:
    """Let a role have exactly the rights in policies/WHO.json."""
    name, wanted = place.identity(role_of), policy(place, who)
    told = ("--role-name", name, "--policy-name", who, "--policy-document", as_text(wanted))
    command = write("iam", "put-role-policy", *told)
    if known is not None and known["PolicyDocument"] != wanted:
        return mend("policy", f"{name} has another policy", f"{name}: policies/{who}.json again", command)
    return ensure("policy", f"{name}: policies/{who}.json", known is not None, command)


def managed_policy(place: Place, who: str, told: Json | None) -> Step:
    """Let a role have AWS's own policy."""
    name, arn = place.identity(who), managed(place, who)
    command = write("iam", "attach-role-policy", "--role-name", name, "--policy-arn", arn)
    return ensure("policy", f"{name}: {arn.rpartition('/')[2]}", arn in attached(told), command)
