"""Download objects from Amazon S3, Google Cloud Storage or Azure, or upload one, through fsspec.

The clouds' own libraries read the credentials from the environment.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import fsspec
from fsspec.callbacks import Callback

from cd4ml.errors import DataError
from cd4ml.files.cloud_options import options_for
from cd4ml.source.address import Address
from cd4ml.source.driver import require_package
from cd4ml.terminal.output import report
from cd4ml.terminal.progress_meter import ProgressMeter

ATTEMPTS = 3  # to download an object
PAUSE = 1.0  # seconds before the second attempt; doubled before each later one
PACKAGES = {  # by scheme: the package, and the group of pyproject.toml that installs it
    "s3": ("s3fs", "s3"),
    "gs": ("gcsfs", "gs"),
    "az": ("adlfs", "azure"),
    "abfs": ("adlfs", "azure"),
    "abfss": ("adlfs", "azure"),
}


class ProgressCallback(Callback):  # type: ignore[misc]  # fsspec has no types
    """Passes fsspec's count of downloaded bytes to a progress meter."""

    def __init__(self, meter: ProgressMeter) -> None:
        super().__init__()
        self._meter = meter

    def call(self, *_: Any, **__: Any) -> None:
        """Report the bytes so far; fsspec calls this after each piece."""
        self._meter.report_bytes(self.value, self.size)


def download_objects(address: Address, folder: Path) -> list[tuple[Path, str]]:
    """Download the objects of an address into a folder, and return their paths in the order of their names.

    Each path comes with the object's name in the bucket, for messages.

    Raises:
        DataError: the cloud's package is not installed; no object matches; access is denied, or the cloud does not
            answer.
    """
    scheme = address.url.partition("://")[0].lower()
    require_package(*PACKAGES[scheme], f"data.source is at {scheme}://")
    with one_line_errors(address):
        filesystem, pattern = fsspec.core.url_to_fs(address.url, **options_for(scheme))
        is_glob = any(sign in pattern for sign in "*?[")
        matches = filesystem.glob(pattern, detail=True) if is_glob else {pattern: filesystem.info(pattern)}
        objects = {name: details for name, details in sorted(matches.items()) if details["type"] == "file"}
        if not objects:
            raise DataError(
                f"params.yaml: data.source {address.printable} matches no object; fix it, or put rows there"
            )
        report(f"{len(objects)} object{'s' if len(objects) > 1 else ''}")
        files = []
        for number, (name, details) in enumerate(objects.items()):
            target = folder / f"{number:06}-{PurePosixPath(name).name}"
            _download(filesystem, name, details["size"], target)
            files.append((target, address.redact(f"{scheme}://{name}")))
    return files


def upload_object(path: Path, address: Address) -> None:
    """Write a file to an address, in one request that the cloud takes whole or not at all.

    Raises:
        DataError: the cloud's package is not installed, access is denied, or the cloud does not answer.
    """
    scheme = address.url.partition("://")[0].lower()
    require_package(*PACKAGES[scheme], f"{address.printable} is at {scheme}://")
    with one_line_errors(address, "written"):
        filesystem, name = fsspec.core.url_to_fs(address.url, **options_for(scheme))
        filesystem.put_file(str(path), name)


def _download(filesystem: Any, name: str, size: int, target: Path) -> None:
    """Download an object; again if it is incomplete, which the clouds' libraries may not notice."""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE * 2 ** (attempt - 1))
        meter = ProgressMeter(f"downloading {PurePosixPath(name).name}")
        try:
            filesystem.get_file(name, str(target), callback=ProgressCallback(meter))
        except (FileNotFoundError, PermissionError):
            raise
        except Exception:
            if attempt == ATTEMPTS - 1:
                raise
        else:
            if target.stat().st_size == size:
                return
    raise OSError(f"only {target.stat().st_size:,} of {size:,} bytes were received")


@contextmanager
def one_line_errors(address: Address, done: str = "read") -> Iterator[None]:
    """Turn any error of a cloud's library into a DataError of one line, and silence its log, which may show secrets.

    Args:
        address: the address, for the message.
        done: what is done with it, for the message.
    """
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError(f"params.yaml: data.source {address.printable}: there is no such object or bucket") from None
    except Exception as failure:
        lines = address.redact(str(failure)).strip().splitlines()
        reason = lines[0].rstrip(".") if lines else type(failure).__name__
        if isinstance(failure, PermissionError) or getattr(failure, "status_code", None) in (401, 403):
            reason = f"access denied ({reason}); check the credentials in the environment"
        else:
            reason += "; check the address and the credentials, and that the server is up"
        raise DataError(f"{address.printable} cannot be {done}: {reason}") from None
    finally:
        logging.disable(disabled)
