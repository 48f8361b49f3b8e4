"""The value of PREDICTION_LOG: empty (no log), `stdout`, a folder, or the URL of a bucket."""

import importlib.util
import logging
import os
from typing import Any

from cd4ml.errors import UserError
from cd4ml.files.cloud_options import options_for

_EXTRAS = {"gs": "log-gs", "s3": "log-s3", "az": "log-azure", "abfs": "log-azure", "abfss": "log-azure"}
"""By the scheme of a bucket's URL: the extra of the library that writes there."""
_PACKAGES = {"log-gs": "gcsfs", "log-s3": "s3fs", "log-azure": "adlfs"}


def checked(address: str) -> str:
    """Return an address without blanks around it.

    Raises:
        ValueError: it is a URL of something else than a bucket; the message continues the variable's name.
    """
    address = address.strip()
    scheme, separator, rest = address.partition("://")
    if separator and (scheme not in _EXTRAS or not rest.strip("/")):
        known = ", ".join(f"{name}://" for name in _EXTRAS)
        raise ValueError(f'is "{address}"; write stdout, a folder, or the URL of a bucket: {known}')
    return address


def require_packages(address: str) -> None:
    """Check, without importing them, that the packages are installed that write to an address or read from it.

    Raises:
        UserError: one is missing.
    """
    if address in ("", "stdout"):
        return
    scheme, separator, _ = address.partition("://")
    extra = _EXTRAS[scheme] if separator else "log"
    for package in ("pyarrow", "fsspec", *([_PACKAGES[extra]] if separator else [])):
        if importlib.util.find_spec(package) is None:
            group = extra.removeprefix("log-")
            advice = (
                f"add {group} to ALSO in the Makefile, then run make setup" if separator else f"install cd4ml[{extra}]"
            )
            raise UserError(
                f"PREDICTION_LOG is {address}, and {package} is not installed: {advice}; for the image, "
                'set prediction_log = "bucket" in [tool.cd4ml] of pyproject.toml, and build it again'
            )


def connect(address: str) -> tuple[Any, str]:
    """Return fsspec's filesystem of a folder or a bucket, and the path in it.

    Raises:
        Exception: whatever the cloud's library raises, such as for credentials that are missing.
    """
    # gcsfs would ask for the bucket's kind before each write, which the rights to add do not allow, and log a warning.
    os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
    # They log what they raise, at each attempt: with a traceback, or with all the credentials that are not there. The
    # writer reports it once a minute.
    for library in ("azure", "gcsfs"):
        logging.getLogger(library).setLevel(logging.CRITICAL)
    import fsspec

    filesystem, path = fsspec.core.url_to_fs(address, **options_for(address))
    return filesystem, str(path)
