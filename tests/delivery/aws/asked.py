"""A request, read: which service is asked for what, and with which access key."""

from __future__ import annotations

import re
import urllib.parse
from dataclasses import dataclass, field
from typing import Any

from tests.delivery.stand_ins.listening import Request

from .refusals import Protocol

Json = dict[str, Any]

SERVICES = {"AmazonEC2ContainerRegistry_V20150921": "ecr", "secretsmanager": "secretsmanager", "Logs_20140328": "logs"}
OF_SOMEBODY = {  # a policy is attached to somebody: that one is named first
    "UserName": "user", "RoleName": "role", "OpenIDConnectProviderArn": "provider", "PolicyArn": "policy",
}  # fmt: skip


@dataclass
class Asked:
    """A request, as far as it has been read."""

    request: Request
    service: str
    region: str
    key: str
    action: str = ""
    body: Json = field(default_factory=dict)
    path: str = ""
    query: dict[str, str] = field(default_factory=dict)

    @property
    def protocol(self) -> Protocol:
        return "query" if self.service in ("iam", "sts") else "s3" if self.service == "s3" else "json"

    def somebody(self) -> tuple[str, str]:
        """Whom a request to IAM is about: a kind and a name."""
        return next((kind, self.body[name]) for name, kind in OF_SOMEBODY.items() if name in self.body)


def read(request: Request) -> Asked:
    """Read which service is asked for what, and by whom."""
    target = urllib.parse.urlsplit(request.address)
    query = dict(urllib.parse.parse_qsl(target.query, keep_blank_values=True))
    scope = re.search(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/", request.headers.get("Authorization") or "")
    signed = query.get("X-Amz-Credential", "").split("/")
    key, region, service = scope.groups() if scope else (signed[0], *signed[2:4]) if len(signed) > 3 else ("", "", "")
    asked = Asked(request, service, region, key, path=urllib.parse.unquote(target.path), query=query)
    if header := request.headers.get("X-Amz-Target"):
        prefix, _, asked.action = header.rpartition(".")
        asked.service, asked.body = SERVICES.get(prefix, prefix), request.json or {}
    elif service in ("iam", "sts", "") and b"Action=" in request.body:
        asked.body = dict(urllib.parse.parse_qsl(request.body.decode()))
        asked.action, asked.service = asked.body["Action"], service or "sts"
    return asked


def first(tag: str, told: str) -> str:
    """Return what an answer of moto's has in the first element of a name."""
    found = re.search(f"<{tag}>([^<]*)</{tag}>", told)
    assert found, f"moto named no {tag}: {told[:200]}"
    return found[1]
