"""Sessions: in which browsers people are logged in, and how one is ended from elsewhere."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import update
from sqlmodel import Session, col, select

from app.database import Database
from app.domain.problems import NotFoundError
from app.models.columns import utcnow
from app.models.logins import LoginSession
from app.models.people import User
from app.services.people import audit

#: A session ends after so long without a page.
LIFE = dt.timedelta(hours=12)
#: So far may ``seen_at`` lag behind: not every page is worth a write.
LAG = dt.timedelta(minutes=5)
#: Rows are kept so long after their session was last seen.
KEPT = dt.timedelta(days=90)
#: What an agent's name says of browser and system; the first that matches.
BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrom", "Chrome"), ("Safari", "Safari"))
SYSTEMS = (("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS", "macOS"),
           ("CrOS", "ChromeOS"), ("Linux", "Linux"))  # fmt: skip


def begin(session: Session, user: User, address: str, agent: str) -> LoginSession:
    """The user is in: remember where and when. Commits."""
    now = utcnow()
    opened = LoginSession(
        user_id=user.id or 0, epoch=user.epoch, created_at=now, seen_at=now, address=address[:45], agent=agent[:300]
    )
    user.last_login_at = now
    session.add_all([opened, user])
    audit.record(session, user.email, "user.login", f"user:{user.email}", browser=device(agent))
    session.commit()
    return opened


def is_live(opened: LoginSession, user: User, now: dt.datetime) -> bool:
    """Whether this session of this user still holds."""
    ours = opened.user_id == user.id and opened.epoch == user.epoch and user.active
    return ours and opened.ended_at is None and opened.seen_at > now - LIFE - LAG


def touch(database: Database, opened: LoginSession, address: str, now: dt.datetime) -> None:
    """The person was here; written down now and then."""
    if now - opened.seen_at < LAG and address == opened.address:
        return
    with database.session() as session:
        seen = {"seen_at": now, "address": address[:45]}
        session.exec(update(LoginSession).where(col(LoginSession.id) == opened.id).values(**seen))
        session.commit()


def live(session: Session, user_id: int | None = None) -> list[tuple[LoginSession, User]]:
    """The sessions that hold, of one user or of all; the last seen first."""
    query = (
        select(LoginSession, User)
        .where(LoginSession.user_id == User.id, LoginSession.epoch == User.epoch, col(User.active))
        .where(col(LoginSession.ended_at).is_(None), col(LoginSession.seen_at) > utcnow() - LIFE - LAG)
        .order_by(col(LoginSession.seen_at).desc())
    )
    return list(session.exec(query.where(LoginSession.user_id == user_id) if user_id else query))


def end(session: Session, session_id: int, by: str, of: int | None = None) -> None:
    """One session ends with its next page; commits. ``of``: only if it is this user's. Raises NotFoundError."""
    opened = session.get(LoginSession, session_id)
    if opened is None or opened.ended_at or (of is not None and opened.user_id != of):
        raise NotFoundError("There is no such session (any more).", "Look at the list again.")
    user = session.get_one(User, opened.user_id)
    opened.ended_at = utcnow()
    session.add(opened)
    audit.record(session, by, "session.end", f"user:{user.email}", browser=device(opened.agent), at=opened.address)
    session.commit()


def end_others(session: Session, user: User, keep: int | None, by: str) -> int:
    """Every session of the user but one ends; commits. Answers how many."""
    ended = [opened for opened, _ in live(session, user.id) if opened.id != keep]
    for opened in ended:
        opened.ended_at = utcnow()
    session.add_all(ended)
    audit.record(
        session, by, "session.end_others" if keep else "session.end_all", f"user:{user.email}", ended=len(ended)
    )
    session.commit()
    return len(ended)


def leave(session: Session, session_id: int) -> None:
    """The user logs out here. Commits."""
    session.exec(update(LoginSession).where(col(LoginSession.id) == session_id).values(ended_at=utcnow()))
    session.commit()


def device(agent: str) -> str:
    """``Firefox on Windows``, as far as the agent's name says it."""
    browser = next((word for sign, word in BROWSERS if sign in agent), "")
    system = next((word for sign, word in SYSTEMS if sign in agent), "")
    return f"{browser} on {system}" if browser and system else browser or system or "another program"


def forget(database: Database) -> None:
    """Rows of sessions that ended long ago are deleted."""
    with database.session() as session:
        for old in session.exec(select(LoginSession).where(col(LoginSession.seen_at) < utcnow() - KEPT)):
            session.delete(old)
        session.commit()
