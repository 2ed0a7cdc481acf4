"""A moment of a clock that was wrong binds nobody: what it held would stand still until then."""

from __future__ import annotations

import datetime as dt

from sqlmodel import Session

from app.database import Database
from app.models.columns import utcnow
from app.models.mail import Mail
from app.models.reconcile import DriftLook
from app.services.connections.tokens import BookTokens
from app.services.mail import outbox
from app.services.reconcile import looks
from tests.rows import a_book, a_source

NEXT_YEAR = dt.timedelta(days=365)


def held(session: Session, until: dt.datetime) -> None:
    """A company's tokens, a mail and a look at both systems, each some worker's until then."""
    session.add(a_source())
    session.flush()
    session.add(a_book(source_id=1, refresh_owner="somebody", refresh_until=until))
    mail = Mail(key="k", kind="test", to="a@b.example", subject="s", message_name="m", state="sending")
    mail.lease_until = until
    session.add(mail)
    session.add(DriftLook(book_id=1, first_day=dt.date(2026, 1, 1), lease_owner="somebody", lease_until=until))
    session.commit()


def test_what_a_wrong_clock_has_leased_until_next_year_goes_on_today(database: Database) -> None:
    with database.session() as session:
        held(session, utcnow() + NEXT_YEAR)
    assert outbox.due(database) == [1]
    assert 1 in looks.due(database)
    with BookTokens(database, 1).alone() as ours:
        assert ours


def test_what_a_worker_has_leased_stays_its_own(database: Database) -> None:
    with database.session() as session:
        held(session, utcnow() + dt.timedelta(minutes=5))
    assert outbox.due(database) == []
    assert 1 not in looks.due(database)
