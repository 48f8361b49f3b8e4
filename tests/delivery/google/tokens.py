"""Identity tokens and access tokens, unsigned: who asks, and for which address the token was made."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any

OWNER = "owner"
IDENTITY = "X-Serverless-Authorization"  # which Cloud Run takes before Authorization, and keeps back


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def mint(audience: str, lifetime: float = 3600, email: str = "deployer@example.iam.gserviceaccount.com") -> str:
    """Return an identity token for an audience; a negative lifetime makes one that has expired."""
    return _token({"aud": audience, "email": email, "exp": time.time() + lifetime})


def access(**who: str) -> str:
    """Return an access token: of a service account by its `email`, of a job of GitHub's by its `principal`."""
    return _token(who | {"aud": "https://www.googleapis.com/", "exp": time.time() + 3600})


def _token(claims: dict[str, Any]) -> str:
    return f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part(claims)}.none"


class AccessTokens(set[str]):
    """The access tokens that Google takes: the owner's in the set, and those that name who asks and still hold."""

    def __init__(self, *tokens: str, identities: Callable[[str], bool]) -> None:
        super().__init__(tokens)
        self._identities = identities

    def who(self, token: str | None) -> str | None:
        """Return who has a token: the owner, a service account's address, a principal; None where it is not taken."""
        if token in self:
            return OWNER
        claims = claims_of(str(token))
        if claims.get("exp", 0) < time.time():
            return None
        email = str(claims.get("email", ""))
        return email if self._identities(email) else claims.get("principal")


def claims_of(token: str) -> dict[str, Any]:
    """What a token says; nothing where it is none."""
    try:
        part = token.split(".")[1]
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError):
        return {}
    return claims


def why_refused(header: str | None, audience: str) -> tuple[int, str] | None:
    """Return the status and reason with which Cloud Run refuses a request that has this header; None: it does not."""
    if not header or not header.lower().startswith("bearer "):
        return 403, "no identity token"
    claims = claims_of(header[len("bearer ") :].strip())
    if not claims:
        return 401, "not an identity token"
    if claims.get("exp", 0) < time.time():
        return 401, "the identity token has expired"
    if claims.get("aud") != audience:
        return 401, f"the identity token is for {claims.get('aud')}"
    return None
