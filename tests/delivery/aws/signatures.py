"""Whether a request was signed with the secret of its access key: AWS's Signature Version 4, in a header."""

from __future__ import annotations

import hashlib
import hmac
import re
import urllib.parse

from tests.delivery.stand_ins.listening import Request

_HEADER = re.compile(r"AWS4-HMAC-SHA256 Credential=[^/]+/(\S+?),\s*SignedHeaders=(\S+?),\s*Signature=(\w+)")


def is_signed_with(secret: str, request: Request) -> bool:
    """Whether this secret made the signature of a request."""
    found = _HEADER.match(request.headers.get("Authorization") or "")
    if found is None:
        return False
    scope, names, signature = found.groups()
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = _hmac(key, part)
    whole = hashlib.sha256(_canonical(request, names).encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", request.headers["X-Amz-Date"], scope, whole])
    return hmac.compare_digest(_hmac(key, text).hex(), signature)


def _canonical(request: Request, names: str) -> str:
    target = urllib.parse.urlsplit(request.address)
    query = sorted(part if "=" in part else f"{part}=" for part in target.query.split("&") if part)
    headers = [f"{name}:{' '.join((request.headers.get(name) or '').split())}" for name in names.split(";")]
    body = request.headers.get("X-Amz-Content-SHA256") or hashlib.sha256(request.body).hexdigest()
    return "\n".join([request.method, target.path or "/", "&".join(query), *headers, "", names, body])


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
