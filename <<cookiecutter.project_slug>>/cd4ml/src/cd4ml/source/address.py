"""What `data.source` says, taken apart: where the rows are, and what of it is secret.

Nothing secret stands in params.yaml, which is in git: `${NAME}` there is filled in from the environment, here and
nowhere else. What is shown to people is the text of params.yaml, never what was filled in.
"""

import os
import re
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

from cd4ml.errors import DataError
from cd4ml.settings.source_url import SECRET_NAME, VARIABLE, Kind, kind_of, misplaced

_SECRET_VARIABLE = re.compile(r"PASSWORD|PASSWD|SECRET|TOKEN|_KEY$|_SAS|CONNECTION_STRING|PASSPHRASE", re.IGNORECASE)
_SHORTEST_SECRET = 6  # characters: what is shorter would blot out ordinary words


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
        missing = sorted({name for name in VARIABLE.findall(source) if not os.environ.get(name)})
        if missing:
            raise DataError(
                f"params.yaml: data.source names ${{{missing[0]}}}, which the environment does not hold: "
                f"set it first (export {missing[0]}=...; in a workflow, from a secret)"
            )
        url = _fill(source)
        if refusal := misplaced(url):
            raise DataError(f"params.yaml: data.source {source}: {refusal}")
        return cls(source, kind_of(url), url)

    @property
    def host(self) -> str:
        """The host's name, where params.yaml says it itself."""
        return "its host" if VARIABLE.match(self.shown) else urlsplit(self.url).hostname or "its host"

    def scrub(self, text: str) -> str:
        """Return a text, such as another library's error, without what is secret in it."""
        for secret, shown in sorted(self._secrets().items(), key=lambda item: -len(item[0])):
            text = text.replace(secret, shown)
        text = re.sub(r"(://)[^\s/@]*:[^\s/@]*@", r"\1***@", text)
        return re.sub(
            r"([?&;]([^\s=&;?]+)=)[^\s&;'\"]+", lambda m: f"{m[1]}***" if SECRET_NAME.search(m[2]) else m[0], text
        )

    def _secrets(self) -> dict[str, str]:
        known = {value: f"${{{name}}}" for name, value in os.environ.items() if _SECRET_VARIABLE.search(name)}
        known |= {os.environ[name]: f"${{{name}}}" for name in VARIABLE.findall(self.shown)}
        parts = urlsplit(self.url)
        if "@" in parts.netloc and ":" in parts.netloc.rpartition("@")[0]:
            known.setdefault(parts.netloc.rpartition("@")[0].partition(":")[2], "***")
        both = {
            form: shown for value, shown in known.items() for form in (value, quote(value, safe=""), unquote(value))
        }
        return {value: shown for value, shown in both.items() if len(value) >= _SHORTEST_SECRET}


def _fill(source: str) -> str:
    """Fill variables in; before the @ of an address they are percent-encoded, as a password there has to be."""
    before, at, after = source.rpartition("@")
    encoded = VARIABLE.sub(lambda found: quote(os.environ[found[1]], safe=""), before) if "://" in before else before
    return encoded + at + VARIABLE.sub(lambda found: os.environ[found[1]], after)
