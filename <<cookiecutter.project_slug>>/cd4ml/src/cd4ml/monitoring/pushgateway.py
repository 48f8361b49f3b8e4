"""Push the gauges to a Pushgateway, for a Prometheus that cannot read the file: it replaces those of the last time."""

from collections.abc import Callable, Mapping
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit

from cd4ml.errors import UserError
from cd4ml.monitoring.gauges import registry

JOB = "cd4ml-monitor"
_TIMEOUT = 10.0  # seconds


class PushError(UserError):
    """The gauges cannot be pushed."""


def push(document: Mapping[str, Any], url: str) -> str:
    """Push the gauges of a document; return the address without user and password.

    Args:
        document: the content of monitoring.json.
        url: of the gateway, such as http://user:password@pushgateway:9091.

    Raises:
        PushError: the address is not one, no gateway answers there, or it rejects the gauges.
    """
    from prometheus_client import push_to_gateway
    from prometheus_client.exposition import basic_auth_handler, default_handler

    try:
        parts = urlsplit(url)
        user, password, _ = unquote(parts.username or ""), unquote(parts.password or ""), parts.port
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise PushError("PUSHGATEWAY_URL is not an address; write one such as http://pushgateway:9091")
    address = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl().rstrip("/")

    def send(**request: Any) -> Callable[[], None]:
        return basic_auth_handler(**request, username=user, password=password) if user else default_handler(**request)

    try:
        key = {"model": document["model"]["name"]}
        push_to_gateway(address, JOB, registry(document), key, timeout=_TIMEOUT, handler=send)
    except HTTPError as failure:
        raise PushError(f"{address} returned {failure.code} {failure.reason}") from failure
    except (OSError, HTTPException) as failure:
        reason = getattr(failure, "reason", None) or failure
        raise PushError(f"{address}: {getattr(reason, 'strerror', None) or reason}") from failure
    return address
