"""build/image.tar, the image as one file: the one that was built is what is scanned and what is published."""

import os
from pathlib import Path

from cd4ml.errors import UserError
from cd4ml.files.checksums import sha256_of
from cd4ml.storage.skopeo import digest_of

ARCHIVE = Path("build/image.tar")


def archive_sha256() -> str:
    """Return the SHA-256 of the archive, in hexadecimal, if it is the one that ARCHIVE_SHA256 means.

    Raises:
        UserError: there is none, or it is another one.
    """
    if not ARCHIVE.is_file():
        raise UserError(f"no {ARCHIVE}; run uv run cd4ml archive-image")
    sha256 = sha256_of(ARCHIVE)
    meant = os.environ.get("ARCHIVE_SHA256") or sha256
    if meant != sha256:
        raise UserError(
            f"{ARCHIVE} is another than the one that was built: its sha256 is {sha256}, ARCHIVE_SHA256 is {meant}"
        )
    return sha256


def archive_digest() -> str:
    """Return the digest of the image in the archive, by which every registry will name it.

    Raises:
        UserError: skopeo is not installed, or cannot read the archive.
    """
    try:
        return digest_of(f"oci-archive:{ARCHIVE}")
    except UserError as unread:
        raise UserError(f"no image in {ARCHIVE} ({unread}); run uv run cd4ml archive-image") from None
