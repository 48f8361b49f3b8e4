"""Ask a service over HTTP, with the standard library alone."""

import ipaddress
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener

from cd4ml.errors import UserError


class NoServiceError(UserError):
    """Nothing answers at the URL."""


@dataclass(frozen=True)
class Reply:
    """What a service answered: the status, the body as JSON or, where it is none, as text, and the headers."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    """By their names in lower case."""


def ask(url: str, path: str, body: Any = None, timeout: float = 30) -> Reply:
    """Return the reply to GET, or to POST where there is a body to send as JSON; `timeout` is in seconds.

    What the environment holds to be let in goes with it: SERVICE_API_KEY, or the first of SERVICE_API_KEYS, and
    SERVICE_IDENTITY_TOKEN, which a private service on Cloud Run asks for.

    Raises:
        NoServiceError: nothing answers there.
        UserError: the URL is none.
    """
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise UserError(f'"{url}" is no URL of a service; write one such as http://127.0.0.1:8000')
    data = None if body is None else json.dumps(body).encode()
    headers = passes(url, os.environ) | ({"Content-Type": "application/json"} if data else {})
    request = Request(url.rstrip("/") + path, data, headers)  # noqa: S310 - the scheme was looked at
    try:
        with _opener(url).open(request, timeout=timeout) as response:
            return _reply(response.status, response)
    except HTTPError as refused:
        with refused:
            return _reply(refused.code, refused)
    except (URLError, OSError, HTTPException) as failure:
        raise NoServiceError(f"no answer from {url}: {getattr(failure, 'reason', failure)}") from None


def passes(url: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the headers by which a service knows its caller.

    Raises:
        UserError: they would go over a network unencrypted.
    """
    keys = [environment.get("SERVICE_API_KEY", ""), *environment.get("SERVICE_API_KEYS", "").split(",")]
    key = next((key.strip() for key in keys if key.strip()), "")
    token = environment.get("SERVICE_IDENTITY_TOKEN", "").strip()
    if (key or token) and urlsplit(url).scheme != "https" and not _is_here(url):
        raise UserError(f"{url} is not encrypted, and a key would be sent there; use its https:// address")
    named = {"Authorization": key, "X-Serverless-Authorization": token}
    return {name: f"Bearer {secret}" for name, secret in named.items() if secret}


def _opener(url: str) -> OpenerDirector:
    """Return what opens URLs; a proxy that the environment names is not asked for this machine's own addresses."""
    return build_opener(_StayHere, *([ProxyHandler({})] if _is_here(url) else []))


class _StayHere(HTTPRedirectHandler):
    """Follow no redirection: it would take the keys along to another host."""

    def redirect_request(self, *_: Any) -> None:
        """Return nothing, which makes the redirection itself the answer."""


def _is_here(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _reply(status: int, response: HTTPResponse | HTTPError) -> Reply:
    return Reply(status, _read(response.read()), {name.lower(): value for name, value in response.headers.items()})


def _read(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content.decode("utf-8", "replace")
