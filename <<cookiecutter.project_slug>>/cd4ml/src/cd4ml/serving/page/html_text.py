"""Escape text of unknown content for HTML, and turn the inline Markdown of a model card into HTML."""

import html
import re

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_INLINE = re.compile(
    r"(?P<fence>`+)(?P<code>.+?)(?<!`)(?P=fence)(?!`)"
    r"|\*\*(?P<bold>(?:\\.|[^\\])+?)\*\*"
    r"|\[(?P<link>(?:\\.|[^\]\\])*)\]\([^)\s]*\)"
    r"|\\(?P<escaped>[!-/:-@\[-`{-~])"
)


def escape(text: object) -> str:
    """Return text that is safe between tags and in quoted attributes; control characters become references.

    Without that, a carriage return in an attribute would be read as a line feed, and another column would be meant.
    """
    return _CONTROL.sub(lambda match: f"&#{ord(match[0])};", html.escape(str(text)))


def inline_markdown(text: str) -> str:
    """Return a line of Markdown as HTML: code, bold text and escaped characters; of a link only its text."""
    parts, end = [], 0
    for match in _INLINE.finditer(text):
        parts += [escape(text[end : match.start()]), _element(match)]
        end = match.end()
    return "".join([*parts, escape(text[end:])])


def _element(match: re.Match[str]) -> str:
    if match["code"] is not None:
        code = match["code"]
        padded = len(code) > 2 and code[0] == code[-1] == " " and code.strip()
        return f"<code>{escape(code[1:-1] if padded else code)}</code>"
    if match["bold"] is not None:
        return f"<strong>{inline_markdown(match['bold'])}</strong>"
    return inline_markdown(match["link"]) if match["link"] is not None else escape(match["escaped"])
