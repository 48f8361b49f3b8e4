"""What `data.source` says, taken apart: where the rows are, and what of it is secret.

Nothing secret stands in params.yaml, which is in git: `${NAME}` there is filled in from the environment, here and
nowhere else. What is shown to people is the text of params.yaml, never what was filled in.
"""

import os
import re
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote, unquote, urlsplit

from ..errors import DataError

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
_NAMED = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_TELLING = "sig|signature|key|apikey|token|secret|password|passwd|pwd|passphrase|credential|auth|authorization|sas"
_TELLING_NAME = re.compile(rf"(?:^|[^a-z])(?:{_TELLING})$|(?:apikey|token|secret|password|signature)$", re.IGNORECASE)
_TELLING_VARIABLE = re.compile(r"PASSWORD|PASSWD|SECRET|TOKEN|_KEY$|_SAS|CONNECTION_STRING|PASSPHRASE", re.IGNORECASE)
_SHORTEST_SECRET = 6  # characters: what is shorter would blot out ordinary words
_INSTEAD = "put it into an environment variable, and write ${NAME} in its place"


@dataclass(frozen=True)
class Address:
    """A source, with what the environment filled in."""

    shown: str
    """As params.yaml has it: what may be printed."""
    kind: Kind
    url: str = field(repr=False)
    """What to connect to. May hold secrets: never to be printed."""

    @classmethod
    def of(cls, source: str) -> "Address":
        """Return a source with every `${NAME}` filled in from the environment.

        Raises:
            DataError: a variable is not set, or what comes out is no source.
        """
        missing = sorted({name for name in _NAMED.findall(source) if not os.environ.get(name)})
        if missing:
            raise DataError(
                f"params.yaml: data.source names ${{{missing[0]}}}, which the environment does not hold: "
                f"set it first (export {missing[0]}=...; in a workflow, from a secret)"
            )
        url = _fill(source)
        if refusal := _refused_place(url):
            raise DataError(f"params.yaml: data.source {source}: {refusal}")
        return cls(source, _kind(url), url)

    @property
    def host(self) -> str:
        """The host's name, where params.yaml says it itself."""
        return "its host" if _NAMED.match(self.shown) else urlsplit(self.url).hostname or "its host"

    def scrub(self, text: str) -> str:
        """Return a text, such as another library's error, without what is secret in it."""
        for secret, shown in sorted(self._secrets().items(), key=lambda item: -len(item[0])):
            text = text.replace(secret, shown)
        text = re.sub(r"(://)[^\s/@]*:[^\s/@]*@", r"\1***@", text)
        return re.sub(
            r"([?&;]([^\s=&;?]+)=)[^\s&;'\"]+", lambda m: f"{m[1]}***" if _TELLING_NAME.search(m[2]) else m[0], text
        )

    def _secrets(self) -> dict[str, str]:
        known = {value: f"${{{name}}}" for name, value in os.environ.items() if _TELLING_VARIABLE.search(name)}
        known |= {os.environ[name]: f"${{{name}}}" for name in _NAMED.findall(self.shown)}
        parts = urlsplit(self.url)
        if "@" in parts.netloc and ":" in parts.netloc.rpartition("@")[0]:
            known.setdefault(parts.netloc.rpartition("@")[0].partition(":")[2], "***")
        both = {
            form: shown for value, shown in known.items() for form in (value, quote(value, safe=""), unquote(value))
        }
        return {value: shown for value, shown in both.items() if len(value) >= _SHORTEST_SECRET}


def refusal(source: str) -> str | None:
    """Return why a source may not stand in params.yaml as it is, without repeating it; None where it may."""
    if _NAMED.fullmatch(source):
        return None
    return _written_secret(source) or _refused_place(source)


def is_database(source: str) -> bool | None:
    """Return whether a source is a database; None where only the environment knows."""
    return None if _NAMED.match(source) else _kind(source) == "database"


def _kind(url: str) -> Kind:
    scheme, separator, _ = url.partition("://")
    return _KINDS[scheme.lower()] if separator else "files"


def _refused_place(url: str) -> str | None:
    scheme, separator, rest = url.partition("://")
    if not separator or _NAMED.match(url):
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
        if _TELLING_NAME.search(key) and _is_literal(value):
            return f"it holds a secret ({key}=), and params.yaml is in git; {_INSTEAD}"
    return None


def _is_literal(text: str) -> bool:
    return _NAMED.sub("", text) != ""


def _fill(source: str) -> str:
    """Fill variables in; before the @ of an address they are percent-encoded, as a password there has to be."""
    before, at, after = source.rpartition("@")
    encoded = _NAMED.sub(lambda found: quote(os.environ[found[1]], safe=""), before) if "://" in before else before
    return encoded + at + _NAMED.sub(lambda found: os.environ[found[1]], after)
