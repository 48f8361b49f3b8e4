"""Names that fit, and what ENV, IMAGE and DIGEST may be."""

import re

from cd4ml.deploy.commands import CloudError

ENVIRONMENTS = ("staging", "production")
SCRIPT = "uv run cd4ml cloud"
_IMAGE = re.compile(r"[a-z0-9][a-zA-Z0-9._/:-]*@sha256:[0-9a-f]{64}")
_POLYNOMIAL = 0x04C11DB7


def short(name: str, length: int) -> str:
    """Return the name, or, where it is too long, its beginning and a sum of all of it."""
    if len(name) <= length:
        return name
    return f"{name[: length - 7].removesuffix('-')}-{f'{cksum(name.encode()):08x}'[:6]}"


def check_slug(slug: str, reserved: str, rule: str, without_hyphens: bool = False) -> None:
    """Refuse a project's name that a cloud has for itself, before anything is made.

    `reserved` is a regular expression. The template's hooks/pre_gen_project.py has the same ones, for a new project.

    Raises:
        CloudError: it matches; `rule` says why that is refused.
    """
    if re.search(reserved, slug.replace("-", "") if without_hyphens else slug):
        raise CloudError(f"a project called {slug} cannot be here: {rule}")


def cksum(data: bytes) -> int:
    """Return the CRC that POSIX's cksum prints: services that are there already have names with it."""
    size, crc = len(data), 0
    while size:
        data += bytes([size & 0xFF])
        size >>= 8
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ _POLYNOMIAL if crc & 0x80000000 else crc << 1) & 0xFFFFFFFF
    return crc ^ 0xFFFFFFFF


def check_environment(environment: str) -> str:
    """Return ENV.

    Raises:
        CloudError: it is neither staging nor production.
    """
    if environment not in ENVIRONMENTS:
        raise CloudError("ENV is staging or production")
    return environment


def check_image(image: str) -> str:
    """Return IMAGE, which names its digest, so that what was tested is what runs.

    Raises:
        CloudError: it does not.
    """
    if not _IMAGE.fullmatch(image):
        raise CloudError("IMAGE must name its digest: HOST/NAME@sha256: and 64 digits; a tag could be moved meanwhile")
    return image


def check_digest(digest: str, environment: str) -> str:
    """Return DIGEST, which may be given as an image's name.

    Raises:
        CloudError: it is not 64 digits.
    """
    digits = digest.rpartition("sha256:")[2]
    if not re.fullmatch(r"[0-9a-f]{64}", digits):
        raise CloudError(f"DIGEST is sha256: and 64 digits: {SCRIPT} status {environment}")
    return f"sha256:{digits}"


def short_digest(image: str) -> str:
    """Return how the digest of an image begins, as `status` shows it."""
    return image.rpartition("@sha256:")[2][:12]


def check_percent(percent: str) -> int:
    """Return PERCENT.

    Raises:
        CloudError: it is not a whole number from 1 to 100.
    """
    if not re.fullmatch(r"[1-9][0-9]?|100", percent):
        raise CloudError("PERCENT is a whole number from 1 to 100")
    return int(percent)
