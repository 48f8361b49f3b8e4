"""One exchange with a server: where a request may go, how long it may take, and why it failed."""

import ipaddress
import os
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import cache
from typing import Any, Self

import httpx2

from cd4ml.errors import UserError

SILENCE = 20.0  # seconds without an answer, or without another byte, after which a connection counts as broken
UNKNOWN_HOST = "its host is unknown"
_DEFAULTS = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "cd4ml"}
_HOST = re.compile(r"[\w.:-]*")  # httpx2 would escape what is none
_HOPS = 5  # redirects in a row
_NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError)


class HttpError(UserError):
    """There is no answer. The message never has the address, which may be a secret."""

    def __init__(self, reason: str, *, again: bool = False, sent: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.again, self.sent = reason, again, sent
        """What happened; whether another attempt may succeed; whether the server may have done what it was asked."""


class Deadline:
    """The time by which an exchange must be over; it ends the connection then.

    The limits of an HTTP client are for one read: a server that sends a byte now and then keeps to them for hours.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds, self._end = seconds, time.monotonic() + seconds
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    @property
    def left(self) -> float:
        """The seconds that are left; never less than a millisecond, as 0 would be no limit."""
        return max(0.001, self._end - time.monotonic())

    @property
    def over(self) -> bool:
        """Whether the time has come."""
        return time.monotonic() >= self._end

    @property
    def reason(self) -> str:
        """What to say then."""
        return f"no answer within {self._seconds:g} seconds"

    def trace(self, event: str, details: Mapping[str, Any]) -> None:
        """Take over a connection when it is made, and again when it is encrypted; httpx2 calls this."""
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            self._socket = details["return_value"].get_extra_info("socket")
            if self.over:
                self._cut()

    def _cut(self) -> None:
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def checked(address: str) -> httpx2.URL:
    """Return an address to which a request may be sent: it is encrypted, or on this machine.

    Raises:
        HttpError: it is not.
    """
    try:
        url = httpx2.URL(address)
    except (httpx2.InvalidURL, ValueError):
        raise HttpError("not a URL") from None
    if any(char.isspace() for char in address) or not _HOST.fullmatch(url.host):
        raise HttpError("not a URL")
    if not url.host or not (url.scheme == "https" or (url.scheme == "http" and is_loopback(url.host))):
        raise HttpError("not an https URL")
    return url


@contextmanager
def exchange(
    method: str,
    address: str,
    *,
    content: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    credentials: Mapping[str, str] | None = None,
    deadline: Deadline | None = None,
) -> Iterator[httpx2.Response]:
    """Send a request, and yield the response, whatever its status, before its content is read.

    A redirect is followed if the request is a GET and the target is encrypted; another host gets no credentials.

    Args:
        method: such as GET.
        address: it may hold a secret.
        content: the body.
        headers: besides those that every request has.
        credentials: headers for this host alone.
        deadline: when it must be over, the reading of the content included. None: a pause of `SILENCE` ends it.

    Raises:
        HttpError: there is no answer, or only a part of one, also while the content is read.
    """
    first = url = checked(address)
    seconds = SILENCE if deadline is None else min(SILENCE, deadline.left)
    try:
        with _client(url, seconds) as client:
            for _ in range(_HOPS + 1):
                own = credentials if _origin(url) == _origin(first) else None
                request = client.build_request(
                    method,
                    url,
                    content=content,
                    headers=_DEFAULTS | dict(headers or {}) | dict(own or {}),
                    extensions={"trace": deadline.trace} if deadline else {},
                )
                response = client.send(request, stream=True)
                with closing(response):
                    if method != "GET" or not response.has_redirect_location:
                        yield response
                        return
                    url = _target(response, first)
            raise HttpError(f"more than {_HOPS} redirects in a row")
    except (httpx2.RequestError, UnicodeEncodeError) as failure:
        raise _explained(failure, seconds, deadline) from None


def _client(url: httpx2.URL, seconds: float) -> httpx2.Client:
    """Return a client with the proxies and certificates that the environment names; no proxy for this machine.

    Raises:
        HttpError: a proxy's address cannot be used.
    """
    try:
        trust = _authorities(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
        return httpx2.Client(trust_env=not is_loopback(url.host), verify=trust, timeout=httpx2.Timeout(seconds))
    except (ValueError, ImportError, httpx2.InvalidURL):
        raise HttpError("the proxy in HTTPS_PROXY, HTTP_PROXY or ALL_PROXY has no address to use; correct it") from None
    except OSError:  # also what ssl raises for a file without certificates
        raise HttpError("SSL_CERT_FILE or SSL_CERT_DIR has no certificates that can be read; correct it") from None


@cache
def _authorities(file: str | None, folder: str | None) -> ssl.SSLContext:  # noqa: ARG001 - keys of the cache
    """Read the system's authorities once: it takes longer than a request. The arguments are where httpx2 looks."""
    return httpx2.create_ssl_context()


def _origin(url: httpx2.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, url.port or {"https": 443, "http": 80}[url.scheme]


def _target(response: httpx2.Response, first: httpx2.URL) -> httpx2.URL:
    """Return where a redirect leads.

    Raises:
        HttpError: to an address that is not encrypted, or from elsewhere to this machine.
    """
    try:
        url = response.url.join(response.headers["Location"])
        checked(str(url))
    except (HttpError, httpx2.InvalidURL):
        raise HttpError("it redirects to an address that is not https, which is rejected") from None
    if is_loopback(url.host) and not is_loopback(first.host):
        raise HttpError("it redirects to this machine, which is rejected")
    return url.copy_with(userinfo=b"")


def _explained(failure: Exception, seconds: float, deadline: Deadline | None) -> HttpError:
    """Return why there is no answer, without the address."""
    sent = not isinstance(failure, _NOT_SENT)
    if deadline is not None and deadline.over:
        return HttpError(deadline.reason, sent=sent)
    for cause in _causes(failure):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return HttpError(f"its certificate is not trusted: {cause.verify_message}")
        if isinstance(cause, socket.gaierror) and cause.errno != socket.EAI_AGAIN:
            return HttpError(UNKNOWN_HOST)
        if isinstance(cause, (httpx2.LocalProtocolError, UnicodeEncodeError)):
            return HttpError("a header, such as one with a token, has a character that no header may have")
        if isinstance(cause, OSError) and cause.strerror:
            return HttpError(cause.strerror, again=True, sent=sent)
    if isinstance(failure, httpx2.TimeoutException):
        return HttpError(f"no answer within {seconds:g} seconds", again=True, sent=sent)
    if isinstance(failure, httpx2.ProxyError):
        return HttpError(f"the proxy refuses: {str(failure)[:60]}", again=True)
    if isinstance(failure, httpx2.RemoteProtocolError):
        return HttpError("the connection broke before the answer was complete", again=True, sent=sent)
    return HttpError(f"the connection broke ({type(failure).__name__})", again=True, sent=sent)


def _causes(failure: BaseException | None) -> Iterator[BaseException]:
    while failure is not None:
        yield failure
        inner = (argument for argument in failure.args if isinstance(argument, BaseException))  # as httpcore2 keeps it
        failure = failure.__cause__ or next(inner, None)
