"""GitHub as an identity provider, of which an account has one for all its projects."""

import re
from collections.abc import Mapping
from typing import Any

from cd4ml.deploy.commands import CloudError, Command
from cd4ml.deploy.fargate.resources import tags, write
from cd4ml.deploy.fargate.settings import GITHUB_TOKENS, Place
from cd4ml.deploy.fargate.steps import read
from cd4ml.deploy.set_up.steps import Step, ensure, mend

Json = Mapping[str, Any]

_AUDIENCE = "sts.amazonaws.com"
_MADE_FOR = "made-for"


def check(prefix: str) -> str:
    """Return how the subjects of GitHub's tokens begin.

    Raises:
        CloudError: no policy can hold that as it is.
    """
    if not re.fullmatch(r"[A-Za-z0-9@:/._-]+", prefix):
        raise CloudError(f"GitHub returned a subject that no policy can hold: {prefix[:80]}")
    return prefix


def describe_provider(place: Place) -> Command:
    """Read it."""
    return read("iam", "get-open-id-connect-provider", "--open-id-connect-provider-arn", place.provider)


def provider_steps(place: Place, known: Json | None) -> list[Step]:
    """Make it, or let it take our tokens too: one that somebody else made is used, and never removed."""
    made = ("--url", f"https://{GITHUB_TOKENS}", "--client-id-list", _AUDIENCE, *tags(place, _MADE_FOR))
    command = write("iam", "create-open-id-connect-provider", *made, shows="OpenIDConnectProviderArn")
    steps = [ensure("identity provider", GITHUB_TOKENS, known is not None, command)]
    if known is not None and _AUDIENCE not in known.get("ClientIDList", []):
        told = ("--open-id-connect-provider-arn", place.provider, "--client-id", _AUDIENCE)
        adds = write("iam", "add-client-id-to-open-id-connect-provider", *told)
        defect = f"{GITHUB_TOKENS} does not take tokens for {_AUDIENCE}"
        steps.append(mend("identity provider", defect, f"{GITHUB_TOKENS}, for {_AUDIENCE} too", adds))
    return steps


def list_tags(place: Place) -> Command:
    """Read whom it was made for."""
    return read("iam", "list-open-id-connect-provider-tags", "--open-id-connect-provider-arn", place.provider)


def is_made_for(place: Place, told: Json | None) -> bool:
    """Whether this project made it."""
    return {"Key": _MADE_FOR, "Value": place.slug} in (told or {}).get("Tags", [])
