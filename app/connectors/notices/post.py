"""Hands messages over by one POST each, under the address rules; redirects are never followed."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

from app.connectors.addresses import NetRules, NotSentError
from app.connectors.http import Answer, Http
from app.connectors.notices import bodies
from app.connectors.notices.messenger import Channel, Message, MessageInDoubtError, MessageNotSentError
from app.connectors.protocols import ConnectionFailedError
from app.domain.notices import ChannelKind

#: Seconds without an answer; a person who tests the channel waits for the page.
PATIENCE = 20.0
#: What is kept of the other side's words.
MOST_WORDS = 1500
#: Refusals that may be over later: too slow, too early, too many.
PASSING = frozenset({408, 425, 429})
BODIES = {ChannelKind.WEBHOOK: bodies.webhook, ChannelKind.TEAMS: bodies.teams, ChannelKind.SLACK: bodies.slack}


class PostMessenger:
    """Webhooks, Teams and Slack over HTTP."""

    def __init__(self, rules: NetRules) -> None:
        self._rules = rules
        self._http = Http("The channel", rules, connections=2)

    def check(self, url: str) -> str:
        """The host of an address that may be called. Raises AddressRefusedError."""
        self._rules.check_url(url)
        return urlsplit(url).hostname or ""

    def send(self, channel: Channel, message: Message) -> str:
        """The other side's own words. Raises MessageNotSentError, MessageInDoubtError."""
        body = bodies.dumps(BODIES[channel.kind](message))
        headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "Crossfoot"}
        if channel.kind is ChannelKind.WEBHOOK:
            moment = int(time.time())
            signed = bodies.signature(channel.key, message.name, moment, body)
            headers |= {"webhook-id": message.name, "webhook-timestamp": str(moment), "webhook-signature": signed}
        try:
            answer = self._http.call("POST", channel.url, headers=headers, body=body, read_timeout=PATIENCE)
        except NotSentError as error:
            final = bool(getattr(error, "systemic", False))
            raise MessageNotSentError(error.message, error.remedy, final=final) from None
        except ConnectionFailedError as error:
            raise MessageInDoubtError(error.message, error.remedy) from None
        said = _said(answer, channel)
        if answer.ok:
            return said
        raise _refused(answer, said)


def _said(answer: Answer, channel: Channel) -> str:
    """Status and body, without the address, which is a secret."""
    words = answer.text.replace(channel.url, "…").strip()[:MOST_WORDS]
    return f"HTTP {answer.status}\n{words}".strip().replace("\0", "")


def _refused(answer: Answer, said: str) -> MessageNotSentError:
    """By its status: 4xx will not change by itself, but for a few; 5xx may."""
    final = 300 <= answer.status < 500 and answer.status not in PASSING
    remedy = "Check the address in the channel, and add it anew." if final else "It is tried again."
    said_no = f"The other side answered {answer.status} and did not take it."
    return MessageNotSentError(said_no, remedy, said, final=final, wait=answer.retry_after or 0)
