"""The images of a project in ECR: whether one is there, and which ones its clean-up has to leave."""

from cd4ml.deploy.commands import CloudError, UnreadError
from cd4ml.deploy.fargate import steps
from cd4ml.deploy.fargate.aws import Aws, code
from cd4ml.deploy.fargate.service import Service
from cd4ml.deploy.names import SCRIPT


def check_is_there(aws: Aws, image: str) -> None:
    """Look whether an image is in ECR still; of other registries that is not known.

    Raises:
        CloudError: it is not, or cannot be read.
    """
    if not aws.place.is_in_ecr(image):
        return
    digest = image.rpartition("@")[2]
    try:
        aws.effects.read(steps.describe_image(aws.place, digest))
    except UnreadError as failure:
        if code(failure) == "ImageNotFoundException":
            raise CloudError(
                f"{digest} is not in ECR any more{aws.effects.so_far}: choose another ({SCRIPT} status), "
                "or build that release again"
            ) from None
        raise CloudError(f"{image} cannot be read{aws.effects.so_far}: {failure}") from None


def keep(aws: Aws, service: Service, digest: str, before: str) -> None:
    """Tag what production runs, and what it ran before; what serves does not fail for it."""
    for tag, kept in steps.to_keep(aws.place, service, service.target, digest, before).items():
        if why := _tag(aws, tag, kept):
            aws.effects.say(
                f"ECR did not tag {kept} as {tag} ({why[:300]}), and its clean-up may remove it once 20 newer ones are "
                "there: fix that, and release again"
            )


def _tag(aws: Aws, tag: str, digest: str) -> str:
    """Tag an image; return why it is not, or nothing."""
    try:
        printed = aws.effects.read(steps.get_manifest(aws.place, digest))
        if not printed.get("images"):
            return str((printed.get("failures") or [{}])[0].get("failureReason", "ECR does not say why"))
        aws.effects.change_and_read(steps.tag_image(aws.place, digest, tag, printed["images"][0]))
    except UnreadError as failure:
        return "" if code(failure) == "ImageAlreadyExistsException" else str(failure)
    return ""
