"""What a project needs in AWS, besides buckets and rights: from what aws shows to the next steps."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cd4ml.deploy.commands import Command
from cd4ml.deploy.fargate.settings import Place
from cd4ml.deploy.fargate.steps import read
from cd4ml.deploy.set_up.rule_sets import RulesError, merged
from cd4ml.deploy.set_up.steps import Found, Step, ensure, mend

Json = Mapping[str, Any]

_KEEP_20 = Path(__file__).parent / "keep-20.json"


def write(*argv: str, shows: str = "", stdin: str | None = None) -> Command:
    """Change something; of what aws answers, only what `shows` names is shown."""
    shown = ("--query", shows, "--output", "text") if shows else ()
    return Command(("aws", *argv, *shown), stdin=stdin)


def tags(place: Place, key: str = "project") -> tuple[str, ...]:
    """Return the flags that say whose something is."""
    return ("--tags", f"Key={key},Value={place.slug}")


# what services of AWS's run as

SERVICE_ROLES = {"ecs.amazonaws.com": "ECS", "elasticloadbalancing.amazonaws.com": "load balancers"}
"""AWS makes them with an account's first cluster and load balancer: too late for that cluster, and the load balancer is
not made, because ECS, as infrastructure, may not ask what AWS asks for then (`ec2:DescribeAccountAttributes`).
"""


def list_service_roles(service: str) -> Command:
    """Read the roles that a service of AWS's runs as."""
    return read("iam", "list-roles", "--path-prefix", f"/aws-service-role/{service}/")


def service_role(service: str, known: Json) -> Step:
    """Make it, for the whole account."""
    command = write("iam", "create-service-linked-role", "--aws-service-name", service, shows="Role.RoleName")
    named = f"that of {SERVICE_ROLES[service]}, for the whole account"
    return ensure("service role", named, bool(known.get("Roles")), command)


# the cluster


def describe_cluster(place: Place) -> Command:
    """Read the cluster."""
    return read("ecs", "describe-clusters", *place.flags, "--clusters", place.cluster)


def cluster(place: Place, known: Json) -> Step:
    """Make it, for this project alone: its name is in what the deployer may do."""
    is_there = any(one.get("status") == "ACTIVE" for one in known.get("clusters", []))
    made = ("--cluster-name", place.cluster, "--capacity-providers", "FARGATE", "--tags")
    command = write(
        "ecs", "create-cluster", *place.flags, *made, f"key=project,value={place.slug}", shows="cluster.clusterName"
    )
    # ECS takes some time to see the role that it runs as
    return ensure("cluster", place.cluster, is_there, command, passes=r"\(InvalidParameterException\)")


# the registry


def describe_registry(place: Place) -> Command:
    """Read the registry."""
    return read("ecr", "describe-repositories", *place.flags, "--repository-names", place.slug)


def registry(place: Place, known: Json | None) -> Step:
    """Make it. A tag may be moved: it is the bundle's version, and a new image of the same bundle has it too."""
    named = ("--repository-name", place.slug, "--image-tag-mutability", "MUTABLE", *tags(place))
    command = write("ecr", "create-repository", *place.flags, *named, shows="repository.repositoryArn")
    return ensure("registry", place.slug, known is not None, command)


def get_clean_up(place: Place) -> Command:
    """Read which images are removed."""
    return read("ecr", "get-lifecycle-policy", *place.flags, "--repository-name", place.slug)


def clean_up(place: Place, known: Json | None) -> Step:
    """Keep what production runs and the newest 20: keep-20.json, and what others added; ECR takes all rules at once."""
    wanted = json.loads(_KEEP_20.read_text(encoding="utf-8"))
    try:
        state, rules = merged("ecr", told_in(known, "lifecyclePolicyText"), wanted)
    except RulesError as failure:
        left = f"the rules of the registry {place.slug} were left as they are: {failure}"
        return Step("clean-up", place.slug, Found.WRONG, defect=left)
    named = ("--repository-name", place.slug, "--lifecycle-policy-text", json.dumps(rules))
    command = write("ecr", "put-lifecycle-policy", *place.flags, *named, shows="repositoryName")
    if state == "other":
        return mend("clean-up", f"the registry {place.slug} has other rules", "keep-20.json again", command)
    return ensure("clean-up", "all but what production runs and the newest 20 images", state == "same", command)


def told_in(known: Json | None, key: str) -> dict[str, Any]:
    """Return what is told as JSON within JSON; nothing where nothing is known.

    Raises:
        RulesError: it is none.
    """
    try:
        told: dict[str, Any] = json.loads((known or {}).get(key) or "{}")
    except ValueError as failure:
        raise RulesError(f"not the JSON that was expected ({type(failure).__name__}: {failure})") from None
    return told


# the secret of API keys


def describe_secret(place: Place) -> Command:
    """Read whether it is there, or is to be deleted."""
    return read("secretsmanager", "describe-secret", *place.flags, "--secret-id", place.secret)


def secret(place: Place, known: Json | None, value: str) -> Step:
    """Make it, with a first value, or restore it: until it is deleted, AWS describes it, and nobody can read it."""
    if known and known.get("DeletedDate"):
        restore = ("secretsmanager", "restore-secret", *place.flags, "--secret-id", place.secret)
        words = f"{place.secret} is to be deleted"
        return mend("secret", words, f"{place.secret}, restored", write(*restore, shows="Name"))
    named = ("--name", place.secret, "--secret-string", "file:///dev/stdin", *tags(place))
    command = write("secretsmanager", "create-secret", *place.flags, *named, shows="ARN", stdin=value)
    fails = f"the secret {place.secret} could not be made (above is why)"
    return ensure("secret", place.secret, known is not None, command, fails=fails)
