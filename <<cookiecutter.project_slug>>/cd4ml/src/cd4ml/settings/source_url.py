"""What `data.source` in params.yaml may be: the kinds of places, and no secret in it.

params.yaml is in git, so a secret is written `${NAME}` there and filled in from the environment (cd4ml.source.address).
"""

import re
from typing import Literal
from urllib.parse import urlsplit

Kind = Literal["files", "web", "bucket", "database"]

_KINDS: dict[str, Kind] = {
    "https": "web",
    "http": "web",
    "s3": "bucket",
    "gs": "bucket",
    "az": "bucket",
    "abfs": "bucket",
    "abfss": "bucket",
    "postgresql": "database",
    "sqlite": "database",
}
LOOPBACK = ("localhost", "127.0.0.1", "::1")
VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SECRET_WORDS = "sig|signature|key|apikey|token|secret|password|passwd|pwd|passphrase|credential|auth|authorization|sas"  # noqa: S105
SECRET_NAME = re.compile(
    rf"(?:^|[^a-z])(?:{_SECRET_WORDS})$|(?:apikey|token|secret|password|signature)$", re.IGNORECASE
)
_INSTEAD = "put it into an environment variable, and write ${NAME} in its place"


def refusal(source: str) -> str | None:
    """Return why a source may not stand in params.yaml as it is, without repeating it; None where it may."""
    if VARIABLE.fullmatch(source):
        return None
    return _written_secret(source) or misplaced(source)


def is_database(source: str) -> bool | None:
    """Return whether a source is a database; None where only the environment knows."""
    return None if VARIABLE.match(source) else kind_of(source) == "database"


def kind_of(url: str) -> Kind:
    """Return the kind of place that a source names."""
    scheme, separator, _ = url.partition("://")
    return _KINDS[scheme.lower()] if separator else "files"


def misplaced(url: str) -> str | None:
    """Return why rows cannot be read from such a place; None if they can."""
    scheme, separator, rest = url.partition("://")
    if not separator or VARIABLE.match(url):
        return None
    name = scheme.lower()
    if name not in _KINDS:
        known = ", ".join(f"{known}://" for known in _KINDS if known != "http")
        meant = " (postgresql:// is meant)" if name.startswith("postgres") else ""
        return f"the beginning is not known here{meant}; write a path, or one of {known}"
    if name == "http" and urlsplit(url).hostname not in LOOPBACK:
        return "http:// can be read and changed by whoever is on the way; write https://"
    if name in ("http", "https") and "*" in rest.partition("?")[0]:
        return f"{name}:// cannot list files; name one, without *"
    return None


def _written_secret(source: str) -> str | None:
    _, separator, rest = source.partition("://")
    if not separator:
        return None
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    user, at, _ = authority.rpartition("@")
    name, colon, password = user.partition(":")
    web = source.lower().startswith("http")
    cut_off = not at and "@" in rest and re.search(r":(?!\d*$)", authority)  # a password that holds / ? or #
    if cut_off or _is_literal(password) or (web and not colon and _is_literal(name)):
        return f"it holds a password, and params.yaml is in git; {_INSTEAD}"
    for pair in re.split(r"[&;]", rest.partition("?")[2]):
        key, _, value = pair.partition("=")
        if SECRET_NAME.search(key) and _is_literal(value):
            return f"it holds a secret ({key}=), and params.yaml is in git; {_INSTEAD}"
    return None


def _is_literal(text: str) -> bool:
    return VARIABLE.sub("", text) != ""
