"""Where workflows sign in: Google's Security Token Service, and tokens of a service account for who may become it."""

from __future__ import annotations

import re
from typing import Any

from .pools import Pools
from .services import RefusedError
from .tokens import access, claims_of, mint

Json = dict[str, Any]

STS = "/v1/token"
GENERATE = re.compile(r"/v1/projects/[^/]+/serviceAccounts/([^/:]+):generate(Access|Id)Token")


def exchange(pools: Pools, project: str, body: Json) -> Json:
    """Give a job of GitHub's a token of Google's, by the provider that its audience names.

    Raises:
        RefusedError: the provider does not take what GitHub says of the job.
    """
    pool = re.fullmatch(
        r"//iam\.googleapis\.com/projects/([^/]+)/(locations/global/.+)/providers/([^/]+)", body["audience"]
    )
    if not pool:
        raise RefusedError(400, 'Invalid value for "audience".')
    number, place, provider = pool.groups()
    claims = claims_of(body["subjectToken"])
    if claims.get("aud") != f"https:{body['audience']}":
        raise RefusedError(400, "The audience in ID Token does not match the expected audience.")
    subject = pools.principal(f"/v1/projects/{project}/{place}/providers/{provider}", claims)
    principal = f"principal://iam.googleapis.com/projects/{number}/{place}/subject/{subject}"
    return {"access_token": access(principal=principal), "token_type": "Bearer", "expires_in": 3600}


def generate(path: str, body: Json) -> Json:
    """Give a token of a service account; whether the caller may have it was looked at before."""
    found = GENERATE.fullmatch(path)
    assert found
    email, kind = found.groups()
    if kind == "Id":
        return {"token": mint(body["audience"], email=email)}
    return {"accessToken": access(email=email), "expireTime": "2099-01-01T00:00:00Z"}
