"""The workbench's pages: both lists, proposals confirmed in bulk, the first day, a cut-over."""

from __future__ import annotations

import pytest
from sqlmodel import select

from app.connectors.list_changes import HeldEntry
from app.database import Database
from app.domain.entry_data import EntryData
from app.domain.links import LinkKind
from app.domain.source_lists import SourceEntry
from app.models.connections import Book, Link
from app.services.connections import books
from app.services.mapping import customer_data, links, lists, source_lists, workbench
from tests.builders import an_entry
from tests.routes.conftest import Browser, Vendors, field, words
from tests.routes.world import World


@pytest.fixture
def both(database: Database, vendors: Vendors) -> World:
    """Whole lists on both sides: a same name, other punctuation, a number, an e-mail, one asleep, two for one."""
    world = World(database, vendors)
    c, v = LinkKind.CUSTOMERS, LinkKind.VENDORS
    world.source.lists = [
        SourceEntry(c, "77", "Acme Dental", number="AC77"),
        SourceEntry(c, "78", "Bolt & Nut Co"),
        SourceEntry(c, "80", "North Clinic", email="ap@north.example"),
        SourceEntry(c, "81", "Sleepy Hollow LLC"),
        SourceEntry(c, "82", "Twin Lakes"),
        SourceEntry(c, "83", "TWIN LAKES"),
        SourceEntry(c, "84", "Gone Away", active=False),
        SourceEntry(v, "300", "Supply House", number="V-9"),
        SourceEntry(v, "member:4", "Mia Moore", detail="Member"),
    ]
    world.company.lists += [
        an_entry(c, "21", "North Medical Group", email="AP@north.example", holder="customer"),
        an_entry(c, "22", "Sleepy Hollow (deleted)", active=False, holder="customer"),
        an_entry(c, "23", "Twin Lakes", holder="customer"),
        an_entry(v, "31", "The Supply House, Inc.", number="v-9", holder="vendor"),
    ]
    source_lists.refresh(database, world.source, 1)
    lists.refresh(database, world.company, 1, max_age=lists.FRESH * 0)
    return world


def test_both_lists_stand_side_by_side_with_reasons_and_what_waits(bookkeeper: Browser, both: World) -> None:
    said = words(bookkeeper.get("/mappings/1/customers"))
    assert "Acme Dental · AC77 77 3 $301.00 3 documents" in said
    assert "same name but for case and punctuation" in said
    assert "e-mail matches" in said
    assert "Make active and link" in said
    assert "Gone Away" not in said
    assert "Mia Moore" in words(bookkeeper.get("/mappings/1/members"))
    assert "Mia Moore" not in words(bookkeeper.get("/mappings/1/vendors"))
    assert "number V-9 matches" in words(bookkeeper.get("/mappings/1/vendors"))
    assert "North Medical Group" in words(bookkeeper.get("/mappings/1/customers?view=books&q=north"))


def test_the_page_of_one_link_says_that_there_is_none_and_what_sleeps(bookkeeper: Browser, both: World) -> None:
    asked = words(bookkeeper.get("/mappings/1/customers/link?source_id=81"))
    assert "Not linked yet." in asked
    assert "Make “Sleepy Hollow (deleted)” active and link it" in asked


def test_what_waits_counts_unposted_documents_and_their_money(database: Database, both: World) -> None:
    with database.reading() as session:
        waiting = workbench.waiting(session, session.get_one(Book, 1), LinkKind.CUSTOMERS)
    assert (waiting["77"].count, waiting["77"].cents) == (3, {"USD": 21400 + 10700 - 2000})


def test_a_group_is_accepted_whole_but_only_as_it_was_seen(
    bookkeeper: Browser, both: World, database: Database
) -> None:
    bookkeeper.get("/mappings/1/customers/proposals/rhyme", status=404)
    shown = bookkeeper.get("/mappings/1/customers/proposals/spelling")
    assert "Acme Dental, P.C." in words(shown)
    seen = field(shown, "seen")
    bookkeeper.post("/mappings/1/customers/proposals/spelling", {"seen": "0" * 16, "which": "all"}, status=422)
    assert linked(database) == {}
    bookkeeper.post("/mappings/1/customers/proposals/spelling", {"seen": seen, "which": "all"})
    assert linked(database) == {"77": "1"}
    bookkeeper.post("/mappings/1/customers/proposals/spelling", {"seen": seen, "which": "all"}, status=422)


def test_what_two_would_share_is_never_accepted_in_bulk(bookkeeper: Browser, both: World, database: Database) -> None:
    shown = bookkeeper.get("/mappings/1/customers/proposals/shared")
    form = {"seen": field(shown, "seen"), "which": "all"}
    bookkeeper.post("/mappings/1/customers/proposals/shared", form, status=422)
    bookkeeper.post("/mappings/1/customers/proposals/shared", {**form, "which": "ticked", "source_id": "82"})
    assert linked(database) == {"82": "23"}


def test_a_rename_on_either_side_breaks_no_link(bookkeeper: Browser, both: World, database: Database) -> None:
    bookkeeper.get("/mappings/1/customers")
    bookkeeper.post("/mappings/1/customers", {"source_id": "77", "ledger_id": "1"})
    both.source.lists[0] = SourceEntry(LinkKind.CUSTOMERS, "77", "Brightsmile Dental")
    renamed = an_entry(LinkKind.CUSTOMERS, "1", "Brightsmile Holding", holder="customer")
    both.company.lists[2] = renamed
    source_lists.refresh(database, both.source, 1)
    lists.refresh(database, both.company, 1, max_age=lists.FRESH * 0)
    said = words(bookkeeper.get("/mappings/1/customers?q=brightsmile"))
    assert "Brightsmile Dental" in said
    assert "Brightsmile Holding" in said
    assert "by a person" in said


def test_the_first_day_shows_proposals_by_kind_and_reason(bookkeeper: Browser, both: World) -> None:
    said = words(bookkeeper.get("/first-day/1"))
    assert "Same e-mail address 1" in said
    assert "Same number 1 vendors" in said
    assert "Several for one QuickBooks entry 2" in said


def test_history_is_marked_as_posted_only_as_it_was_counted(
    bookkeeper: Browser, both: World, database: Database
) -> None:
    bookkeeper.get("/first-day/1")
    shown = bookkeeper.post("/first-day/1/records", {"through": "12/31/2026"})
    assert "Mark 5 records as posted" in words(shown)
    form = {"through": "2026-12-31", "seen": field(shown, "seen")}
    refused = bookkeeper.post("/first-day/1/cut-over", {**form, "through": "2026-12-30"}, status=422)
    assert "nothing was marked" in words(refused)
    done = bookkeeper.post("/first-day/1/cut-over", form)
    assert "nothing was sent to QuickBooks" in words(done)
    both.work()
    assert both.company.calls == []
    assert set(both.source.batch_of_record) == {"39005", "39006", "39007", "39008", "39009"}
    assert "Nothing is unposted up to that day" in words(bookkeeper.get("/first-day/1?through=2026-12-31"))


def test_a_viewer_may_look_and_nothing_else(viewer: Browser, both: World) -> None:
    assert "Accept all" not in words(viewer.get("/mappings/1/customers/proposals/email"))
    viewer.get("/first-day/1")
    for path in ("/first-day/1/cut-over", "/mappings/1/lists", "/mappings/1/customers/wake"):
        viewer.post(path, status=403)


def test_customer_data_is_off_until_somebody_wants_it(admin: Browser, both: World) -> None:
    assert "Customer data is not brought over" in words(admin.get("/mappings/1/customers/updates"))


def test_customers_are_compared_once_by_a_worker_and_the_page_follows(
    bookkeeper: Browser, admin: Browser, both: World, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = "/mappings/1/customers/updates"
    with database.session() as session:
        book = session.get_one(Book, 1)
        links.set_link(session, book, LinkKind.CUSTOMERS, "80", "21", by="test")
        books.set_settings(session, book, {"contacts.update_email": "yes"}, "test")
    north = an_entry(LinkKind.CUSTOMERS, "21", "North Medical Group")
    asked: list[LinkKind] = []

    def held(kind: LinkKind) -> list[HeldEntry]:
        customer_data.work(database, both.vendors, 1)  # another worker that is rung meanwhile does nothing
        asked.append(kind)
        return [HeldEntry(north, "0", EntryData(email="old@north.example"))]

    for name in ("held_entry", "entry_body", "change_entry"):
        monkeypatch.setattr(both.company, name, held, raising=False)
    monkeypatch.setattr(both.company, "held_entries", held, raising=False)
    for person in (bookkeeper, admin):
        person.get(page)
        assert "are being read and compared" in words(person.post(f"{page}/compare"))
    assert customer_data.due(database) == [1]
    assert "are being read and compared" in words(bookkeeper.get(f"{page}/live", hx=True))
    customer_data.work(database, both.vendors, 1)
    assert (asked, customer_data.due(database)) == ([LinkKind.CUSTOMERS], [])
    assert bookkeeper.get(f"{page}/live", hx=True).headers["HX-Redirect"] == page
    assert "E-mail old@north.example ap@north.example" in words(bookkeeper.get(page))
    both.source.down = "The PSA is asleep."
    bookkeeper.post(f"{page}/compare")
    customer_data.work(database, both.vendors, 1)
    said = words(bookkeeper.get(page))
    assert "could not be compared: The PSA is asleep." in said
    assert "ap@north.example" in said
    both.source.down = ""
    monkeypatch.setattr(both.company, "held_entries", {}.__getitem__)
    bookkeeper.post(f"{page}/compare")
    with pytest.raises(KeyError):
        customer_data.work(database, both.vendors, 1)
    assert "could not be compared: Crossfoot ran into a fault of its own" in words(bookkeeper.get(page))
    assert customer_data.due(database) == []


def test_the_page_shows_by_itself_what_was_read(
    bookkeeper: Browser, both: World, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    bookkeeper.get("/first-day/1")
    assert "are being read" in words(bookkeeper.post("/mappings/1/lists", {"back": "/first-day/1"}))
    assert "are being read" in words(bookkeeper.get("/mappings/1/reading?back=/first-day/1", hx=True))
    source_lists.work(database, both.vendors, 1)
    assert bookkeeper.get("/mappings/1/reading?back=/first-day/1", hx=True).headers["HX-Redirect"] == "/first-day/1"
    both.source.down = "The PSA is asleep."
    bookkeeper.get("/first-day/1")
    bookkeeper.post("/mappings/1/lists", {"back": "/first-day/1"})
    source_lists.work(database, both.vendors, 1)
    assert "Not all lists could be read: The PSA is asleep." in words(bookkeeper.get("/first-day/1"))
    bookkeeper.post("/mappings/1/lists", {"back": "/first-day/1"})
    monkeypatch.setattr(both.source, "entries", {}.__getitem__)
    both.source.down = ""
    with pytest.raises(KeyError):
        source_lists.work(database, both.vendors, 1)
    assert "Not all lists could be read: Crossfoot ran into a fault" in words(bookkeeper.get("/first-day/1"))


def linked(database: Database) -> dict[str, str]:
    with database.reading() as session:
        rows = session.exec(select(Link).where(Link.kind == "customers", Link.ledger_id != ""))
        return {row.source_id: row.ledger_id for row in rows}
