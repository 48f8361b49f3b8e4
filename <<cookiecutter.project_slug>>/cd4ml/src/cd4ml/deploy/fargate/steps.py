"""From what a service does to the next aws command; nothing is run here."""

import json
from collections.abc import Collection, Mapping
from dataclasses import replace

from cd4ml.deploy.commands import READ_SECONDS, READ_TRIES, Command
from cd4ml.deploy.fargate.deployment import Image
from cd4ml.deploy.fargate.service import Service
from cd4ml.deploy.fargate.settings import Place

NONE_SUCH = (
    *("ResourceNotFoundException", "ServiceNotFoundException", "ClusterNotFoundException"),
    "ServiceNotActiveException",  # after it was removed
)
"""The codes with which ECS says that a service is not there."""
MAYBE_NONE_SUCH = "InvalidParameterException"
"""Express Mode says this as well, as it does of other errors: the list of services tells which."""
_TRIES_AS_NEW_ROLES = 40  # in two to three minutes
_ROLE_IS_NEW = (
    r"\(AccessDeniedException\).*([Cc]annot assume role|not authorized to perform: sts:AssumeRole)"
    r"|\(ClientException\).*not able to validate the provided access credentials"
)
"""What ECS says of roles that IAM has just made, and does not know everywhere yet."""
_PASSING = "Throttl|RequestLimitExceeded|TooManyRequests|SlowDown|ServiceUnavailable|Internal|Server|RequestTimeout"
_ANSWERS = rf"An error occurred \((?!{_PASSING})\w+\) when calling "
"""Any other code is AWS's answer, which stays the same; without a code, aws did not reach it."""


def identity(region: str) -> Command:
    """Ask whose credentials these are."""
    return read("sts", "get-caller-identity", "--region", region)


# ECS


def describe(place: Place, arn: str) -> Command:
    """Read a service."""
    return _read(place, "ecs", "describe-express-gateway-service", "--service-arn", arn, "--include", "TAGS")


def list_states(place: Place, service: str) -> Command:
    """Read the state of a service, as a list: empty if there is none."""
    named = ("--cluster", place.cluster, "--services", service)
    return _read(place, "ecs", "describe-services", *named, "--query", "services[?status!='INACTIVE'].status")


def list_deployments(place: Place, service: str) -> Command:
    """Read a service's deployments, as far as ECS keeps them (90 days)."""
    named = ("--cluster", place.cluster, "--service", service, "--max-results", "100")
    return _read(place, "ecs", "list-service-deployments", *named)


def describe_deployment(place: Place, arn: str) -> Command:
    """Read a deployment."""
    return _read(place, "ecs", "describe-service-deployments", "--service-deployment-arns", arn)


def describe_revisions(place: Place, arns: Collection[str]) -> Command:
    """Read revisions."""
    return _read(place, "ecs", "describe-service-revisions", "--service-revision-arns", *arns)


def intend(place: Place, arn: str, previous: str, candidate: str) -> Command:
    """Write down what is to serve, and what served before."""
    tags = {"previous": previous, "candidate": candidate} if previous else {"candidate": candidate}
    given = [f"key={key},value={value}" for key, value in tags.items()]
    return _write(place, "ecs", "tag-resource", "--resource-arn", arn, "--tags", *given)


def forget(place: Place, arn: str) -> Command:
    """Write down that the release has ended."""
    return _write(place, "ecs", "untag-resource", "--resource-arn", arn, "--tag-keys", "previous", "candidate")


def create(place: Place, service: str, container: str, flags: tuple[str, ...], candidate: str) -> Command:
    """Make a service, with its intent from the first moment on."""
    named = ("--cluster", place.cluster, "--service-name", service)
    tags = ("--tags", f"key=project,value={place.slug}", f"key=candidate,value={candidate}")
    made = ("--infrastructure-role-arn", place.role("infrastructure"), "--primary-container", container)
    command = _write(place, "ecs", "create-express-gateway-service", *named, *made, *flags, *tags)
    return replace(command, tries=_TRIES_AS_NEW_ROLES, passes=_ROLE_IS_NEW)


def update(place: Place, arn: str, container: str, flags: tuple[str, ...]) -> Command:
    """Bring a new revision, to which ECS moves traffic in steps."""
    return _write(
        place, "ecs", "update-express-gateway-service", "--service-arn", arn, "--primary-container", container, *flags
    )


def roll_back(place: Place, deployment: str) -> Command:
    """Have ECS roll back what is under way."""
    stop = ("--service-deployment-arn", deployment, "--stop-type", "ROLLBACK")
    return _write(place, "ecs", "stop-service-deployment", *stop)


def remove(place: Place, arn: str) -> Command:
    """Remove a service."""
    return _write(place, "ecs", "delete-express-gateway-service", "--service-arn", arn)


def container(image: str, secret: str, log: str, deployed: str) -> str:
    """Return what a service runs; `deployed` differs each time, so that an image is deployed again for new keys."""
    environment = {"PORT": "8080", "DEPLOYED": deployed} | ({"PREDICTION_LOG": log} if log else {})
    described = {
        "image": image, "containerPort": 8080,
        "environment": [{"name": name, "value": value} for name, value in environment.items()],
        "secrets": [{"name": "SERVICE_API_KEYS", "valueFrom": secret}],
    }  # fmt: skip
    return json.dumps(described, separators=(",", ":"))


# the service's keys, and its images


def describe_secret(place: Place) -> Command:
    """Read where the service's keys are, and not what they are."""
    return _read(place, "secretsmanager", "describe-secret", "--secret-id", place.secret)


def describe_image(place: Place, digest: str) -> Command:
    """Read an image of the account's own registry."""
    return _read(place, "ecr", "describe-images", *_image(place, digest))


def get_manifest(place: Place, digest: str) -> Command:
    """Read an image's manifest."""
    return _read(place, "ecr", "batch-get-image", *_image(place, digest))


def tag_image(place: Place, digest: str, tag: str, manifest: Mapping[str, str]) -> Command:
    """Tag an image, for which ECR wants the manifest that `get_manifest` printed."""
    named = ("--repository-name", place.slug, "--image-tag", tag, "--image-digest", digest)
    kind = ("--image-manifest-media-type", manifest["imageManifestMediaType"])
    return _write(place, "ecr", "put-image", *named, *kind, "--image-manifest", manifest["imageManifest"])


def to_keep(place: Place, service: Service, image: Image, digest: str, before: str) -> dict[str, str]:
    """Return the tags, with a digest each, that keep an image and the one before from ECR's clean-up.

    Fargate pulls the image whenever it starts a task, and keep-20.json says by which tags the clean-up leaves it. What
    is not for production, or in another registry, is kept by nobody.
    """
    if service.environment != "production" or not place.is_in_ecr(f"{image.repository}@{digest}"):
        return {}
    return ({"previous": before} if before not in ("", digest) else {}) | {"production": digest}


def _image(place: Place, digest: str) -> tuple[str, ...]:
    return ("--repository-name", place.slug, "--image-ids", f"imageDigest={digest}")


def read(*argv: str) -> Command:
    """Read something as JSON."""
    return Command(("aws", *argv, "--output", "json"), tries=READ_TRIES, answers=_ANSWERS, seconds=READ_SECONDS)


def _read(place: Place, service: str, operation: str, *arguments: str) -> Command:
    return read(service, operation, "--region", place.region, *arguments)


def _write(place: Place, service: str, operation: str, *arguments: str) -> Command:
    argv = ("aws", service, operation, "--region", place.region, *arguments, "--output", "json")
    return Command(argv, seconds=READ_SECONDS)
