"""Check `data.source` in params.yaml: it must be a supported kind of place, and contain no secret.

params.yaml is in git. A secret is therefore written as `${NAME}`, and read from the environment (cd4ml.source.address).
"""

import re
from typing import Literal
from urllib.parse import urlsplit

SourceKind = Literal["files", "web", "bucket", "database"]

_KINDS: dict[str, SourceKind] = {
    "https": "web",
    "http": "web",
    "s3": "bucket",
    "gs": "bucket",
    "az": "bucket",
    "abfs": "bucket",
    "abfss": "bucket",
    "postgresql": "database",
    "sqlite": "database",
    "duckdb": "database",
    "bigquery": "database",
    "snowflake": "database",
    "databricks": "database",
}
LOOPBACK = ("localhost", "127.0.0.1", "::1")
VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SECRET_WORDS = "sig|signature|key|apikey|token|secret|password|passwd|pwd|passphrase|credential|auth|authorization|sas"  # noqa: S105
SECRET_NAME = re.compile(
    rf"(?:^|[^a-z])(?:{_SECRET_WORDS})$|(?:apikey|token|secret|password|signature)$", re.IGNORECASE
)
PARAMETER = re.compile(r"([?&;]([^\s=&;?]+)=)([^\s&;'\"]+)")
"""A parameter of a URL: up to its value, its name, its value."""
_INSTEAD = "put it into an environment variable, and write ${NAME} in its place"


def rejection_reason(source: str) -> str | None:
    """Return why params.yaml may not contain this source, without repeating a secret; None if it may."""
    if VARIABLE.fullmatch(source):
        return None
    return _contained_secret(source) or unsupported_reason(source)


def is_database(source: str) -> bool | None:
    """Return whether a source is a database; None if that depends on an environment variable."""
    return None if VARIABLE.match(source) else kind_of_source(source) == "database"


def kind_of_source(url: str) -> SourceKind:
    """Return the kind of a supported source."""
    scheme, separator, _ = url.partition("://")
    return _KINDS[scheme.lower()] if separator else "files"


def unsupported_reason(url: str) -> str | None:
    """Return why rows cannot be read from this place; None if they can."""
    scheme, separator, rest = url.partition("://")
    if not separator or VARIABLE.match(url):
        return None
    name = scheme.lower()
    if name not in _KINDS:
        supported = ", ".join(f"{known}://" for known in _KINDS if known != "http")
        suggestion = " (for PostgreSQL: postgresql://)" if name.startswith("postgres") else ""
        return f"this kind of URL is not supported{suggestion}; expected a path, or one of {supported}"
    if name == "http" and urlsplit(url).hostname not in LOOPBACK:
        return "http:// is not encrypted; write https://"
    if name in ("http", "https") and "*" in rest.partition("?")[0]:
        return f"{name}:// cannot list files; name one file, without *"
    return None


def _contained_secret(source: str) -> str | None:
    """Return which secret a URL contains, and what to do about it; None if it contains none."""
    rest = source.partition("://")[2]
    if _is_literal(_password(source)):
        return f"it contains a password, and params.yaml is in git; {_INSTEAD}"
    for pair in re.split(r"[&;]", rest.partition("?")[2]):
        key, _, value = pair.partition("=")
        if SECRET_NAME.search(key) and _is_literal(value):
            return f"it contains a secret ({key}=), and params.yaml is in git; {_INSTEAD}"
    return None


def without_secrets(source: str) -> str:
    """Return a source as a message may show it: `***` for each password and signature that is written out."""

    def shown(secret: str) -> str:
        return "***" if _is_literal(secret) else secret

    password = _password(source)
    if password:
        place = source.rindex(password, 0, source.rindex("@"))
        source = source[:place] + shown(password) + source[place + len(password) :]
    return PARAMETER.sub(lambda match: match[1] + shown(match[3]) if SECRET_NAME.search(match[2]) else match[0], source)


def _password(source: str) -> str:
    """Return the password in a URL, or the token in place of a user; empty if there is none."""
    _, separator, rest = source.partition("://")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if not separator or "@" not in rest:
        return ""
    if "@" not in authority and not re.search(r":(?!\d*$)", authority):  # an @ in a path or a query
        return ""
    user = (authority if "@" in authority else rest).rpartition("@")[0]  # a password may contain / ? or #
    name, colon, password = user.partition(":")
    has_token = not colon and source.lower().startswith(("http", "databricks"))
    return name if has_token else password


def _is_literal(text: str) -> bool:
    """Return whether a text contains anything but environment variables."""
    return VARIABLE.sub("", text) != ""
