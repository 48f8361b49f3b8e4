"""Send a request to a service, with the standard library only."""

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
from cd4ml.serving.key_digests import is_digest


class NoServiceError(UserError):
    """No service answers at the URL."""


@dataclass(frozen=True)
class Reply:
    """The response of a service."""

    status: int
    body: Any
    """JSON values, or text if the body is not JSON."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """By their names in lower case."""


def call(url: str, path: str, body: Any = None, timeout: float = 30, headers: Mapping[str, str] | None = None) -> Reply:
    """Send GET, or POST if there is a body to send as JSON, and return the response; `timeout` is in seconds.

    The request has the credentials in the environment: SERVICE_API_KEY, or the first of SERVICE_API_KEYS unless that is
    a hash, and SERVICE_IDENTITY_TOKEN, which a private service on Cloud Run requires.

    Raises:
        NoServiceError: no service answers.
        UserError: the URL is not valid, or credentials would be sent unencrypted.
    """
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise UserError(f'"{url}" is not the URL of a service; write one such as http://127.0.0.1:8000')
    data = None if body is None else json.dumps(body).encode()
    sent = credential_headers(url, os.environ) | ({"Content-Type": "application/json"} if data else {})
    request = Request(url.rstrip("/") + path, data, {**(headers or {}), **sent})  # noqa: S310 - the scheme was checked
    try:
        with _opener(url).open(request, timeout=timeout) as response:
            return _reply(response.status, response)
    except HTTPError as error:
        with error:
            return _reply(error.code, error)
    except (URLError, OSError, HTTPException) as failure:
        raise NoServiceError(f"no answer from {url}: {getattr(failure, 'reason', failure)}") from None


def credential_headers(url: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that authorize a request.

    Raises:
        UserError: they would go over a network unencrypted.
    """
    keys = [environment.get("SERVICE_API_KEY", ""), *environment.get("SERVICE_API_KEYS", "").split(",")]
    key = next((key.strip() for key in keys if key.strip()), "")
    if is_digest(key):
        key = ""
    token = environment.get("SERVICE_IDENTITY_TOKEN", "").strip()
    if (key or token) and urlsplit(url).scheme != "https" and not _is_loopback(url):
        raise UserError(f"{url} is not encrypted, and a key would be sent there; use its https:// address")
    secrets = {"Authorization": key, "X-Serverless-Authorization": token}
    return {name: f"Bearer {secret}" for name, secret in secrets.items() if secret}


def _opener(url: str) -> OpenerDirector:
    """Return an opener that follows no redirects, and uses no proxy for this machine's own addresses."""
    return build_opener(_NoRedirect, *([ProxyHandler({})] if _is_loopback(url) else []))


class _NoRedirect(HTTPRedirectHandler):
    """Follows no redirect, since it would send the keys to another host."""

    def redirect_request(self, *_: Any) -> None:
        """Return None, which makes the redirect itself the response."""


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _reply(status: int, response: HTTPResponse | HTTPError) -> Reply:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Reply(status, _parse_body(response.read()), headers)


def _parse_body(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content.decode("utf-8", "replace")
