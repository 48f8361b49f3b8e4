"""Send an event to Slack and Microsoft Teams, by the webhooks in SLACK_WEBHOOK_URL and TEAMS_WEBHOOK_URL.

The texts of an event are shown as they are, never as markup: a category named `<!channel>` or `[x](http://...)` stays
that text. An address is a secret, so no message of an error has it.
"""

import json
import os
from collections.abc import Mapping
from typing import Any

from cd4ml.delivery.event import Event
from cd4ml.errors import UserError
from cd4ml.http.client import HttpError, request
from cd4ml.http.exchange import checked

SLACK, TEAMS = "SLACK_WEBHOOK_URL", "TEAMS_WEBHOOK_URL"
_LIMIT = 20.0  # seconds for a message: people are told within a minute, by both
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
    """Post JSON to an https address, or one on this machine; again if it is unsure whether it arrived.

    Args:
        address: a secret, which no error shows.
        message: what to post.
        name: of the variable that has the address, for errors.

    Raises:
        WebhookError: it does not accept the message, or does not answer.
    """
    try:
        checked(address)
    except HttpError as failure:
        raise WebhookError(f"{name} is {failure.reason}; set the secret again") from None
    body, headers = json.dumps(message).encode(), {"Content-Type": "application/json"}
    try:  # a message twice is better than none
        answer = request("POST", address, content=body, headers=headers, repeatable=True, limit=_LIMIT)
    except HttpError as failure:
        raise WebhookError(f"{name}: no answer ({failure.reason})") from None
    if not answer.ok:
        raise WebhookError(f"{name}: the server answers with {answer.status}")


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
