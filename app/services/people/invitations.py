"""One-time links on their way to people: by mail where a server is set up, else shown to whoever made them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from sqlmodel import Session, select

from app.domain.problems import ValidationError
from app.models.columns import utcnow
from app.models.mail import Mail
from app.models.people import User
from app.services.mail import letters, mail_settings, outbox
from app.services.people import audit, users

#: Asked for more often than this, "forgotten" sends nothing more: it must not fill somebody's mailbox.
PAUSE = dt.timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Sender:
    """Who lets somebody in (``by`` for the audit log, ``label`` for people), and the public address of links."""

    by: str
    label: str
    home: str

    def address(self, token: str) -> str:
        """The one-time link."""
        return f"{self.home}/welcome/{token}"


@dataclass(frozen=True, slots=True)
class Handed:
    """Either a mail that is committed and to be rung for, or the link itself to hand over."""

    mail: Mail | None = None
    link: str = field(default="", repr=False)


def invite(session: Session, user: User, sender: Sender, *, by_mail: bool) -> Handed:
    """A link for a new user. Commits. Raises ValidationError where mail is wanted and not set up."""
    link = sender.address(users.new_ticket(session, user, sender.by))
    words = letters.invitation(link, sender.label, users.TICKET_LIFE.days)
    return _hand(session, user, sender, link, words, "invitation", by_mail=by_mail)


def reset(session: Session, user: User, sender: Sender, *, by_mail: bool) -> Handed:
    """The old password and every session of the user end; a link for a new one. Commits. Raises ValidationError."""
    link = sender.address(users.reset(session, user, sender.by))
    words = letters.new_password(link, sender.label, f"{users.TICKET_LIFE.days} days")
    return _hand(session, user, sender, link, words, "password", by_mail=by_mail)


def _hand(
    session: Session, user: User, sender: Sender, link: str, words: letters.Words, kind: str, *, by_mail: bool
) -> Handed:
    if not by_mail:
        session.commit()
        return Handed(link=link)
    if mail_settings.server(session) is None:
        session.rollback()
        raise ValidationError("No mail server is set up.", "Set it up under Settings ▸ E-mail, or take the link.")
    mail = _queued(session, user, words, kind, sender, users.TICKET_LIFE)
    session.commit()
    return Handed(mail=mail)


def _queued(session: Session, user: User, words: letters.Words, kind: str, sender: Sender, life: dt.timedelta) -> Mail:
    """One mail for each ticket, named by a piece of its hash."""
    return outbox.queue(
        session,
        kind=kind,
        key=f"{user.id}:{user.ticket_hash[:16]}",
        to=user.email,
        words=words,
        home=sender.home,
        by=sender.by,
        about=f"user:{user.id}",
        life=life,
    )


def forgotten(session: Session, email: str, home: str) -> Mail | None:
    """Somebody says that the password of this address is forgotten. Commits.

    The mail for a user who has a password, None for everybody else; the caller says the same in both cases. The
    present password goes on working until the link is used.
    """
    address = email.strip().lower()[:320]
    audit.record(session, audit.STRANGER, "user.forgot", f"user:{address}"[:120])
    user = session.exec(select(User).where(User.email == address)).first()
    mail = None
    if user and user.active and user.password_hash and mail_settings.server(session) and not _lately(session, user):
        sender = Sender(audit.STRANGER, "", home)
        link = sender.address(users.new_ticket(session, user, audit.STRANGER, users.FORGOTTEN_LIFE))
        words = letters.new_password(link, "", "one hour")
        mail = _queued(session, user, words, "password", sender, users.FORGOTTEN_LIFE)
    session.commit()
    return mail


def _lately(session: Session, user: User) -> bool:
    newest = outbox.newest_about(session, f"user:{user.id}").get(f"user:{user.id}")
    return newest is not None and newest.by == audit.STRANGER and newest.created_at > utcnow() - PAUSE
