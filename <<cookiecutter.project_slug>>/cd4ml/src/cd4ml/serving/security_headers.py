"""The headers by which browsers protect the pages of the service, and what it answers."""

import base64
import hashlib
import re
from collections.abc import Mapping

Headers = list[tuple[bytes, bytes]]

_ALWAYS = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer")]
_POLICY, _CACHE = b"content-security-policy", b"cache-control"
# A page loads only what this service sends, sends forms only here, and is in no other site's frame.
_PAGE = b"default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
_DATA = b"default-src 'none'; frame-ancestors 'none'"
_INLINE_SCRIPT = re.compile("<script>(.*?)</script>", re.DOTALL)


def page_policy(page: str) -> str:
    """Return the Content-Security-Policy of a page: the scripts in its text run, and no other ones of a text."""
    digests = [hashlib.sha256(script.encode()).digest() for script in _INLINE_SCRIPT.findall(page)]
    scripts = " ".join(["'self'", *(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)])
    return f"{_PAGE.decode()}; script-src {scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data:"


class ResponseHeaders:
    """The headers that every response gets, made once.

    Args:
        model: the headers that name model and release.
    """

    def __init__(self, model: Mapping[str, str]) -> None:
        always = [*_ALWAYS, *((name.encode(), value.encode()) for name, value in model.items())]
        self.data: Headers = [*always, (_POLICY, _DATA), (_CACHE, b"no-store")]
        """Of a prediction, or an error in its place: nothing keeps it, and no browser runs it."""
        self._page: Headers = [*always, (_POLICY, _PAGE), (_CACHE, b"no-store")]

    def missing(self, headers: Headers) -> Headers:
        """Return the headers to add to those of a page or another route, which may have a policy of its own."""
        present = {name.lower() for name, _ in headers}
        return [header for header in self._page if header[0] not in present]
