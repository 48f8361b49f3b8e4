"""Fetch a file over https: whole or not at all, going on where a connection broke off."""

import re
import socket
import ssl
import time
from base64 import b64encode
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, unquote, urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener

from cd4ml.errors import DataError
from cd4ml.settings.source_url import LOOPBACK
from cd4ml.source.address import Address
from cd4ml.source.progress_meter import Meter

ATTEMPTS = 6
PAUSE = 0.5  # seconds before the second attempt; before each later one twice as long
SILENCE = 30.0  # seconds without an answer, or without another byte, after which a connection counts as broken off
_PIECE = 65_536  # bytes
_PASSING = {408, 425, 429, 500, 502, 503, 504}
_MEANINGS = {
    401: "it wants credentials: are those in the environment right?",
    403: "it refuses: are the credentials in the environment right, and not expired?",
    404: "there is no such file",
    410: "the file is gone",
}


class _BrokenOffError(Exception):
    """What may be over in a moment."""


def fetch(address: Address, folder: Path) -> Path:
    """Return the file at an address, downloaded into a folder.

    Raises:
        DataError: it is not there or is refused; no host of that name; the connection broke off time and again.
    """
    download = _Download(address, folder / "download")
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE * 2 ** (attempt - 1))
        try:
            download.go_on()
            return download.named()
        except _BrokenOffError as broken:
            reason = address.scrub(str(broken))
    raise DataError(f"{address.shown} could not be fetched in {ATTEMPTS} attempts: {reason}; try again later")


class _Download:
    """A file that is coming: what there is of it, and how to know that the rest belongs to the same file."""

    def __init__(self, address: Address, target: Path) -> None:
        self._address, self._target = address, target
        self._meter = Meter(f"downloading {address.shown}")
        self._same_file = ""  # the entity tag or date that a server gave it; empty where it gave none
        self._kind = ""  # the media type

    def go_on(self) -> None:
        """Fetch what is missing; the file is complete when this returns."""
        have = self._target.stat().st_size if self._same_file else 0
        try:
            with _opener(self._address).open(self._request(have), timeout=SILENCE) as response:
                self._take(response, have)
        except HTTPError as answered:
            self._explain(answered)
        except URLError as failed:
            _explain_connection(self._address, failed.reason)
        except (HTTPException, OSError) as broken:
            raise _BrokenOffError(str(broken) or type(broken).__name__) from None

    def named(self) -> Path:
        """Return the complete file under a name that says its format."""
        name = Path(unquote(urlsplit(self._address.url).path)).name or "index"
        with self._target.open("rb") as file:
            parquet = file.read(4) == b"PAR1"
        if not name.endswith((".parquet", ".csv")):
            name += ".parquet" if parquet else ".csv" if "csv" in self._kind else ""
        if self._kind == "text/html" and not parquet:
            raise DataError(f"{self._address.shown} answers with a web page, not a table: does it want a login?")
        return self._target.rename(self._target.with_name(name))

    def _request(self, have: int) -> Request:
        parts = urlsplit(self._address.url)
        user, at, host = parts.netloc.rpartition("@")
        plain = parts._replace(netloc=host, path=quote(parts.path, safe="/%:@!$&'()*+,;=~-._"), fragment="")
        request = Request(plain.geturl(), headers={"User-Agent": "source-dev"})  # noqa: S310
        if at:  # not sent on to where a redirection leads
            request.add_unredirected_header("Authorization", f"Basic {b64encode(unquote(user).encode()).decode()}")
        if have:
            request.add_header("Range", f"bytes={have}-")
            request.add_header("If-Range", self._same_file)
        return request

    def _take(self, response: HTTPResponse, have: int) -> None:
        start, total = _extent(response)
        if start not in (0, have):
            self._same_file = ""
            raise _BrokenOffError("the server went on at another place than it was asked for")
        if total is None and response.headers.get("Transfer-Encoding") != "chunked":
            raise DataError(
                f"{self._address.shown}: the server does not say how long the file is, so half of it would look whole"
            )
        tag = response.headers.get("ETag", "")
        self._same_file = tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified", "")
        self._kind = response.headers.get_content_type()
        with self._target.open("r+b" if start else "wb") as file:
            file.seek(start)
            file.truncate()
            end = self._copy(response, file, start, total)
        if total is not None and end != total:
            raise _BrokenOffError(f"it broke off after {end:,} of {total:,} bytes")

    def _copy(self, response: HTTPResponse, file: IO[bytes], end: int, total: int | None) -> int:
        while piece := response.read(_PIECE):
            file.write(piece)
            end += len(piece)
            self._meter.bytes(end, total)
        return end

    def _explain(self, answered: HTTPError) -> None:
        if answered.code == 416:  # the file is another by now, and shorter
            self._same_file = ""
        if answered.code in _PASSING or answered.code == 416:
            raise _BrokenOffError(f"the server answers {answered.code}")
        meaning = _MEANINGS.get(answered.code, "it cannot be read")
        raise DataError(f"{self._address.shown}: {meaning} (the server answers {answered.code})")


def _extent(response: HTTPResponse) -> tuple[int, int | None]:
    """Return at which byte of the file an answer begins, and how many bytes the file has, if that is said."""
    if response.status == 206:
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", response.headers.get("Content-Range", ""))
        return (int(found[1]), int(found[2])) if found else (-1, None)
    length = response.headers.get("Content-Length")
    return 0, int(length) if length else None


def _explain_connection(address: Address, reason: Any) -> None:
    if isinstance(reason, ssl.SSLCertVerificationError):
        raise DataError(f"{address.shown}: its certificate is not to be trusted: {reason.verify_message}")
    if isinstance(reason, socket.gaierror) and reason.errno != socket.EAI_AGAIN:
        raise DataError(f"{address.shown}: nobody knows {address.host}; mend data.source in params.yaml")
    raise _BrokenOffError(str(reason) or type(reason).__name__)


class _StayPrivate(HTTPRedirectHandler):
    """Follows a redirection, unless it leads away from https."""

    def __init__(self, address: Address) -> None:
        self._address = address

    def redirect_request(self, *arguments: Any) -> Request | None:
        to = urlsplit(arguments[-1])
        if to.scheme != "https" and to.hostname not in LOOPBACK:
            raise DataError(f"{self._address.shown} sends on to an address that is not https, which is not followed")
        return super().redirect_request(*arguments)


def _opener(address: Address) -> OpenerDirector:
    handlers: list[Any] = [_StayPrivate(address)]
    if urlsplit(address.url).hostname in LOOPBACK:
        handlers.append(ProxyHandler({}))
    return build_opener(*handlers)
