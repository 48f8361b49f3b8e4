"""Download a file over HTTPS, whole or not at all; a broken connection is resumed where it stopped."""

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
from cd4ml.source.table_file import is_table
from cd4ml.terminal.progress_meter import ProgressMeter

ATTEMPTS = 6
PAUSE = 0.5  # seconds before the second attempt; doubled before each later one
TIMEOUT = 30.0  # seconds without an answer, or without another byte, after which a connection counts as broken
_PIECE = 65_536  # bytes
_TEMPORARY = {408, 425, 429, 500, 502, 503, 504}  # statuses after which another attempt may succeed
_RANGE_NOT_SATISFIABLE = 416
_MEANINGS = {
    401: "the server requires credentials; check those in the environment",
    403: "access denied; check the credentials in the environment, which may have expired",
    404: "there is no such file",
    410: "the file was removed",
}


class _RetryableError(Exception):
    """An error that another attempt may not meet."""


def download_file(address: Address, folder: Path) -> Path:
    """Download the file at an address into a folder, and return its path.

    Raises:
        DataError: there is no such file or host, access is denied, or the connection broke in every attempt.
    """
    download = _Download(address, folder / "download")
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE * 2 ** (attempt - 1))
        try:
            download.resume()
            return download.rename_by_format()
        except _RetryableError as failure:
            reason = address.redact(str(failure))
    raise DataError(f"{address.printable} could not be downloaded in {ATTEMPTS} attempts: {reason}; try again later")


class _Download:
    """A file of which a part is downloaded, and what shows that the rest belongs to the same version of the file."""

    def __init__(self, address: Address, target: Path) -> None:
        self._address, self._target = address, target
        self._meter = ProgressMeter(f"downloading {address.printable}")
        self._version = ""  # the server's ETag or date for this version of the file; empty if it sends none
        self._media_type = ""

    def resume(self) -> None:
        """Download what is missing; the file is complete when this returns."""
        received = self._target.stat().st_size if self._version else 0
        try:
            with _opener(self._address).open(self._request(received), timeout=TIMEOUT) as response:
                self._receive(response, received)
        except HTTPError as answer:
            self._raise_for_status(answer)
        except URLError as failure:
            _raise_for_connection(self._address, failure.reason)
        except (HTTPException, OSError) as failure:
            raise _RetryableError(str(failure) or type(failure).__name__) from None

    def rename_by_format(self) -> Path:
        """Rename the complete file so that its suffix is that of its format, and return its path."""
        name = Path(unquote(urlsplit(self._address.url).path)).name or "index"
        with self._target.open("rb") as file:
            parquet = file.read(4) == b"PAR1"
        if not is_table(name):
            name += ".parquet" if parquet else ".csv" if "csv" in self._media_type else ""
        if self._media_type == "text/html" and not parquet:
            raise DataError(f"{self._address.printable} returns a web page, not a table; does it need a login?")
        return self._target.rename(self._target.with_name(name))

    def _request(self, received: int) -> Request:
        parts = urlsplit(self._address.url)
        user, at, host = parts.netloc.rpartition("@")
        without_user = parts._replace(netloc=host, path=quote(parts.path, safe="/%:@!$&'()*+,;=~-._"), fragment="")
        request = Request(without_user.geturl(), headers={"User-Agent": "cd4ml"})  # noqa: S310
        if at:  # as a header that is not sent to the target of a redirect
            request.add_unredirected_header("Authorization", f"Basic {b64encode(unquote(user).encode()).decode()}")
        if received:
            request.add_header("Range", f"bytes={received}-")
            request.add_header("If-Range", self._version)
        return request

    def _receive(self, response: HTTPResponse, received: int) -> None:
        start, total = _range(response)
        if start not in (0, received):
            self._version = ""
            raise _RetryableError("the server continued at another byte than requested")
        if total is None and response.headers.get("Transfer-Encoding") != "chunked":
            raise DataError(
                f"{self._address.printable}: the server does not send the file's length, so a part of it would be "
                "taken for the whole file"
            )
        tag = response.headers.get("ETag", "")
        self._version = tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified", "")
        self._media_type = response.headers.get_content_type()
        with self._target.open("r+b" if start else "wb") as file:
            file.seek(start)
            file.truncate()
            end = self._copy(response, file, start, total)
        if total is not None and end != total:
            raise _RetryableError(f"the connection broke after {end:,} of {total:,} bytes")

    def _copy(self, response: HTTPResponse, file: IO[bytes], end: int, total: int | None) -> int:
        while piece := response.read(_PIECE):
            file.write(piece)
            end += len(piece)
            self._meter.report_bytes(end, total)
        return end

    def _raise_for_status(self, answer: HTTPError) -> None:
        if answer.code == _RANGE_NOT_SATISFIABLE:  # a newer and shorter version of the file has replaced it
            self._version = ""
        if answer.code in _TEMPORARY or answer.code == _RANGE_NOT_SATISFIABLE:
            raise _RetryableError(f"the server answers {answer.code}")
        meaning = _MEANINGS.get(answer.code, "it cannot be read")
        raise DataError(f"{self._address.printable}: {meaning} (the server answers {answer.code})")


def _range(response: HTTPResponse) -> tuple[int, int | None]:
    """Return the first byte of the file that an answer contains, and the file's length if the server sends it."""
    if response.status == 206:
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", response.headers.get("Content-Range", ""))
        return (int(match[1]), int(match[2])) if match else (-1, None)
    length = response.headers.get("Content-Length")
    return 0, int(length) if length else None


def _raise_for_connection(address: Address, reason: Any) -> None:
    if isinstance(reason, ssl.SSLCertVerificationError):
        raise DataError(f"{address.printable}: its certificate is not trusted: {address.redact(reason.verify_message)}")
    if isinstance(reason, socket.gaierror) and reason.errno != socket.EAI_AGAIN:
        raise DataError(f"{address.printable}: {address.host} is unknown; fix data.source in params.yaml")
    raise _RetryableError(str(reason) or type(reason).__name__)


class _HttpsRedirects(HTTPRedirectHandler):
    """Follows a redirect, unless it leads away from HTTPS."""

    def __init__(self, address: Address) -> None:
        self._address = address

    def redirect_request(self, *arguments: Any) -> Request | None:
        to = urlsplit(arguments[-1])
        if to.scheme != "https" and to.hostname not in LOOPBACK:
            raise DataError(f"{self._address.printable} redirects to an address that is not https, which is rejected")
        return super().redirect_request(*arguments)


def _opener(address: Address) -> OpenerDirector:
    handlers: list[Any] = [_HttpsRedirects(address)]
    if urlsplit(address.url).hostname in LOOPBACK:
        handlers.append(ProxyHandler({}))
    return build_opener(*handlers)
