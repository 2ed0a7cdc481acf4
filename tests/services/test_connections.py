from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from sqlmodel import Session, select

from app.connectors.protocols import Check, ConnectionFailedError
from app.database import Database
from app.domain.links import Rules
from app.domain.problems import Problem, Severity, ValidationError
from app.models.columns import utcnow
from app.models.connections import Book, SourceRow
from app.services.connections import cards, connections, tokens
from app.services.connections.tokens import BookTokens
from tests.fakes import FakeBooks, FakeConnectors, FakeSource, some_tokens

SITE = {"site": "https://psa.example", "company_id": "demo", "public_key": "pub", "client_id": "guid"}


@pytest.fixture
def books() -> FakeBooks:
    return FakeBooks()


@pytest.fixture
def connectors(books: FakeBooks) -> FakeConnectors:
    return FakeConnectors({SITE["site"]: FakeSource(), "https://second.example": FakeSource()}, {"9341": books})


def connect(database: Database, connectors: FakeConnectors, key: str = "private", **changes: str) -> Check:
    settings = {**SITE, **changes}
    return connections.connect_source(database, connectors, settings=settings, secrets={"private_key": key}, by="ab")


def confirm(database: Database, connectors: FakeConnectors, **changes: Any) -> Book:
    values: dict[str, Any] = {"realm": "9341", "held": some_tokens(), "environment": "sandbox", "by": "ab", **changes}
    return connections.confirm_book(database, connectors, **values)


def _sources(database: Database) -> list[SourceRow]:
    with database.reading() as session:
        return list(session.exec(select(SourceRow)))


def _books(database: Database) -> list[Book]:
    with database.reading() as session:
        return list(session.exec(select(Book)))


def test_a_psa_that_answers_is_stored_with_its_check(database: Database, connectors: FakeConnectors) -> None:
    check = connect(database, connectors)
    row = _sources(database)[0]
    assert connections.connects(check)
    assert (row.name, row.code, row.facts) == ("Demo PSA", "", {"version": "v2026.1"})
    assert connections.open_source(database, connectors, 1) is connectors.sources[SITE["site"]]


def test_a_psa_that_does_not_answer_is_not_stored(database: Database, connectors: FakeConnectors) -> None:
    with pytest.raises(ConnectionFailedError):
        connect(database, connectors, site="https://nowhere.example")
    assert _sources(database) == []


def test_a_psa_that_lacks_a_permission_is_not_stored(database: Database, connectors: FakeConnectors) -> None:
    lacking = Problem("no_permission", "The role may not read invoices.", "Add it.")
    connectors.sources[SITE["site"]].findings = (lacking,)  # type: ignore[attr-defined]  # a fake's own
    assert not connections.connects(connect(database, connectors))
    assert _sources(database) == []


def test_warnings_do_not_keep_a_psa_from_being_stored(database: Database, connectors: FakeConnectors) -> None:
    hurts = Problem("sales_tax_box", "Include sales tax is off.", "Turn it on.", Severity.WARNING)
    connectors.sources[SITE["site"]].findings = (hurts,)  # type: ignore[attr-defined]  # a fake's own
    connect(database, connectors)
    with database.reading() as session:
        card = cards.cards(session)[0]
    assert (card.state, card.findings) == (cards.CardState.DEGRADED, (hurts,))


def test_the_same_site_and_company_replaces_the_keys(database: Database, connectors: FakeConnectors) -> None:
    connect(database, connectors)
    connectors.sources["psa.example/"] = connectors.sources[SITE["site"]]
    connect(database, connectors, key="newer", site="psa.example/", company_id="DEMO")
    assert [row.secrets for row in _sources(database)] == [{"private_key": "newer"}]


def test_a_second_psa_gets_a_code_of_its_own(database: Database, connectors: FakeConnectors) -> None:
    connect(database, connectors)
    connect(database, connectors, site="https://second.example")
    assert [row.code for row in _sources(database)] == ["", "B"]


def test_a_company_is_read_before_it_is_stored(database: Database, connectors: FakeConnectors) -> None:
    connectors.books["9341"].down = "QuickBooks can't be reached."  # type: ignore[attr-defined]  # a fake's own
    with pytest.raises(ConnectionFailedError):
        confirm(database, connectors)
    assert _books(database) == []


def test_the_first_company_is_the_default_and_tied_to_the_only_psa(
    database: Database, connectors: FakeConnectors
) -> None:
    connect(database, connectors)
    book = confirm(database, connectors)
    assert (book.name, book.is_default, book.source_id, book.environment) == ("Demo MSP", True, 1, "sandbox")
    assert BookTokens(database, 1).load().access == "access-first"


def test_a_psa_connected_after_the_company_is_tied_too(database: Database, connectors: FakeConnectors) -> None:
    confirm(database, connectors)
    connect(database, connectors)
    assert _books(database)[0].source_id == 1


def test_one_realm_is_one_book_and_connecting_it_again_renews_it(
    database: Database, connectors: FakeConnectors, books: FakeBooks
) -> None:
    confirm(database, connectors)
    BookTokens(database, 1).mark_broken("Consent is gone.")
    books.name, books.rules = "Demo MSP Inc", Rules(tax_mode="automated")
    book = confirm(database, connectors, held=some_tokens("second"), expected_book_id=1)
    assert [b.id for b in _books(database)] == [book.id]
    assert (book.name, book.broken, book.rules["tax_mode"]) == ("Demo MSP Inc", "", "automated")
    assert BookTokens(database, 1).load().access == "access-second"


def test_a_reconnect_that_reaches_another_company_changes_nothing(
    database: Database, connectors: FakeConnectors
) -> None:
    confirm(database, connectors)
    connectors.books["777"] = FakeBooks("Other Co", "777")
    with pytest.raises(ValidationError) as error:
        confirm(database, connectors, realm="777", held=some_tokens("other"), expected_book_id=1)
    assert "choose “Demo MSP”" in error.value.remedy
    assert BookTokens(database, 1).load().access == "access-first"
    assert len(_books(database)) == 1


def test_a_company_that_answers_for_another_realm_is_refused(
    database: Database, connectors: FakeConnectors, books: FakeBooks
) -> None:
    books.ledger_id = "777"
    with pytest.raises(ConnectionFailedError, match="another company"):
        confirm(database, connectors)
    assert _books(database) == []


def test_a_disconnected_book_keeps_its_settings_and_loses_its_tokens(
    database: Database, connectors: FakeConnectors, books: FakeBooks
) -> None:
    confirm(database, connectors)
    with database.session() as session:
        book = session.get_one(Book, 1)
        book.settings = {"sales.summary": "detailed"}
        session.commit()
    assert connections.disconnect_book(database, connectors, 1, by="ab") == ""
    book = _books(database)[0]
    assert books.revoked
    assert (book.connected, book.tokens, book.settings) == (False, None, {"sales.summary": "detailed"})
    with pytest.raises(ConnectionFailedError):
        connections.open_destination(database, connectors, 1)


def test_a_disconnect_that_quickbooks_does_not_hear_of_says_so(
    database: Database, connectors: FakeConnectors, books: FakeBooks
) -> None:
    confirm(database, connectors)
    books.down = "QuickBooks can't be reached."
    assert "Remove the app there too" in connections.disconnect_book(database, connectors, 1, by="ab")
    assert _books(database)[0].tokens is None


def test_a_check_that_fails_shows_on_the_card_and_heals(
    database: Database, connectors: FakeConnectors, books: FakeBooks
) -> None:
    confirm(database, connectors)
    books.down = "QuickBooks can't be reached."
    connections.recheck_book(database, connectors, 1)
    assert _card(database).state is cards.CardState.DEGRADED
    books.down = ""
    connections.recheck_book(database, connectors, 1)
    assert _card(database).state is cards.CardState.CONNECTED


def test_a_broken_book_says_why_on_its_card(database: Database, connectors: FakeConnectors) -> None:
    confirm(database, connectors)
    BookTokens(database, 1).mark_broken("Intuit no longer accepts the consent.")
    card = _card(database)
    assert (card.state, card.reason, card.connected) == (
        cards.CardState.BROKEN, "Intuit no longer accepts the consent.", False,
    )  # fmt: skip


def test_a_consent_about_to_end_is_a_warning(database: Database, connectors: FakeConnectors) -> None:
    confirm(database, connectors, held=some_tokens(refresh_for=3 * 86400))
    assert [finding.code for finding in _card(database).findings] == ["consent_ends"]


def test_a_psa_that_is_down_is_a_finding_of_its_check(database: Database, connectors: FakeConnectors) -> None:
    connect(database, connectors)
    connectors.sources[SITE["site"]].down = "The PSA is down."  # type: ignore[attr-defined]  # a fake's own
    assert connections.recheck_source(database, connectors, 1).findings[0].message == "The PSA is down."
    with database.reading() as session:
        assert cards.cards(session)[0].state is cards.CardState.DEGRADED


def test_books_that_nobody_used_for_two_weeks_are_kept_alive(
    database: Database, connectors: FakeConnectors, books: FakeBooks
) -> None:
    confirm(database, connectors)
    reads = books.company_reads
    assert tokens.keep_alive(database, connectors) == []
    assert books.company_reads == reads
    assert tokens.keep_alive(database, connectors, now=utcnow() + dt.timedelta(days=15)) == [1]
    assert books.company_reads == reads + 1


def _card(database: Database) -> cards.Card:
    with database.reading() as session:
        return cards.cards(session)[-1]


def test_every_deed_leaves_an_audit_row_without_secrets(
    database: Database, connectors: FakeConnectors, session: Session
) -> None:
    connect(database, connectors)
    confirm(database, connectors)
    connections.disconnect_book(database, connectors, 1, by="ab")
    rows = session.connection().exec_driver_sql("select actor, action, detail from audit").all()
    assert [(actor, action) for actor, action, _ in rows] == [
        ("ab", "source.connect"),
        ("ab", "book.connect"),
        ("ab", "book.disconnect"),
    ]
    assert not any("private" in detail or "access-" in detail for _, _, detail in rows)
