"""Ask a service over HTTP, with the standard library alone."""

import ipaddress
import json
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import OpenerDirector, ProxyHandler, Request, build_opener

from ..errors import UserError


class NoServiceError(UserError):
    """Nothing answers at the URL."""


@dataclass(frozen=True)
class Reply:
    """What a service answered: the status, and the body as JSON or, where it is none, as text."""

    status: int
    body: Any


def ask(url: str, path: str, body: Any = None, timeout: float = 30) -> Reply:
    """Return the reply to GET, or to POST where there is a body to send as JSON; `timeout` is in seconds.

    Raises:
        NoServiceError: nothing answers there.
        UserError: the URL is none.
    """
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise UserError(f'"{url}" is no URL of a service; write one such as http://127.0.0.1:8000')
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} if data else {}
    request = Request(url.rstrip("/") + path, data, headers)  # noqa: S310 - the scheme was looked at
    try:
        with _opener(url).open(request, timeout=timeout) as response:
            return Reply(response.status, _read(response.read()))
    except HTTPError as refused:
        with refused:
            return Reply(refused.code, _read(refused.read()))
    except (URLError, OSError, HTTPException) as failure:
        raise NoServiceError(f"no answer from {url}: {getattr(failure, 'reason', failure)}") from None


def _opener(url: str) -> OpenerDirector:
    """Return what opens URLs; a proxy that the environment names is not asked for this machine's own addresses."""
    host = urlsplit(url).hostname or ""
    try:
        here = ipaddress.ip_address(host).is_loopback
    except ValueError:
        here = host == "localhost"
    return build_opener(*([ProxyHandler({})] if here else []))


def _read(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content.decode("utf-8", "replace")
