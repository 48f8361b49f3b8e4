"""Workload identity pools and their providers: what was deleted is kept for 30 days, and its id is taken until then.

https://cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools.providers/delete: "You can
undelete a provider for 30 days. You cannot update deleted providers. However, you can view and list them."
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.delivery.stand_ins.delays import Delays

from .services import RefusedError

Json = dict[str, Any]
Query = dict[str, list[str]]
Route = tuple[str, str, Callable[..., Json]]

PARENT = r"/v1/projects/[^/]+/locations/global"
POOL = rf"{PARENT}/workloadIdentityPools/[^/:]+"
EITHER = rf"{POOL}(?:/providers/[^/:]+)?"
LONGEST_SUBJECT = 127
EQUALS = re.compile(r"assertion\.(\w+) == '([^']*)'")


class Pools:
    """The pools of one project, kept by their address beside its other resources."""

    def __init__(self, resources: dict[str, Json], delays: Delays) -> None:
        self._kept, self._delays = resources, delays
        self._coming_back: set[str] = set()  # what is being undeleted, until somebody looks a second time

    def routes(self) -> list[Route]:
        """What is answered here: methods, address, answer."""
        return [
            ("POST", rf"({PARENT}/workloadIdentityPools)", self._make("workloadIdentityPoolId")),
            ("POST", rf"({POOL}/providers)", self._make("workloadIdentityPoolProviderId")),
            ("POST", rf"({EITHER}):undelete", self._undelete),
            ("GET", rf"({EITHER})", self._read),
            ("PATCH", rf"({EITHER})", self._update),
            ("DELETE", rf"({EITHER})", self._delete),
        ]

    def _make(self, parameter: str) -> Callable[..., Json]:
        def answer(collection: str, query: Query, body: Json, **_: Any) -> Json:
            address = f"{collection}/{query[parameter][0]}"
            if address in self._kept:
                raise RefusedError(409, "Requested entity already exists", "ALREADY_EXISTS")
            if collection.endswith("/providers"):
                self._active(pool := collection.removesuffix("/providers"))
                if self._delays.hide(pool):
                    raise RefusedError(404, "Requested entity was not found.")
            else:
                self._delays.made(address)
            self._kept[address] = (body or {}) | {"name": address[4:], "state": "ACTIVE"}
            return self._done(address)

        return answer

    def _undelete(self, address: str, **_: Any) -> Json:
        if "/providers/" in address:
            self._active(address.rpartition("/providers/")[0])
        if self._kept[address]["state"] != "DELETED":
            raise RefusedError(400, "only what was deleted can be undeleted", "FAILED_PRECONDITION")
        self._coming_back.add(address)
        return {"name": f"{address[4:]}/operations/1", "done": False}

    def _read(self, address: str, **_: Any) -> Json:
        told = dict(self._kept[address])
        if address in self._coming_back:
            self._coming_back.remove(address)
            self._kept[address]["state"] = "ACTIVE"
        return told

    def _update(self, address: str, query: Query, body: Json, **_: Any) -> Json:
        self._active(address)
        changed = {name.split(".")[0] for name in query["updateMask"][0].split(",")}
        for name in changed:
            self._kept[address][name] = body[name]
        return self._done(address)

    def _delete(self, address: str, **_: Any) -> Json:
        """Delete one, and with a pool its providers, which an undeleted pool does not bring back."""
        self._active(address)
        for known in self._kept:
            if known == address or known.startswith(f"{address}/providers/"):
                self._kept[known]["state"] = "DELETED"
        return self._done(address)

    def _active(self, address: str) -> Json:
        kept = self._kept[address]
        if kept["state"] != "ACTIVE":
            raise RefusedError(400, f"{kept['name']} is deleted", "FAILED_PRECONDITION")
        return kept

    def _done(self, address: str) -> Json:
        return {"name": f"{address[4:]}/operations/1", "done": True, "response": self._kept[address]}

    # signing in

    def principal(self, provider: str, claims: dict[str, str]) -> str:
        """Return who a token of GitHub's is to Google: its subject, as the provider maps it.

        Raises:
            RefusedError: the provider or its pool is deleted, or takes no such token.
        """
        self._active(provider.rpartition("/providers/")[0])
        kept = self._active(provider)
        if claims["iss"] != kept["oidc"]["issuerUri"]:
            raise RefusedError(400, "The issuer in ID Token does not match the expected ones.")
        wanted = dict(EQUALS.findall(kept["attributeCondition"]))
        if not wanted or any(claims[name] != value for name, value in wanted.items()):
            raise RefusedError(401, "The given credential is rejected by the attribute condition.")
        subject = _mapped(kept["attributeMapping"]["google.subject"], claims)
        if len(subject.encode()) > LONGEST_SUBJECT:
            raise RefusedError(
                400,
                f"The size of mapped attribute google.subject exceeds the {LONGEST_SUBJECT} bytes limit. Either modify "
                "your attribute mapping or the incoming assertion to produce a mapped attribute that is less than "
                f"{LONGEST_SUBJECT} bytes.",
            )
        return subject


def _mapped(expression: str, claims: dict[str, str]) -> str:
    """Evaluate as much of the Common Expression Language as our mapping uses: claims and texts, joined by `+`."""
    values = []
    for word in (word.strip() for word in expression.split(" + ")):
        if text := re.fullmatch(r"'([^']*)'", word):
            values.append(text[1])
        elif (name := word.removeprefix("assertion.")) in claims and name != word:
            values.append(claims[name])
        else:
            raise RefusedError(400, f"The mapped attribute cannot be evaluated: no such key: {word}")
    return "".join(values)
