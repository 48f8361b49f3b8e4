"""Authorization of POST /predict: if the service has API keys, a request must send one of them."""

import hashlib
import hmac

from starlette.exceptions import HTTPException
from starlette.types import Scope

from cd4ml.serving.request import header

_SCHEME = b"bearer "


class ApiKeys:
    """The API keys of a service; without any, every request is authorized."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._digests = [hashlib.sha256(key.encode()).digest() for key in keys]

    def __bool__(self) -> bool:
        return bool(self._digests)

    def check(self, scope: Scope) -> None:
        """Check that a request has `Authorization: Bearer KEY`, in a time that does not depend on the key.

        Raises:
            HTTPException: 401, it has none, or another key.
        """
        if not self._digests:
            return
        value = header(scope, b"authorization") or b""
        key = value[len(_SCHEME) :].strip() if value.lower().startswith(_SCHEME) else b""
        digest = hashlib.sha256(key).digest()
        matches = [hmac.compare_digest(digest, expected) for expected in self._digests]
        if not any(matches):
            reason = "is not one of this service's" if value else "is missing"
            detail = f'the key {reason}; send the header "Authorization: Bearer KEY"'
            raise HTTPException(401, detail, {"WWW-Authenticate": "Bearer"})
