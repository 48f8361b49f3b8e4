"""Download a file over HTTPS, whole or not at all; a broken connection is resumed where it stopped."""

import re
from base64 import b64encode
from pathlib import Path
from typing import IO
from urllib.parse import quote, unquote, urlsplit

from httpx2 import Response

from cd4ml.errors import DataError
from cd4ml.http.client import TRANSIENT, Answer, HttpError, UnreadyError, attempts
from cd4ml.http.exchange import UNKNOWN_HOST, exchange
from cd4ml.source.address import Address
from cd4ml.source.table_file import is_table
from cd4ml.terminal.progress_meter import ProgressMeter

ATTEMPTS = 6  # more than for a request: each goes on where the one before it stopped
_RANGE_NOT_SATISFIABLE = 416
_MEANINGS = {
    401: "the server requires credentials; check those in the environment",
    403: "access denied; check the credentials in the environment, which may have expired",
    404: "there is no such file",
    410: "the file was removed",
}


def download_file(address: Address, folder: Path) -> Path:
    """Download the file at an address into a folder, and return its path.

    Raises:
        DataError: there is no such file or host, access is denied, or the connection broke in every attempt.
    """
    download = _Download(address, folder / "download")
    try:
        for attempt in attempts(ATTEMPTS):
            with attempt:
                download.resume()
        return download.rename_by_format()
    except HttpError as failure:
        raise DataError(_explanation(failure, address)) from None


def _explanation(failure: HttpError, address: Address) -> str:
    reason = address.redact(failure.reason)
    if failure.again:
        return f"{address.printable} could not be downloaded in {ATTEMPTS} attempts: {reason}; try again later"
    if failure.reason == UNKNOWN_HOST:
        reason = f"{address.host} is unknown; fix data.source in params.yaml"
    return f"{address.printable}: {reason}"


class _Download:
    """A file of which a part is downloaded, and what shows that the rest belongs to the same version of the file."""

    def __init__(self, address: Address, target: Path) -> None:
        self._address, self._target = address, target
        self._meter = ProgressMeter(f"downloading {address.printable}")
        self._version = ""  # the server's ETag or date for this version of the file; empty if it sends none
        self._media_type = ""

    def resume(self) -> None:
        """Download what is missing; the file is complete when this returns.

        Raises:
            HttpError: it broke off.
        """
        received = self._target.stat().st_size if self._version else 0
        parts = urlsplit(self._address.url)
        user, at, host = parts.netloc.rpartition("@")
        url = parts._replace(netloc=host, path=quote(parts.path, safe="/%:@!$&'()*+,;=~-._"), fragment="").geturl()
        credentials = {"Authorization": f"Basic {b64encode(unquote(user).encode()).decode()}"} if at else {}
        headers = {"Range": f"bytes={received}-", "If-Range": self._version} if received else {}
        with exchange("GET", url, headers=headers, credentials=credentials) as response:
            if response.is_success:
                self._receive(response, received)
            else:
                self._raise_for_status(response)

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

    def _receive(self, response: Response, received: int) -> None:
        start, total = _range(response)
        if start not in (0, received):
            self._version = ""
            raise HttpError("the server continued at another byte than requested", again=True)
        if total is None and response.headers.get("Transfer-Encoding") != "chunked":
            raise DataError(
                f"{self._address.printable}: the server does not send the file's length, so a part of it would be "
                "taken for the whole file"
            )
        tag = response.headers.get("ETag", "")
        self._version = tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified", "")
        self._media_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        with self._target.open("r+b" if start else "wb") as file:
            file.seek(start)
            file.truncate()
            end = self._copy(response, file, start, total)
        if total is not None and end != total:
            raise HttpError(f"the connection broke after {end:,} of {total:,} bytes", again=True)

    def _copy(self, response: Response, file: IO[bytes], end: int, total: int | None) -> int:
        for piece in response.iter_raw():
            file.write(piece)
            end += len(piece)
            self._meter.report_bytes(end, total)
        return end

    def _raise_for_status(self, response: Response) -> None:
        status = response.status_code
        if status == _RANGE_NOT_SATISFIABLE:  # a newer and shorter version of the file has replaced it
            self._version = ""
        if status in {*TRANSIENT, _RANGE_NOT_SATISFIABLE}:
            raise UnreadyError(Answer(status, response.headers, b""))
        raise HttpError(f"{_MEANINGS.get(status, 'it cannot be read')} (the server answers {status})")


def _range(response: Response) -> tuple[int, int | None]:
    """Return the first byte of the file that an answer contains, and the file's length if the server sends it."""
    if response.status_code == 206:
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", response.headers.get("Content-Range", ""))
        return (int(match[1]), int(match[2])) if match else (-1, None)
    length = response.headers.get("Content-Length")
    return 0, int(length) if length else None
