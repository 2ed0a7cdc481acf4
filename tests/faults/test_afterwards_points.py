"""Attachments and mails: the worker dies between intent and answer; no file is attached twice, no mail sent again."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator

import pytest
from sqlmodel import col, select, update

from app.models.columns import utcnow
from app.models.connections import Book
from app.models.mail import Mail
from app.services.connections import books
from app.services.mail import customer_mail, mail_settings, outbox
from tests import engine
from tests.faults.rig import THREE, Rig
from tests.mail_server import Post, mail_server

#: What it is, the moment, what is written there, which time: see ``traps.Trap``.
ATTACHMENTS = [
    ("attached, answer unread", "answer", r"POST .*/upload\?", 2),
]
#: The same of a mail, and how many letters there are afterwards, in which state.
MAILS = [
    ("letter about to leave", "committed", r"UPDATE mails SET data_at=", 0, "in_doubt"),
    ("taken, answer not written", "commit", r"UPDATE mails SET state=.*'sent'", 1, "in_doubt"),
]


def settings(rig: Rig, **values: str) -> None:
    with rig.engine.database.session() as session:
        books.set_settings(session, session.get_one(Book, rig.engine.book_id), values, engine.BY)


def assert_attached_once(rig: Rig, moment: str, pattern: str, nth: int) -> int:
    """Answers how many files were on their way when the worker died."""
    settings(rig, **{"sales.attach_pdf": "yes"})
    batch = rig.engine.submit(*THREE)
    worker = rig.worker(batch, moment=moment, pattern=pattern, nth=nth)
    assert worker.ended(30)
    assert rig.sign.exists(), "the worker never came to this point"
    under_way = rig.under_way()
    shown = rig.take_over(batch)
    files = Counter(str(one["FileName"]) for one in rig.engine.company.tables["Attachable"].values())
    assert files == Counter({f"Invoice {number}.pdf": 1 for number in THREE})
    assert shown["status"] == "completed", rig.problems(batch)
    rig.assert_closed_once(batch, *THREE)
    return under_way


@pytest.mark.parametrize(("moment", "pattern", "nth"), [p[1:] for p in ATTACHMENTS], ids=[p[0] for p in ATTACHMENTS])
def test_a_worker_killed_while_it_attaches_leaves_one_file_each(rig: Rig, moment: str, pattern: str, nth: int) -> None:
    assert assert_attached_once(rig, moment, pattern, nth) > 0


@pytest.fixture
def post() -> Iterator[Post]:
    with mail_server() as post:
        yield post


@pytest.fixture
def mailed(rig: Rig, post: Post) -> tuple[Rig, int]:
    """One invoice is posted, and its mail is ready to be handed over; answers its id."""
    settings(rig, **{"email.invoices": "invoices", "email.hold": "no"})
    form = {"host": "localhost", "port": str(post.port), "security": "none", "sender": "books@msp.test"}
    with rig.engine.database.session() as session:
        mail_settings.store(session, form, engine.BY)
    rig.engine.post(THREE[0])
    (ready,) = customer_mail.prepare(rig.engine.database, rig.engine.connectors, rig.engine.book_id)
    return rig, ready


@pytest.mark.parametrize(("moment", "pattern", "letters", "state"), [p[1:] for p in MAILS], ids=[p[0] for p in MAILS])
def test_a_worker_killed_while_it_mails_never_sends_twice(
    mailed: tuple[Rig, int], post: Post, moment: str, pattern: str, letters: int, state: str
) -> None:
    rig, mail = mailed
    worker = rig.worker(0, mail=mail, moment=moment, pattern=pattern)
    assert worker.ended(30)
    assert rig.sign.exists(), "the worker never came to this point"
    database = rig.engine.database
    for _ in range(2):
        with database.session() as session:
            past = utcnow() - dt.timedelta(seconds=1)
            session.exec(update(Mail).where(col(Mail.lease_until).is_not(None)).values(lease_until=past))
            session.commit()
        for due in outbox.due(database):
            assert rig.worker(0, mail=due).ended(30)
    with database.reading() as session:
        assert session.exec(select(Mail.state)).all() == [state]
    assert len(post.letters) == letters
    assert ("mail_in_doubt" in rig.engine.problems(THREE[0])) == (state == "in_doubt")
