"""Channels beside mail: webhooks, Teams, Slack. A message is an intent, written down with its reason, then handed over.

A webhook's receiver knows a message by its id, so one whose answer was lost goes again. A chat does not: there it is in
doubt, and goes again only when a person says so.
"""

from __future__ import annotations

import base64
import datetime as dt
import secrets
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import delete
from sqlmodel import Session, col, select

from app.connectors.notices.messenger import (
    Channel,
    Message,
    MessageInDoubtError,
    MessageNotSentError,
    Messenger,
)
from app.database import Database
from app.domain.codec import from_json, to_json
from app.domain.notices import ChannelKind, Event, Part
from app.domain.problems import NotFoundError, ValidationError
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.notices import Notice, NoticeChannel
from app.services import leases
from app.services.mail import outbox
from app.services.mail.letters import Words
from app.services.people import audit

PAGE = 50
KEPT = dt.timedelta(days=90)
#: Bytes of a webhook's key.
KEY_LENGTH = 32


# ── channels ─────────────────────────────────────────────────────────────────────────────────────────────────────


def listing(session: Session) -> list[NoticeChannel]:
    """All of them, oldest first."""
    return list(session.exec(select(NoticeChannel).order_by(col(NoticeChannel.id))))


def find(session: Session, channel_id: int) -> NoticeChannel:
    """Raises NotFoundError."""
    found = session.get(NoticeChannel, channel_id)
    if found is None:
        raise NotFoundError("There is no such channel.", "Look at the list of channels.")
    return found


def add(
    session: Session, messenger: Messenger, form: Mapping[str, str], events: Collection[str], by: str
) -> NoticeChannel:
    """A new channel, a webhook with a key of its own; commits. Raises ValidationError, AddressRefusedError."""
    kind, name, url = form.get("kind", ""), " ".join(form.get("name", "").split()), form.get("url", "").strip()
    if kind not in set(ChannelKind):
        raise ValidationError(f"“{kind}” is not a kind of channel.", f"Choose {', '.join(ChannelKind)}.")
    if not 0 < len(name) <= 80:
        raise ValidationError("A channel needs a name of up to 80 characters.", "Give one, such as the chat’s.")
    host = messenger.check(url)
    kept: dict[str, Any] = {"url": url}
    if kind == ChannelKind.WEBHOOK:
        kept["key"] = f"whsec_{base64.b64encode(secrets.token_bytes(KEY_LENGTH)).decode()}"
    made = NoticeChannel(kind=kind, name=name, host=host[:260], events=_known(events), secrets=kept, by=by)
    session.add(made)
    session.flush()
    audit.record(session, by, "channel.add", f"channel:{made.id}", name=name, kind=kind, host=host, events=made.events)
    session.commit()
    return made


def _known(events: Collection[str]) -> list[str]:
    return [event.value for event in Event if event in events]


def set_events(session: Session, channel_id: int, events: Collection[str], by: str) -> None:
    """Which kinds go there from now on; commits."""
    channel = find(session, channel_id)
    old, channel.events = channel.events, _known(events)
    session.add(channel)
    if old != channel.events:
        audit.record(
            session, by, "channel.events", f"channel:{channel_id}", name=channel.name, old=old, new=channel.events
        )
    session.commit()


def remove(session: Session, channel_id: int, by: str) -> None:
    """Nothing goes there any more, and what waits is dropped; commits."""
    channel = find(session, channel_id)
    audit.record(session, by, "channel.remove", f"channel:{channel_id}", name=channel.name, host=channel.host)
    session.exec(delete(Notice).where(col(Notice.channel_id) == channel_id))
    session.delete(channel)
    session.commit()


# ── writing down ─────────────────────────────────────────────────────────────────────────────────────────────────


def tell(session: Session, event: Event, key: str, words: Words, book: Book) -> int:
    """Write it down for every channel that is told of such events, once a key; the caller commits. Answers how many."""
    wanted = [channel for channel in listing(session) if event in channel.events]
    told = 0
    for channel in wanted:
        whole = f"{channel.id}:{event}:{key}"[:120]
        if session.exec(select(Notice.id).where(Notice.key == whole)).first() is None:
            session.add(_notice(channel, event, whole, words, book))
            told += 1
    return told


def _notice(channel: NoticeChannel, event: str, key: str, words: Words, book: Book | None) -> Notice:
    content = {
        "lines": list(words.lines), "parts": to_json(words.parts), "label": words.label, "link": words.link,
        "book": book.name if book else "",
    }  # fmt: skip
    return Notice(
        channel_id=channel.id or 0, book_id=book.id if book else None, key=key, event=event, title=words.subject,
        content=content, message_name=secrets.token_hex(16),
    )  # fmt: skip


def trial(session: Session, channel_id: int, home: str, by: str) -> Notice:
    """A test message, to be handed over while a person waits; commits."""
    channel = find(session, channel_id)
    words = Words(
        "Test message from Crossfoot", (f"{by} asked for it under Settings ▸ Notifications. It arrived.",),
        "Open Crossfoot", home,
    )  # fmt: skip
    made = _notice(channel, outbox.TRIAL, f"{channel.id}:{outbox.TRIAL}:{secrets.token_hex(8)}", words, None)
    session.add(made)
    audit.record(session, by, "channel.test", f"channel:{channel_id}", name=channel.name)
    session.commit()
    return made


# ── handing over ─────────────────────────────────────────────────────────────────────────────────────────────────


def due(database: Database) -> list[int]:
    """Messages that should go out now. What a dead process left half done is put right first."""
    with database.session() as session:
        now = utcnow()
        dead = (col(Notice.state) == "sending", leases.over(col(Notice.lease_until), now))
        for notice in session.exec(select(Notice).where(*dead).with_for_update()).all():
            again = find(session, notice.channel_id).kind == ChannelKind.WEBHOOK
            notice.state = "queued" if again else "in_doubt"
            notice.problem = "The program was stopped while it was going out."
            session.add(notice)
        session.commit()
        query = select(Notice.id).where(Notice.state == "queued", col(Notice.due_at) <= now).order_by(col(Notice.id))
        return [ident for ident in session.exec(query.limit(outbox.MOST_AT_ONCE)) if ident is not None]


def deliver(database: Database, messenger: Messenger, notice_id: int) -> None:
    """Hand over one message, if it is due and no other process does. What became of it stands in its row."""
    with database.session() as session:
        notice = outbox.claim(session, Notice, notice_id)
        if notice is None:
            return
        channel = find(session, notice.channel_id)
    trying = notice.event == outbox.TRIAL
    try:
        said = messenger.send(_target(channel), _message(notice))
    except MessageInDoubtError as error:
        if channel.kind == ChannelKind.WEBHOOK:
            outbox.try_again(database, notice, error, final=trying)
        else:
            outbox.settle(database, notice, state="in_doubt", problem=error.message, said=error.said)
    except MessageNotSentError as error:
        outbox.try_again(database, notice, error, final=error.final or trying, wait=error.wait)
    else:
        outbox.settle(database, notice, state="sent", said=said, content={})


def _target(channel: NoticeChannel) -> Channel:
    return Channel(ChannelKind(channel.kind), channel.secrets["url"], channel.secrets.get("key", ""))


def _message(notice: Notice) -> Message:
    held = notice.content
    parts = tuple(from_json(Part, part) for part in held["parts"])
    return Message(
        notice.message_name, notice.event, notice.created_at, notice.title, tuple(held["lines"]), parts,
        held["label"], held["link"], held["book"],
    )  # fmt: skip


# ── what people see and decide ───────────────────────────────────────────────────────────────────────────────────


def recent(session: Session, before: int | None = None) -> list[tuple[Notice, NoticeChannel]]:
    """The newest messages, up to a page; goes on before an id."""
    query = select(Notice, NoticeChannel).join(NoticeChannel, col(NoticeChannel.id) == col(Notice.channel_id))
    query = query.order_by(col(Notice.id).desc()).limit(PAGE)
    return [
        (notice, channel) for notice, channel in session.exec(query.where(col(Notice.id) < before) if before else query)
    ]


def send_again(session: Session, notice_id: int, by: str) -> None:
    """A person wants a failed message, or one in doubt, to go out (once more). Raises ValidationError; commits."""
    notice = session.get(Notice, notice_id)
    if notice is None or notice.state not in ("failed", "in_doubt") or not notice.content:
        raise ValidationError("This message can’t be sent again.", "Look at the list of messages.")
    audit.record(
        session, by, "channel.send_again", f"channel:{notice.channel_id}", title=notice.title, was=notice.state
    )
    notice.state, notice.due_at, notice.ended_at = "queued", utcnow(), None
    session.add(notice)
    session.commit()


def forget(database: Database) -> None:
    """What ended long ago is deleted."""
    with database.session() as session:
        session.exec(delete(Notice).where(col(Notice.ended_at) < utcnow() - KEPT))
        session.commit()
