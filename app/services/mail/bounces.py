"""Bounces: mails to customers that were taken and came back. Known by our own Message-ID, which nobody can guess."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, replace

from sqlmodel import Session, col, select

from app.connectors.mail.mailer import Bounce, Mailer, MailNotSentError, MailServer, Seen
from app.connectors.protocols import ConnectionFailedError
from app.database import Database
from app.models.columns import utcnow
from app.models.connections import InstallationSetting
from app.models.mail import Mail
from app.models.postings import Heartbeat
from app.services.mail import grants, mail_problems, mail_settings
from app.services.people import audit

NAME, SEEN, WRONG, TURN = "mail_bounces", "mail_bounces_seen", "mail_bounces_wrong", "bounces"
#: The mailbox is looked into no oftener than this, and only so long after a mail to a customer.
EVERY = dt.timedelta(minutes=5)
LATEST = dt.timedelta(days=14)


def mailbox(session: Session) -> MailServer | None:
    """Where bounces arrive; None where nobody has said."""
    return mail_settings.server(session, NAME)


def store(session: Session, form: Mapping[str, str], by: str) -> None:
    """Take a mailbox and commit; an empty password keeps the one there is. Raises ValidationError."""
    old = mailbox(session)
    new = mail_settings.parsed(form, old, sends=False)
    _put(session, NAME, mail_settings.to_keep(new))
    if old is None or (old.host, old.user) != (new.host, new.user):
        _put(session, SEEN, {})
    audit.record(session, by, "mail.bounces", "installation", host=new.host, user=new.user)
    session.commit()


def forget(session: Session, by: str) -> None:
    """No mailbox any more; commits."""
    _put(session, NAME, {})
    audit.record(session, by, "mail.bounces", "installation", host="")
    session.commit()


def wrong(session: Session) -> dict[str, str]:
    """Why the last look came to nothing: ``message`` and ``remedy``; empty where it went well, or there is no box."""
    row = session.get(InstallationSetting, WRONG) if mailbox(session) else None
    return dict(row.value) if row is not None and row.value else {}


def due(database: Database) -> bool:
    """Whether the mailbox should be looked into now; its turn is noted."""
    now = utcnow()
    with database.session() as session:
        if mailbox(session) is None:
            return False
        beat = session.get(Heartbeat, TURN)
        recent = select(Mail.id).where(col(Mail.posting_id).is_not(None), col(Mail.ended_at) > now - LATEST).limit(1)
        if (beat is not None and now - beat.at < EVERY) or session.exec(recent).first() is None:
            return False
        session.merge(Heartbeat(name=TURN, at=now))
        session.commit()
        return True


def look(database: Database, mailer: Mailer) -> int:
    """Read what came, and say it beside the invoices; answers how many mails came back.

    Twice at once is harmless: a mail comes back once. Raises ConnectionFailedError.
    """
    with database.reading() as session:
        box, row = mailbox(session), session.get(InstallationSetting, SEEN)
    if box is None:
        return 0
    seen = Seen(**row.value) if row is not None and row.value else None
    try:
        found = mailer.bounces(_signed_in(database, mailer, box), seen)
    except ConnectionFailedError as error:
        with database.session() as session:
            _put(session, WRONG, {"message": error.message, "remedy": error.remedy})
            session.commit()
        raise
    with database.session() as session:
        _put(session, WRONG, {})
        count = sum(_came_back(session, bounce) for bounce in found.found)
        _put(session, SEEN, asdict(found.seen))
        session.commit()
    return count


def _signed_in(database: Database, mailer: Mailer, box: MailServer) -> MailServer:
    """Without a password of its own the mailbox is that of the sign-in."""
    if box.password:
        return box
    with database.reading() as session:
        server = mail_settings.server(session)
    try:
        token = grants.authorized(database, mailer, server).token if server and server.user == box.user else ""
    except MailNotSentError as error:
        raise ConnectionFailedError(error.message, error.remedy, systemic=True) from error
    return replace(box, token=token)


def _came_back(session: Session, bounce: Bounce) -> bool:
    name = bounce.message_id.partition("@")[0]
    query = select(Mail).where(Mail.message_name == name, col(Mail.posting_id).is_not(None))
    mail = session.exec(query.where(col(Mail.state).in_(("sent", "in_doubt"))).with_for_update()).first()
    if mail is None:
        return False
    mail.state, mail.problem = "bounced", bounce.said[:600]
    session.add(mail)
    mail_problems.told(session, mail)
    return True


def _put(session: Session, name: str, value: object) -> None:
    row = session.get(InstallationSetting, name) or InstallationSetting(key=name)
    row.value = value
    session.add(row)
