"""A company that posts all or nothing: one held document keeps every other one back, and nothing is written."""

from __future__ import annotations

import pytest

from app.domain.links import LinkKind
from app.models.connections import Book
from app.services.batches import batches, decisions
from app.services.connections import books
from app.services.mapping import links
from tests import engine
from tests.engine import Engine


@pytest.fixture
def working(working: Engine) -> Engine:
    with working.database.session() as session:
        book = session.get_one(Book, working.book_id)
        books.set_settings(session, book, {"company.validation": "batch"}, engine.BY)
    return working


def states(working: Engine, batch: int) -> dict[str, str]:
    return {p["number"]: p["state"] for p in working.json(batch)["postings"]}


def retry(working: Engine, batch: int) -> None:
    with working.database.session() as session:
        batches.retry(session, batches.find(session, batch), by=engine.BY)
    working.run(batch)


def test_nothing_is_sent_while_one_is_held_and_the_page_says_so(working: Engine) -> None:
    working.submit("10395", "10400")
    shown = working.run(1)
    assert states(working, 1) == {"10395": "held", "10400": "held"}
    assert not working.in_books()
    assert {"10395", "10400"} <= working.unposted()
    assert shown["status"] == "completed_with_errors"
    said = {x["message"] for p in shown["postings"] for x in p["problems"] if x["code"] == "all_or_nothing"}
    assert all(text.endswith("this company posts all or nothing.") for text in said)
    working.assert_exactly_once()


def test_a_retry_after_the_fix_posts_all_of_them(working: Engine) -> None:
    working.submit("10395", "10400")
    working.run(1)
    with working.database.session() as session:
        links.set_link(session, session.get_one(Book, working.book_id), LinkKind.ACCOUNTS, "4600", "79", by=engine.BY)
    retry(working, 1)
    assert states(working, 1) == {"10395": "closed", "10400": "closed"}
    working.assert_exactly_once()


def test_a_retry_without_a_fix_sends_nothing(working: Engine) -> None:
    working.submit("10395", "10400")
    working.run(1)
    retry(working, 1)
    assert set(states(working, 1).values()) == {"held"}
    assert not working.in_books()


def test_skipping_what_is_in_the_way_lets_the_others_go(working: Engine) -> None:
    batch = working.submit("10395", "10400")
    working.run(batch)
    record = next(p["records"][0] for p in working.json(batch)["postings"] if p["number"] == "10400")
    decisions.decide(working.database, batch, record, "skip", by=engine.BY)
    working.run(batch)
    assert states(working, batch) == {"10395": "closed", "10400": "skipped"}
    working.assert_exactly_once()
