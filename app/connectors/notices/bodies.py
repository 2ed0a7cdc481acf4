"""What goes over the wire: pure, a message in, JSON out.

Webhook: ours, signed as Standard Webhooks says (standardwebhooks.com). Teams: an Adaptive Card in the envelope that the
Workflows app takes ("When a Teams webhook request is received"; at most 28 KB). Slack: ``text`` in mrkdwn, of which
only ``&``, ``<`` and ``>`` are escaped; at most 40,000 characters, and cut well before.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

from app.connectors.notices.messenger import Message
from app.domain.notices import Entry, Part

#: Lines of a part that a chat shows; the rest stands behind the link.
MOST_ENTRIES = 8
KEY_PREFIX = "whsec_"
#: Of texts in chats, so that a card stays below 28 KB.
LONGEST = 300


def webhook(message: Message) -> dict[str, Any]:
    """Everything, in words of our own; additions are no break."""
    return {
        "id": message.name,
        "type": f"crossfoot.{message.event}",
        "timestamp": message.at.isoformat(),
        "company": message.book,
        "title": message.title,
        "text": list(message.lines),
        "link": message.link,
        "parts": [
            {"title": part.title, "entries": [_entry(entry) for entry in part.entries]} for part in message.parts
        ],
    }


def _entry(entry: Entry) -> dict[str, Any]:
    rows = [{"text": ref.text, "link": ref.link} for ref in entry.refs]
    return {"text": entry.text, "link": entry.link, "detail": entry.detail, "rows": rows}


def signature(key: str, name: str, moment: int, body: str) -> str:
    """``v1,`` and the base64 HMAC-SHA256 of ``id.timestamp.body``; ``moment`` in seconds since 1970."""
    secret = base64.b64decode(key.removeprefix(KEY_PREFIX))
    made = hmac.new(secret, f"{name}.{moment}.{body}".encode(), hashlib.sha256)
    return f"v1,{base64.b64encode(made.digest()).decode()}"


def teams(message: Message) -> dict[str, Any]:
    """A card; markdown links lead to the rows."""
    body: list[dict[str, Any]] = [_text(_plain(message.title), size="Large", weight="Bolder")]
    body += [_text(_plain(line)) for line in message.lines]
    for part in message.parts:
        body.append(_text(_plain(part.title), weight="Bolder", separator=True))
        body += [_text(_teams_line(entry)) for entry in part.entries[:MOST_ENTRIES]]
        body += [_text(more, isSubtle=True) for more in _rest(part)]
    action = {"type": "Action.OpenUrl", "title": message.label, "url": message.link}
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": body,
        "actions": [action] if message.link else [],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _text(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "TextBlock", "text": text, "wrap": True, **more}


def _plain(text: str) -> str:
    """Not taken for markdown: names hold brackets, stars and underscores."""
    return "".join(f"\\{sign}" if sign in "\\`*_[]()#<>!|" else sign for sign in _short(text))


def _teams_line(entry: Entry) -> str:
    said = f"[{_plain(entry.text)}]({entry.link})" if entry.link else _plain(entry.text)
    return f"{said} {_plain(entry.detail)}".strip()


def slack(message: Message) -> dict[str, Any]:
    """One text; without previews of our own links."""
    lines = [f"*{_escaped(message.title)}*", *(_escaped(line) for line in message.lines)]
    for part in message.parts:
        lines += ["", f"*{_escaped(part.title)}*", *(_slack_line(entry) for entry in part.entries[:MOST_ENTRIES])]
        lines += _rest(part)
    if message.link:
        lines += ["", f"<{message.link}|{_escaped(message.label)}>"]
    return {"text": "\n".join(lines), "unfurl_links": False}


def _escaped(text: str) -> str:
    return _short(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _slack_line(entry: Entry) -> str:
    words = _escaped(entry.text).replace("|", "¦")
    said = f"<{entry.link}|{words}>" if entry.link else words
    return f"• {said} {_escaped(entry.detail)}".rstrip()


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= LONGEST else f"{flat[: LONGEST - 1]}…"


def _rest(part: Part) -> list[str]:
    more = len(part.entries) - MOST_ENTRIES
    return [f"and {more} more"] if more > 0 else []


def dumps(body: dict[str, Any]) -> str:
    """The exact text that is signed and sent."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))
