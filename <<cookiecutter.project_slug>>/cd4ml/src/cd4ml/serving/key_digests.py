"""API keys and their digests: the service knows only the digests, in the settings as in memory."""

import hashlib
import re
import secrets
from collections.abc import Iterable

_MARK = "sha256:"  # in front of a digest in hexadecimal
_DIGEST = re.compile("[0-9a-f]{64}")
_SHORTEST_KEY = 16
_VISIBLE = re.compile(r"[\x21-\x7e]+")


def new_key() -> str:
    """Return a random key of 192 bits, which is too long to be found from its digest."""
    return secrets.token_hex(24)  # in base64 it could begin with a dash, as options do


def digest(key: bytes) -> bytes:
    """Return the SHA-256 digest of a key."""
    return hashlib.sha256(key).digest()


def written(key: str) -> str:
    """Return a key's digest as SERVICE_API_KEYS may have it."""
    return entry(digest(key.encode()))


def entry(digest: bytes) -> str:
    """Return a digest as SERVICE_API_KEYS may have it."""
    return _MARK + digest.hex()


def is_digest(entry: str) -> bool:
    """Return whether an entry of SERVICE_API_KEYS is the digest of a key, and not the key itself."""
    return entry.startswith(_MARK)


def read_digests(entries: Iterable[str]) -> tuple[bytes, ...]:
    """Return the digests of keys, each of which is written as itself or as its digest.

    Raises:
        ValueError: an entry is neither; the message does not have it.
    """
    return tuple(_read(entry, position) for position, entry in enumerate(entries, 1))


def _read(entry: str, position: int) -> bytes:
    if is_digest(entry):
        text = entry.removeprefix(_MARK).lower()
        if not _DIGEST.fullmatch(text):
            rule = f"{_MARK} and 64 hexadecimal digits"
            raise ValueError(f"has a hash, number {position}, that is not {rule}; make one with `cd4ml make-key`")
        return bytes.fromhex(text)
    if len(entry) < _SHORTEST_KEY or not _VISIBLE.fullmatch(entry):
        rule = f"{_SHORTEST_KEY} or more letters, digits and punctuation marks of ASCII, without spaces"
        raise ValueError(f"has a key, number {position}, that is not {rule}; make one with `cd4ml make-key`")
    return digest(entry.encode())
