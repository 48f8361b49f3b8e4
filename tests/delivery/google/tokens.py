"""Identity tokens, unsigned: who asks, and for which address the token was made."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

IDENTITY = "X-Serverless-Authorization"  # which Cloud Run takes before Authorization, and keeps back


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def mint(audience: str, lifetime: float = 3600) -> str:
    """Return an identity token for an audience; a negative lifetime makes one that has expired."""
    claims = {"aud": audience, "email": "deployer@example.iam.gserviceaccount.com", "exp": time.time() + lifetime}
    return f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part(claims)}.none"


class AccessTokens(set[str]):
    """The access tokens that Google takes: those in the set, and those that name one of `identities` and still hold."""

    def __init__(self, *tokens: str) -> None:
        super().__init__(tokens)
        self.identities: set[str] = set()

    def __contains__(self, token: object) -> bool:
        claims = _claims(str(token))
        return super().__contains__(token) or (
            claims.get("email") in self.identities and claims.get("exp", 0) > time.time()
        )


def _claims(token: str) -> dict[str, Any]:
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
    claims = _claims(header[len("bearer ") :].strip())
    if not claims:
        return 401, "not an identity token"
    if claims.get("exp", 0) < time.time():
        return 401, "the identity token has expired"
    if claims.get("aud") != audience:
        return 401, f"the identity token is for {claims.get('aud')}"
    return None
