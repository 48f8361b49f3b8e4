"""Who a job is, as it proves it to a cloud."""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any

from tests.delivery.github.tokens import Holder

if TYPE_CHECKING:
    from tests.delivery.github.github import GitHub


def prefix(github: GitHub) -> str:
    """The subject's beginning, with the numbers that repositories of today carry."""
    return f"repo:{github.owner}@{github.owner_id}/{github.name}@{github.repository_id}"


def answer(github: GitHub, holder: Holder | None, audience: str) -> tuple[int, dict[str, Any]]:
    if holder is None or holder.kind != "identity" or not holder.may("id-token", "write"):
        return 403, {"message": "this job may not ask for its identity"}
    return 200, {"value": _unsigned(claims(github, holder, audience))}


def claims(github: GitHub, holder: Holder, audience: str) -> dict[str, Any]:
    if holder.environment:
        what = f"environment:{holder.environment}"
    elif holder.ref.startswith("refs/pull/"):
        what = "pull_request"
    else:
        what = f"ref:{holder.ref}"
    return {
        "iss": "https://token.actions.githubusercontent.com",
        "sub": f"{prefix(github)}:{what}",
        "aud": audience,
        "exp": int(time.time()) + 600,
        "repository": github.repository,
        "repository_id": str(github.repository_id),
        "repository_owner_id": str(github.owner_id),
        "ref": holder.ref,
        "environment": holder.environment,
        "run_id": holder.run,
    }


def _unsigned(content: dict[str, Any]) -> str:
    parts = ({"alg": "none", "typ": "JWT"}, content)
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."
