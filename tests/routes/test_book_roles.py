"""Roles per company: who has only another company sees nothing of this one, and changes nothing of it."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlmodel import select
from werkzeug.routing import AnyConverter, Rule

from app.database import Database
from app.domain.links import LinkKind
from app.domain.states import RecordKind
from app.models.connections import Book, SourceRow
from app.models.people import NO_ROLE, User
from app.models.records import Selection
from app.models.tables import metadata
from app.routes.guard import NAMES_A_BOOK, Person
from app.services.batches import batches
from app.services.mapping import lists
from app.services.people import access
from app.services.records import holding, timelines
from tests.builders import an_entry
from tests.fake_books import FakeBooks
from tests.fakes import FakeSource
from tests.routes.conftest import HOST, Browser, Vendors, _person, words
from tests.routes.test_guard import OPEN
from tests.routes.world import World
from tests.rows import a_book, a_source

#: What only the first company has: its name and realm, its batch, what it holds, what its PSA lists.
SECRETS = ("Demo MSP", "9341", "Month end", "Hardware sales", "Acme Dental", "10482", "39006", "Bolt &amp; Nut")
#: Arguments that name nothing of a company.
OTHERS = {
    "kind", "side", "key", "state", "record", "tab", "token", "name", "pathname", "user_id", "session_id",
    "month", "currency",
    "channel_id", "notice_id",  # of the installation: its admin's alone
    "drift_id", "mail_id", "payment_id", "posting_id", "round_id",  # of the company that stands before them
}  # fmt: skip


@pytest.fixture
def world(database: Database, vendors: Vendors) -> World:
    """Two PSAs, each with a company; the first has a batch, posted and with something held."""
    world = World(database, vendors)
    vendors.sources["https://other.example"] = FakeSource()
    vendors.books["77"] = FakeBooks("Other Ltd", "77", an_entry(LinkKind.ACCOUNTS, "5", "Other sales"))
    with database.session() as session:
        other = a_source("https://other.example", code="B")
        session.add(other)
        session.flush()
        session.add(a_book(name="Other Ltd", ledger_id="77", source_id=other.id, tokens=world_tokens(session)))
        session.commit()
        batches.submit(
            session, session.get_one(Book, 1), kind=RecordKind.INVOICES, wanted=["39005", "39007"], by="admin",
            name="Month end", accept=True,
        )  # fmt: skip
    world.work()
    lists.refresh(database, vendors.books["77"], 2)
    return world


def world_tokens(session: Any) -> Any:
    return session.get_one(Book, 1).tokens


@pytest.fixture
def elsewhere(app: Flask, world: World, database: Database, admin: Browser, password_hash: str) -> Browser:
    """Admin of the other company, and nothing besides."""
    return only_in(2, "admin", app, database, password_hash)


def only_in(book_id: int, role: str, app: Flask, database: Database, password_hash: str) -> Browser:
    browser = _person(app, database, "viewer", password_hash)
    with database.session() as session:
        user = session.exec(select(User).where(User.email == "viewer@example.test")).one()
        user.role = NO_ROLE
        session.add(user)
        access.set_roles(session, user, {book_id: role}, "test")
    return browser


def addresses(app: Flask, method: str) -> list[str]:
    """Every address behind a log-in that takes the method, about the first company wherever it names one."""
    rules = [rule for rule in app.url_map.iter_rules() if method in (rule.methods or ()) and rule.endpoint not in OPEN]
    return sorted({path for rule in rules for kind in ("invoices", "customers") if (path := built(rule, kind))})


def built(rule: Rule, kind: str) -> str:
    filled: dict[str, Any] = {
        "kind": kind,
        "side": "book",
        "record": "39005",
        "key": "account_not_linked:accounts:4600",
    }
    for name, converter in rule._converters.items():
        allowed = getattr(converter, "items", ())
        if isinstance(converter, AnyConverter) and filled.get(name) not in allowed:
            filled[name] = max(allowed)
        filled.setdefault(name, 1 if type(converter).__name__ == "IntegerConverter" else "company")
    found = rule.build({name: filled[name] for name in rule.arguments})
    return found[1] if found else ""


def contents(database: Database) -> dict[str, list[Any]]:
    """Everything that a company could lose."""
    own = ("books", "batches", "postings", "problems", "links", "holds", "list_entries", "posting_records", "users")
    with database.engine.connect() as connection:
        return {name: list(connection.execute(metadata.tables[name].select())) for name in own}


def test_every_argument_of_an_address_is_known_to_name_a_company_or_not_to(app: Flask) -> None:
    named = {name for rule in app.url_map.iter_rules() for name in rule.arguments}
    assert named <= {*NAMES_A_BOOK, *OTHERS}


def test_nothing_of_a_company_is_shown_to_or_changed_by_somebody_of_another_one_only(
    app: Flask, elsewhere: Browser, admin: Browser, database: Database
) -> None:
    looked_at(app, elsewhere)
    tried(app, elsewhere, database)
    assert "Month end" in words(admin.get("/batches"))
    assert "Nothing waits for you" not in words(admin.get("/attention"))
    assert "Nothing waits for you" in words(elsewhere.get("/attention"))
    for path in ("/", "/settings/connections", "/settings/books", "/run/invoices"):
        assert "Other Ltd" in words(elsewhere.get(path))


def looked_at(app: Flask, elsewhere: Browser) -> None:
    leaks, seen = [], 0
    for path in addresses(app, "GET"):
        asked = f"{path}?book=1&batch=1&number=10483"
        for head in ({}, {"HX-Request": "true"}):
            answer = elsewhere.client.get(asked, base_url=HOST, headers=head)
            assert answer.status_code < 500, asked
            seen += answer.status_code == 200
            leaks += [(asked, secret) for secret in SECRETS if secret in answer.text]
    assert not leaks
    assert seen > 20


def tried(app: Flask, elsewhere: Browser, database: Database) -> None:
    elsewhere.get("/me")
    before, answers = contents(database), {}
    form = {"csrf_token": elsewhere._token, "book": "1", "record": "39005", "choice": "skip", "action": "submit"}
    for path in addresses(app, "POST"):
        if not path.startswith("/me"):
            answers[path] = elsewhere.client.post(path, base_url=HOST, data=form).status_code
    assert contents(database) == before
    named = [path for path in answers if any(part in path for part in ("/batches/1", "/books/1", "/mappings/1"))]
    assert len(named) > 10
    assert {answers[path] for path in named} <= {404, 403}


def test_nobody_tries_a_company_or_sees_a_psa_by_a_role_in_another_one(elsewhere: Browser, database: Database) -> None:
    elsewhere.get("/me")  # for its token
    elsewhere.post("/connections/source/1/test", status=404)
    with database.session() as session:
        first = session.get_one(SourceRow, 1)
        first.name, first.broken = "First PSA", "Its keys were revoked."
        session.add(first)
        user = session.exec(select(User).where(User.email == "viewer@example.test")).one()
        session.commit()
        for path in ("/", "/settings/connections", "/fragments/banners"):
            assert "First PSA" not in words(elsewhere.get(path))
        access.set_roles(session, user, {1: "viewer", 2: "bookkeeper"}, "test")
    form = {"book": "1", "shown": "39006", "record": "39006", "action": "dry"}
    elsewhere.post("/run/invoices", form, status=403)
    assert "First PSA" in words(elsewhere.get("/settings/connections"))


def test_a_record_of_another_psa_with_the_same_id_has_a_timeline_of_its_own(world: World, database: Database) -> None:
    with database.session() as session:
        holding.hold(session, 1, RecordKind.INVOICES, "39006", reason="Secret deal", by="ada")
        told = [timelines.of(session, session.get_one(Book, i), RecordKind.INVOICES, "39006") for i in (1, 2)]
    assert [str(events).count("Secret deal") for events in told] == [1, 0]


def test_a_hold_leaves_the_tick_of_the_same_id_in_a_draft_of_another_psa(
    elsewhere: Browser, world: World, database: Database
) -> None:
    with database.session() as session:
        user = session.exec(select(User).where(User.email == "viewer@example.test")).one()
        draft = Selection(user_id=user.id or 0, kind="invoices", token="t", book_id=2, records=["39006"])
        session.add(draft)
        session.commit()
        holding.hold(session, 1, RecordKind.INVOICES, "39006", reason="Price", by="ada")
        session.refresh(draft)
        assert draft.records == ["39006"]
        draft.book_id = 1
        session.commit()
        holding.hold(session, 1, RecordKind.INVOICES, "39006", reason="Price", by="ada")
        session.refresh(draft)
        assert draft.records == []


def test_the_admin_of_a_company_changes_its_settings_but_not_the_installation(elsewhere: Browser) -> None:
    elsewhere.get("/settings/books/2")
    assert "1 changed" in words(elsewhere.post("/settings/books/2", {"company.validation": "batch"}))
    elsewhere.post("/settings/books/2/default", status=403)
    for path in ("/settings/users", "/settings/audit", "/settings/audit.csv", "/settings/mail", "/settings/sessions"):
        elsewhere.get(path, status=403)


def test_a_role_in_one_company_takes_the_place_of_the_general_one(
    app: Flask, world: World, database: Database, viewer: Browser
) -> None:
    with database.session() as session:
        user = session.exec(select(User).where(User.email == "viewer@example.test")).one()
        access.set_roles(session, user, {1: "bookkeeper", 2: NO_ROLE}, "test")
        roles, sees = access.seen_by(session, user)
        person = Person(user, 1, roles, sees)
    with app.test_request_context():
        assert [person.may("bookkeeper", book) for book in (1, 2)] == [True, False]
        assert (person.visible, person.may("admin")) == (frozenset({1}), False)
    assert "Month end" in words(viewer.get("/batches"))
    viewer.get("/settings/books/2", status=404)
    viewer.get("/batches/1")
    viewer.post("/batches/1/stop")
    with database.session() as session:
        access.set_roles(session, session.get_one(User, user.id), {1: "", 2: ""}, "test")
    viewer.get("/settings/books/2")
    viewer.post("/batches/1/stop", status=403)


def test_what_another_company_has_taken_is_not_offered_and_its_batch_not_named(
    app: Flask, world: World, database: Database, admin: Browser, password_hash: str
) -> None:
    with database.session() as session:
        book = session.get_one(Book, 2)
        book.source_id = 1
        session.add(book)
        session.commit()
    browser = only_in(2, "bookkeeper", app, database, password_hash)
    said = words(browser.get("/run/invoices"))
    assert "10482" not in said  # posted by the first company
    assert "10483" in said
    assert "Month end" not in browser.get("/run/invoices").text


def test_an_admin_gives_a_role_in_one_company_on_the_users_pages(admin: Browser, world: World) -> None:
    admin.get("/settings/users")
    said = words(
        admin.post("/settings/users", {"email": "kim@x.test", "role": "bookkeeper", "book": "2", "show_link": "1"})
    )
    assert "bookkeeper in Other Ltd" in said
    assert "As above (not seen)" in words(admin.get("/settings/users/2"))
    assert "Saved." in words(admin.post("/settings/users/2/companies", {"book-1": "viewer", "book-2": ""}))
    assert "viewer in Demo MSP" in words(admin.get("/settings/users"))
    again = words(admin.post("/settings/users", {"email": "kim@x.test", "role": "admin", "book": "2"}))
    assert "is there already, and has that role now" in again
    assert "not a role" in words(admin.post("/settings/users/2/companies", {"book-1": "boss"}, status=422))
    audit = words(admin.get("/settings/audit"))
    assert "changed a role in a company" in audit
