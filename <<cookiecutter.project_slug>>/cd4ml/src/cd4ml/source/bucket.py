"""Fetch objects from S3, Google Cloud Storage or Azure through fsspec, which takes credentials from the environment."""

import importlib
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import fsspec
from fsspec.callbacks import Callback

from cd4ml.errors import DataError
from cd4ml.source.address import Address
from cd4ml.source.progress_meter import Meter
from cd4ml.terminal.output import report

ATTEMPTS = 3  # for an object that came broken off
PAUSE = 1.0  # seconds before the second attempt; before the next twice as long
_DRIVERS = {
    "s3": ("s3fs", "s3"),
    "gs": ("gcsfs", "gs"),
    "az": ("adlfs", "azure"),
    "abfs": ("adlfs", "azure"),
    "abfss": ("adlfs", "azure"),
}


class Telling(Callback):  # type: ignore[misc]  # fsspec has no types
    """Tells a meter how many bytes have come."""

    def __init__(self, meter: Meter) -> None:
        super().__init__()
        self._meter = meter

    def call(self, *_: Any, **__: Any) -> None:
        """Say it, if it is time."""
        self._meter.bytes(self.value, self.size)


def fetch(address: Address, folder: Path) -> list[tuple[Path, str]]:
    """Return the objects that an address names, downloaded into a folder, in the order of their names.

    With each comes its name in the bucket, for people.

    Raises:
        DataError: the cloud's package is not installed, nothing is there, or it is refused or cannot be reached.
    """
    scheme = address.url.partition("://")[0].lower()
    need_driver(*_DRIVERS[scheme], f"data.source is at {scheme}://")
    with _said_in_one_line(address):
        filesystem, pattern = fsspec.core.url_to_fs(address.url)
        is_glob = any(sign in pattern for sign in "*?[")
        found = filesystem.glob(pattern, detail=True) if is_glob else {pattern: filesystem.info(pattern)}
        objects = {name: details for name, details in sorted(found.items()) if details["type"] == "file"}
        if not objects:
            raise DataError(f"params.yaml: data.source {address.shown} matches no object; mend it, or put rows there")
        report(f"{len(objects)} object{'s' if len(objects) > 1 else ''}")
        files = []
        for number, (name, details) in enumerate(objects.items()):
            target = folder / f"{number:06}{PurePosixPath(name).suffix}"
            _get(filesystem, name, details["size"], target)
            files.append((target, f"{scheme}://{name}"))
    return files


def need_driver(package: str, group: str, wanted: str) -> None:
    """Import the package that speaks to a cloud or a database.

    Raises:
        DataError: it is not installed.
    """
    try:
        importlib.import_module(package)
    except ModuleNotFoundError as missing:
        raise DataError(
            f"{wanted}, and {missing.name} is not installed: add {group} to ALSO in the Makefile "
            f"(ALSO := {group}), then run make setup"
        ) from None


def _get(filesystem: Any, name: str, size: int, target: Path) -> None:
    """Download an object; again when it came broken off, which is what the clouds' own libraries may not notice."""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE * 2 ** (attempt - 1))
        try:
            filesystem.get_file(name, str(target), callback=Telling(Meter(f"downloading {PurePosixPath(name).name}")))
        except (FileNotFoundError, PermissionError):
            raise
        except Exception:
            if attempt == ATTEMPTS - 1:
                raise
        else:
            if target.stat().st_size == size:
                return
    raise OSError(f"{target.stat().st_size:,} of {size:,} bytes came")


@contextmanager
def _said_in_one_line(address: Address) -> Iterator[None]:
    """Turn whatever a cloud's library raises into one line, and keep its log, which may show more, to itself."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError(f"params.yaml: data.source {address.shown}: there is no such object or bucket") from None
    except Exception as failed:
        lines = address.scrub(str(failed)).strip().splitlines()
        reason = lines[0].rstrip(".") if lines else type(failed).__name__
        if isinstance(failed, PermissionError) or getattr(failed, "status_code", None) in (401, 403):
            reason = f"access is refused ({reason}); are the credentials in the environment right?"
        else:
            reason += "; are address and credentials right, and is it up?"
        raise DataError(f"{address.shown} cannot be read: {reason}") from None
    finally:
        logging.disable(disabled)
