"""Fill secrets from the environment into `data.source`, and keep them out of messages.

params.yaml is in git and contains no secret: `${NAME}` there is replaced by an environment variable here, and nowhere
else. Messages show the text in params.yaml, never the result.
"""

import os
import re
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

from cd4ml.errors import DataError
from cd4ml.settings.source_url import (
    PARAMETER,
    SECRET_NAME,
    VARIABLE,
    SourceKind,
    kind_of_source,
    unsupported_reason,
    without_secrets,
)

_SECRET_VARIABLE = re.compile(r"PASSWORD|PASSWD|SECRET|TOKEN|_KEY$|_SAS|CONNECTION_STRING|PASSPHRASE", re.IGNORECASE)
_SHORTEST_SECRET = 6  # characters; a shorter one is replaced as a whole word only, and only if it is in the source


@dataclass(frozen=True)
class Address:
    """A source, before and after its environment variables were filled in."""

    printable: str
    """The text in params.yaml, or on the command line without what is secret in it, for messages."""
    kind: SourceKind
    url: str = field(repr=False)
    """What to connect to. It may contain secrets: never print it."""

    @classmethod
    def resolve(cls, source: str) -> "Address":
        """Return the address of a source, with every `${NAME}` filled in from the environment.

        Raises:
            DataError: a variable is not set, or the result is not a supported source.
        """
        missing = sorted({name for name in VARIABLE.findall(source) if not os.environ.get(name)})
        if missing:
            raise DataError(
                f"params.yaml: data.source contains ${{{missing[0]}}}, and this environment variable is not set; "
                f"set it: export {missing[0]}=..., or in a workflow from a secret"
            )
        url = _fill(source)
        if reason := unsupported_reason(url):
            raise DataError(f"params.yaml: data.source {without_secrets(source)}: {reason}")
        return cls(without_secrets(source), kind_of_source(url), url)

    @property
    def host(self) -> str:
        """The host as a message names it: "the host example.org" if params.yaml contains the name, else "its host"."""
        parts = urlsplit(self.printable)
        host = parts.netloc.rpartition("@")[2]
        return f"the host {parts.hostname}" if host and not VARIABLE.search(host) else "its host"

    def redact(self, text: str) -> str:
        """Return a text, such as another library's error message, without values from the environment in it."""
        if secrets := self._secrets():
            by_length = sorted(secrets, key=len, reverse=True)
            text = re.sub("|".join(map(_pattern, by_length)), lambda match: secrets[match[0]], text)
        text = re.sub(r"(://)[^\s/@]*:[^\s/@]*@", r"\1***@", text)
        return PARAMETER.sub(lambda m: f"{m[1]}***" if SECRET_NAME.search(m[2]) else m[0], text)

    def _secrets(self) -> dict[str, str]:
        """Return the secrets in the environment and in the URL, in every form in which they may appear, by form."""
        secrets = {value: f"${{{name}}}" for name, value in os.environ.items() if _SECRET_VARIABLE.search(name)}
        secrets = {value: name for value, name in secrets.items() if len(value) >= _SHORTEST_SECRET}
        for name in VARIABLE.findall(self.printable):
            value = os.environ[name]
            secrets |= dict.fromkeys((value, *_parts(value)), f"${{{name}}}")
        user, at, _ = urlsplit(self.url).netloc.rpartition("@")
        if at and ":" in user:
            secrets.setdefault(user.partition(":")[2], "***")
        return {
            form: name
            for value, name in secrets.items()
            for form in (value, value.lower(), quote(value, safe=""), unquote(value))  # hosts are often in lower case
        }


def _parts(value: str) -> list[str]:
    """Return the parts of a value that is a URL; libraries name them one by one. Empty if it is none."""
    if "://" not in value:
        return []
    url = urlsplit(value)
    parts = [url.hostname, url.username, url.password, url.path.strip("/"), *url.path.split("/")]
    return [part for part in parts if part]


def _pattern(secret: str) -> str:
    text = re.escape(secret)
    return text if len(secret) >= _SHORTEST_SECRET else rf"(?<!\w){text}(?!\w)"


def _fill(source: str) -> str:
    """Replace variables by their values, percent-encoded before the @ of a URL, as a user or password must be."""
    before, at, after = source.rpartition("@")
    encoded = VARIABLE.sub(lambda match: quote(os.environ[match[1]], safe=""), before) if "://" in before else before
    return encoded + at + VARIABLE.sub(lambda match: os.environ[match[1]], after)
