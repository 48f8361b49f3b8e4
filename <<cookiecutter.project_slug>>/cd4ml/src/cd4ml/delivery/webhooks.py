"""Send an event to Slack and Microsoft Teams, by the webhooks in SLACK_WEBHOOK_URL and TEAMS_WEBHOOK_URL.

The texts of an event are shown as they are, never as markup: a category named `<!channel>` or `[x](http://...)` stays
that text. An address is a secret, so no message of an error has it.
"""

import json
import os
import time
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from cd4ml.delivery.event import Event
from cd4ml.errors import UserError

SLACK, TEAMS = "SLACK_WEBHOOK_URL", "TEAMS_WEBHOOK_URL"
_SECONDS = 10.0  # without an answer
_PAUSE = 1.0  # seconds before the second attempt
_BUSY = {429, 500, 502, 503, 504}
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_TITLE, _LINE, _LINES = 140, 600, 12
"""Characters and lines that are sent: Slack takes 150 in a header and 3,000 in a section, Teams 28 kB in all."""


class WebhookError(UserError):
    """A message could not be sent."""


def send(event: Event, settings: Mapping[str, str] = os.environ) -> list[str]:
    """Send an event wherever a webhook is set; return where it went, such as `["Slack"]`.

    Raises:
        WebhookError: one of them failed; the others were tried as well.
    """
    sent, failed = [], []
    for name, variable, message in (("Slack", SLACK, as_slack(event)), ("Teams", TEAMS, as_teams(event))):
        if address := settings.get(variable, "").strip():
            try:
                post(address, message, variable)
                sent.append(name)
            except WebhookError as failure:
                failed.append(str(failure))
    if failed:
        raise WebhookError("; ".join(failed))
    return sent


def as_slack(event: Event) -> dict[str, Any]:
    """Return the message of a Slack incoming webhook; all but the link is plain text."""
    blocks: list[dict[str, Any]] = [{"type": "header", "text": _plain(_cut(event.title, _TITLE))}]
    blocks += [{"type": "section", "text": _plain(line)} for line in _shown(event)]
    below = [_plain(_cut(f"{event.model} {event.version}".strip(), _TITLE) or "cd4ml")]
    if link := _link(event):
        below.append({"type": "mrkdwn", "text": f"<{_escape(link).replace('|', '%7C')}|read on>", "verbatim": True})
    blocks.append({"type": "context", "elements": below})
    return {"text": _escape(_cut(f"{event.model}: {event.title}", _TITLE)), "blocks": blocks}


def as_teams(event: Event) -> dict[str, Any]:
    """Return the message of a Teams workflow that posts a card; its rich text blocks take no Markdown."""
    body = [
        _rich_text(_cut(event.title, _TITLE), size="Large", weight="Bolder"),
        *(_rich_text(line) for line in _shown(event)),
        _rich_text(_cut(f"{event.model} {event.version}".strip(), _TITLE) or "cd4ml", isSubtle=True),
    ]
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": _cut(f"{event.model}: {event.title}", _TITLE),
        "body": body,
    }
    if link := _link(event):
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Read on", "url": link}]
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def post(address: str, message: Mapping[str, Any], name: str) -> None:
    """Post JSON to an https address, or one on this machine; try once more if it is busy.

    Args:
        address: a secret, which no error shows.
        message: what to post.
        name: of the variable that has the address, for errors.

    Raises:
        WebhookError: it does not accept the message, or does not answer.
    """
    try:
        parts = urlsplit(address)
        local = parts.hostname in _LOOPBACK
    except ValueError:
        raise WebhookError(f"{name} is not a URL") from None
    if not parts.hostname or (parts.scheme != "https" and not (local and parts.scheme == "http")):
        raise WebhookError(f"{name} is not an https URL; set the secret again")
    opener = build_opener(_NoRedirects, *([ProxyHandler({})] if local else []))
    body = json.dumps(message).encode()
    for attempt in (1, 2):
        request = Request(address, body, {"Content-Type": "application/json", "User-Agent": "cd4ml"})  # noqa: S310
        try:
            with opener.open(request, timeout=_SECONDS):
                return
        except HTTPError as rejection:
            with rejection:
                if attempt == 1 and rejection.code in _BUSY:
                    time.sleep(_PAUSE)
                    continue
                raise WebhookError(f"{name}: the server answers with {rejection.code}") from None
        except (URLError, HTTPException, OSError, ValueError) as failure:
            reason = getattr(failure, "reason", failure)
            raise WebhookError(f"{name}: no answer ({type(reason).__name__})") from None


class _NoRedirects(HTTPRedirectHandler):
    """Follows no redirection: the message is for the address that was given."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _shown(event: Event) -> list[str]:
    """Return the lines that fit into a message."""
    lines = [_cut(line, _LINE) for line in event.lines if line.strip()]
    more = len(lines) - _LINES
    return lines if more <= 0 else [*lines[:_LINES], f"and {more} more"]


def _link(event: Event) -> str:
    """Return the link, if it is one to a page."""
    return event.link if event.link.startswith(("https://", "http://")) and " " not in event.link else ""


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}


def _rich_text(text: str, **style: Any) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **style}]}


def _cut(text: str, longest: int) -> str:
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def _escape(text: str) -> str:
    """Return text without what Slack reads as a link or a mention."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
