"""Who may ask for predictions: whoever sends one of the service's keys, where it has any."""

import hashlib
import hmac

from starlette.exceptions import HTTPException
from starlette.types import Scope

from cd4ml.serving.request import header

_SCHEME = b"bearer "


class ApiKeys:
    """The keys of a service; none means that it asks for none."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._digests = [hashlib.sha256(key.encode()).digest() for key in keys]

    def __bool__(self) -> bool:
        return bool(self._digests)

    def check(self, scope: Scope) -> None:
        """Check that a request carries `Authorization: Bearer KEY`, in a time that says nothing about the keys.

        Raises:
            HTTPException: 401, it carries none, or another.
        """
        if not self._digests:
            return
        told = header(scope, b"authorization") or b""
        sent = hashlib.sha256(told[len(_SCHEME) :].strip() if told.lower().startswith(_SCHEME) else b"").digest()
        known = [hmac.compare_digest(sent, digest) for digest in self._digests]
        if not any(known):
            what = "is not one of this service's" if told else "is missing"
            detail = f'the key {what}; send the header "Authorization: Bearer KEY"'
            raise HTTPException(401, detail, {"WWW-Authenticate": "Bearer"})
