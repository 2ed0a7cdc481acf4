"""The outbox: mails are written down first, then handed over once; a doubt is never sent again by itself.

``claim``, ``try_again`` and ``settle`` are for the messages of channels as well.
"""

from __future__ import annotations

import datetime as dt
import secrets
from typing import TypeVar

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from app.connectors.mail.mailer import File, Letter, Mailer, MailError, MailInDoubtError, MailNotSentError, MailServer
from app.connectors.notices.messenger import MessageError
from app.database import Database
from app.domain.problems import CrossfootError, NotFoundError, ValidationError
from app.domain.states import STANDING
from app.models.columns import utcnow
from app.models.mail import Mail, MailFile
from app.models.notices import Notice
from app.models.postings import Posting
from app.services import leases
from app.services.mail import grants, letters, mail_problems, mail_settings
from app.services.people import audit

#: A sender that has not come back after so long is taken for dead; longer than all waits of one conversation.
LEASE = dt.timedelta(minutes=5)
#: Waits after tries that surely came to nothing; then it has failed.
TRY_AGAIN = tuple(dt.timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240))
TRIAL = "test"
TAKEN_OUT = "The invoice was taken out again before it was mailed."
PAGE = 50
#: So many are rung for in one sweep; the next one brings more.
MOST_AT_ONCE = 200
KEPT = dt.timedelta(days=90)
T = TypeVar("T", Mail, Notice)


class ClaimLostError(CrossfootError):
    """This process slept so long that another one took the mail over."""


def queue(
    session: Session,
    *,
    kind: str,
    key: str,
    to: str,
    words: letters.Words,
    home: str,
    by: str,
    about: str = "",
    life: dt.timedelta | None = None,
) -> Mail:
    """Write a mail down; the caller commits it with its reason, then rings for it.

    Earlier ones of this kind about the same thing that did not go out yet are dropped: their link no longer works.
    """
    if about:
        _drop_earlier(session, kind, about)
    mail = Mail(
        key=f"{kind}:{key}",
        kind=kind,
        about=about,
        to=to,
        subject=words.subject,
        body=letters.dressed(words, home),
        message_name=secrets.token_hex(16),
        by=by,
        expires_at=utcnow() + life if life else None,
    )
    session.add(mail)
    return mail


def _drop_earlier(session: Session, kind: str, about: str) -> None:
    earlier = (col(Mail.about) == about, col(Mail.kind) == kind, col(Mail.state).in_(("queued", "failed", "in_doubt")))
    session.exec(update(Mail).where(*earlier).values(body={}))
    dropped = {"state": "failed", "problem": "A newer mail took its place.", "ended_at": utcnow()}
    session.exec(update(Mail).where(*earlier, col(Mail.state) == "queued").values(**dropped))


# ── handing over ─────────────────────────────────────────────────────────────────────────────────────────────────


def due(database: Database) -> list[int]:
    """Mails that should go out now. What a dead process left half done is put right first."""
    with database.session() as session:
        now = utcnow()
        dead = (col(Mail.state) == "sending", leases.over(col(Mail.lease_until), now))
        session.exec(update(Mail).where(*dead, col(Mail.data_at).is_(None)).values(state="queued", due_at=now))
        for mail in session.exec(select(Mail).where(*dead, col(Mail.data_at).is_not(None)).with_for_update()):
            mail.state, mail.problem = "in_doubt", "The program was stopped while the letter was going out."
            session.add(mail)
            mail_problems.told(session, mail)
        session.commit()
        query = select(Mail.id).where(Mail.state == "queued", col(Mail.due_at) <= now).order_by(col(Mail.id))
        query = query.limit(MOST_AT_ONCE)
        return [ident for ident in session.exec(query) if ident is not None]


def deliver(database: Database, mailer: Mailer, mail_id: int) -> None:
    """Hand over one mail, if it is due and no other process does. What became of it stands in its row."""
    with database.session() as session:
        mail = claim(session, Mail, mail_id, data_at=None)
        server = mail_settings.server(session)
        posting = session.get(Posting, mail.posting_id) if mail and mail.posting_id else None
    if mail is None:
        return
    if posting is not None and posting.state not in STANDING:
        settle(database, mail, state="dropped", problem=TAKEN_OUT)
    elif why := _hindrance(mail, server):
        settle(database, mail, state="failed", problem=why)
    elif server is not None:
        _hand_over(database, mailer, server, mail)


def claim(session: Session, model: type[T], row_id: int, **more: object) -> T | None:
    """Take one that waits and is due, for this process alone, and commit; None where there is none."""
    now = utcnow()
    ready = (col(model.id) == row_id, col(model.state) == "queued", col(model.due_at) <= now)
    values = {"state": "sending", "attempts": model.attempts + 1, "lease_until": now + LEASE, **more}
    taken = session.exec(update(model).where(*ready).values(**values)).rowcount == 1
    session.commit()
    return session.get_one(model, row_id, populate_existing=True) if taken else None


def _hindrance(mail: Mail, server: MailServer | None) -> str:
    if server is None:
        return "No mail server is set up."
    if mail.expires_at and mail.expires_at < utcnow():
        return "Its link has expired meanwhile."
    return "" if mail.body else "A newer mail took its place."


def _hand_over(database: Database, mailer: Mailer, server: MailServer, mail: Mail) -> None:
    try:
        server = grants.authorized(database, mailer, server)
        said = mailer.send(server, _letter(database, mail, server), lambda: _going_out(database, mail))
    except MailInDoubtError as error:
        settle(database, mail, state="in_doubt", problem=error.message, said=error.said)
    except MailNotSentError as error:
        grants.distrust(database, server.token)
        try_again(database, mail, error, final=error.final or mail.kind == TRIAL)
    else:
        settle(database, mail, state="sent", said=said)


def _letter(database: Database, mail: Mail, server: MailServer) -> Letter:
    name = f"{mail.message_name}@{server.sender.rpartition('@')[2]}"
    with database.reading() as session:
        rows = session.exec(select(MailFile).where(MailFile.mail_id == mail.id).order_by(col(MailFile.id)))
        files = tuple(File(row.name, row.kind, row.content) for row in rows)
    return Letter(
        name, mail.to, mail.subject, mail.body["text"], mail.body["html"], files, mail.sender_name, mail.reply_to
    )


def _going_out(database: Database, mail: Mail) -> None:
    """The next bytes are the letter itself. Raises ClaimLostError: then they are not sent."""
    with database.session() as session:
        ours = (col(Mail.id) == mail.id, col(Mail.state) == "sending", col(Mail.attempts) == mail.attempts)
        still = session.exec(update(Mail).where(*ours).values(data_at=utcnow())).rowcount == 1
        session.commit()
    if not still:
        raise ClaimLostError("Another process has taken this mail over.")


def try_again(
    database: Database, row: Mail | Notice, error: MailError | MessageError, *, final: bool, wait: float = 0
) -> None:
    """It surely was not taken, or may come twice: the next try is in a while, in ``wait`` seconds at the earliest."""
    problem = f"{error.message} {error.remedy}".strip()
    if final or row.attempts > len(TRY_AGAIN):
        settle(database, row, state="failed", problem=problem, said=error.said)
    else:
        later = utcnow() + max(TRY_AGAIN[row.attempts - 1], dt.timedelta(seconds=wait))
        settle(database, row, state="queued", problem=problem, said=error.said, due_at=later)


def settle(database: Database, row: Mail | Notice, *, state: str, problem: str = "", **more: object) -> None:
    """Write down what became of this attempt. That it was taken counts even when it comes late."""
    model = type(row)
    believed = ("sending", "in_doubt") if state == "sent" else ("sending",)
    ours = (col(model.id) == row.id, col(model.attempts) == row.attempts, col(model.state).in_(believed))
    values = {"state": state, "problem": problem[:600], "lease_until": None, **more}
    if state != "queued":
        values["ended_at"] = utcnow()
    with database.session() as session:
        still = session.exec(update(model).where(*ours).values(**values)).rowcount == 1
        if still and isinstance(row, Mail):
            _settled(session, session.get_one(Mail, row.id, populate_existing=True))
        session.commit()


def _settled(session: Session, mail: Mail) -> None:
    """What was sent is emptied, but for the text of customers' mails, which hold no secret; and it is told."""
    if mail.state == "sent":
        session.exec(delete(MailFile).where(col(MailFile.mail_id) == mail.id))
        if mail.posting_id is None:
            mail.body = {}
            session.add(mail)
    mail_problems.told(session, mail)


# ── what people see and decide ───────────────────────────────────────────────────────────────────────────────────


def recent(session: Session, before: int | None = None) -> list[Mail]:
    """The newest mails to users, up to a page of them; goes on before an id. Those to customers have their own page."""
    query = select(Mail).where(col(Mail.posting_id).is_(None)).order_by(col(Mail.id).desc()).limit(PAGE)
    return list(session.exec(query.where(col(Mail.id) < before) if before else query))


def newest_about(session: Session, *about: str) -> dict[str, Mail]:
    """What a mail was about → the newest one."""
    query = select(Mail).where(col(Mail.about).in_(about)).order_by(col(Mail.id))
    return {mail.about: mail for mail in session.exec(query)}


def send_again(session: Session, mail_id: int, by: str) -> None:
    """A person wants a failed mail, or one in doubt, to go out (once more). Raises ValidationError."""
    mail = _get(session, mail_id)
    if mail.state not in ("failed", "in_doubt") or not mail.body or (mail.expires_at and mail.expires_at < utcnow()):
        raise ValidationError("This mail can’t be sent again.", "Its link has expired, or a newer mail took its place.")
    audit.record(session, by, "mail.send_again", f"mail:{mail_id}", to=mail.to, was=mail.state)
    mail.state, mail.due_at, mail.ended_at = "queued", utcnow(), None
    session.add(mail)
    session.commit()


def settle_as_sent(session: Session, mail_id: int, by: str) -> None:
    """A person knows that a mail in doubt arrived. Raises ValidationError."""
    mail = _get(session, mail_id)
    if mail.state != "in_doubt":
        raise ValidationError("This mail is not in doubt.", "Look at it again.")
    audit.record(session, by, "mail.arrived", f"mail:{mail_id}", to=mail.to)
    mail.state, mail.problem = "sent", ""
    session.add(mail)
    session.flush()
    _settled(session, mail)
    session.commit()


def _get(session: Session, mail_id: int) -> Mail:
    mail = session.get(Mail, mail_id, with_for_update=True, populate_existing=True)
    if mail is None:
        raise NotFoundError("There is no such mail.", "Look at the list of mails.")
    return mail


def forget(database: Database) -> None:
    """Bodies whose link has expired are emptied; what ended long ago is deleted.

    Of a customer's mail only text and files are: that it was mailed must be known for ever.
    """
    with database.session() as session:
        now = utcnow()
        ended = col(Mail.state).in_(("failed", "in_doubt"))
        session.exec(update(Mail).where(ended, col(Mail.expires_at) < now).values(body={}))
        for old in session.exec(select(Mail).where(col(Mail.ended_at) < now - KEPT)):
            session.exec(delete(MailFile).where(col(MailFile.mail_id) == old.id))
            if old.posting_id is None:
                session.delete(old)
            elif old.body:
                old.body = {}
                session.add(old)
        session.commit()
