"""One record on both sides: preview, proof, hold, undo, and the questions that only a person can answer."""

from __future__ import annotations

from decimal import Decimal

import pytest

from app.database import Database
from app.domain.documents import DocumentKind, Line, Product
from app.domain.links import LinkKind
from app.domain.outcomes import Receipt
from app.domain.problems import ValidationError
from app.domain.states import RecordKind
from app.models.connections import Book
from app.services.batches import batches, decisions
from app.services.mapping import links
from tests.builders import a_document, money
from tests.routes.conftest import Browser, Vendors, field, words
from tests.routes.test_run import ALL, bar, chosen, submission
from tests.routes.world import World

PAGE = "/records/1/invoices/39006"


@pytest.fixture
def world(database: Database, vendors: Vendors) -> World:
    return World(database, vendors)


def posted(browser: Browser, world: World, *records: str) -> None:
    """These are posted and closed."""
    chosen(browser, *records)
    browser.post("/run/invoices/submit", submission(browser))
    world.work()


def test_before_posting_the_page_says_what_quickbooks_will_get(viewer: Browser, world: World) -> None:
    said = words(viewer.get(PAGE))
    assert "Invoice 10483 Not posted" in said
    assert "preview: what QuickBooks will get" in said
    assert "QuickBooks will get · Invoice" in said
    assert "Total, USD 107.00 same Total, USD 107.00" in said
    assert "Nothing has been done with it yet." in said


def test_after_posting_the_same_page_is_the_proof(bookkeeper: Browser, world: World) -> None:
    posted(bookkeeper, world, "39006")
    page = bookkeeper.get(PAGE)
    said = words(page)
    assert "Invoice 10483 Closed" in said
    assert "Proven: QuickBooks holds it exactly once" in said
    assert "QuickBooks holds · Invoice" in said
    assert "none differs" in said
    assert "Submitted in batch" in said
    assert "Sent to QuickBooks, attempt 1." in said
    assert "request id:" in said
    assert "https://psa.example/invoices/39006" in page.text


def test_links_into_a_stand_in_are_not_offered(bookkeeper: Browser, world: World) -> None:
    posted(bookkeeper, world, "39006")
    assert "https://books.example" not in bookkeeper.get(PAGE).text


def test_what_quickbooks_computed_otherwise_is_marked_and_can_be_kept(bookkeeper: Browser, world: World) -> None:
    world.company.tax_off_by = Decimal("0.01")
    posted(bookkeeper, world, "39006")
    said = words(bookkeeper.get(PAGE))
    assert "Posted, not closed" in said
    assert "Total, USD 107.00 differs Total, USD 107.01" in said
    assert "The document is kept and closed." in words(bookkeeper.post(f"{PAGE}/decide", {"choice": "keep"}))
    world.work()
    assert "Invoice 10483 Closed" in words(bookkeeper.get(PAGE))


def test_undo_says_what_it_will_do_and_leaves_the_record_unposted(bookkeeper: Browser, world: World) -> None:
    posted(bookkeeper, world, "39006")
    asked = words(bookkeeper.get(f"{PAGE}/undo"))
    assert "QuickBooks: Invoice 10483, $107.00, is deleted." in asked
    assert "ConnectWise: batch CF-I-39006-g1 is deleted, and the record is listed as unposted again." in asked
    form = {"posting": field(bookkeeper.get(f"{PAGE}/undo"), "posting")}
    for _ in range(2):  # a double click
        assert "It is being undone" in words(bookkeeper.post(f"{PAGE}/undo", form))
    world.work()
    assert "Invoice 10483 Undone" in words(bookkeeper.get(PAGE))
    assert world.company.total_booked() == 0
    assert world.source.batch_of_record == {}
    assert "nothing of it to undo" in words(bookkeeper.post(f"{PAGE}/undo", form, status=422))
    world.look()
    posted(bookkeeper, world, "39006")
    world.work(2)
    assert "older than the document" in words(bookkeeper.post(f"{PAGE}/undo", form, status=422))
    assert world.company.total_booked() == Decimal("107.00")


def test_a_viewer_can_neither_undo_nor_hold(viewer: Browser, bookkeeper: Browser, world: World) -> None:
    posted(bookkeeper, world, "39006")
    viewer.get(PAGE)
    assert "/undo" not in viewer.get(PAGE).text
    for deed in ("undo", "hold", "release", "decide"):
        viewer.post(f"{PAGE}/{deed}", status=403)


def test_a_hold_needs_a_reason_and_keeps_the_record_out_of_all(bookkeeper: Browser, world: World) -> None:
    chosen(bookkeeper, *ALL)
    bookkeeper.get(f"{PAGE}/hold")
    assert "A hold needs a reason" in words(bookkeeper.post(f"{PAGE}/hold", {"reason": "  "}, status=422))
    said = words(bookkeeper.post(f"{PAGE}/hold", {"reason": "PO is missing"}))
    assert "On hold: PO is missing (Bookkeeper Person" in said
    assert bar(bookkeeper).startswith("4 of 5 selected")
    assert "On hold PO is missing" in words(bookkeeper.get("/run/invoices"))
    bookkeeper.post("/run/invoices/select", {"select": "match", "shown": ALL})
    assert bar(bookkeeper).startswith("4 of 5 selected")


def test_a_hold_is_released_by_hand(bookkeeper: Browser, world: World) -> None:
    bookkeeper.get(f"{PAGE}/hold")
    bookkeeper.post(f"{PAGE}/hold", {"reason": "PO is missing"})
    assert "It is released" in words(bookkeeper.post(f"{PAGE}/release"))
    assert "On hold" not in words(bookkeeper.get("/run/invoices"))


def test_a_hold_is_released_by_posting_just_this_record(bookkeeper: Browser, world: World) -> None:
    bookkeeper.get(f"{PAGE}/hold")
    bookkeeper.post(f"{PAGE}/hold", {"reason": "PO is missing"})
    posted(bookkeeper, world, "39006")
    said = words(bookkeeper.get(PAGE))
    assert "Invoice 10483 Closed" in said
    assert "until somebody releases it" not in said
    assert "On hold: PO is missing. Bookkeeper Person" in said, "the timeline keeps who held it"


def test_what_is_in_a_batch_can_not_be_put_on_hold(bookkeeper: Browser, world: World) -> None:
    posted(bookkeeper, world, "39006")
    bookkeeper.get(PAGE)
    answer = bookkeeper.post(f"{PAGE}/hold", {"reason": "too late"}, status=422)
    assert "Record 39006 is not unposted." in words(answer)


def test_what_looks_already_posted_stands_side_by_side_and_can_be_linked(bookkeeper: Browser, world: World) -> None:
    by_hand = {
        "number": "10483", "date": "2026-11-22", "party_id": "1", "currency": "USD", "total": "107.00", "tax": "7.00",
        "note": "typed in", "lines": [{"amount": "100.00", "account": "4100"}],
    }  # fmt: skip
    found = world.company.type_in(by_hand, DocumentKind.INVOICE)
    posted(bookkeeper, world, "39006")
    said = words(bookkeeper.get(PAGE))
    assert f"Is it 10483 in QuickBooks, id {found.ledger_id}?" in said
    assert "Link to 10483: it is the same" in said
    assert "Post anyway: $107.00" in said
    answer = bookkeeper.post(f"{PAGE}/decide", {"choice": "link", "ledger_id": found.ledger_id})
    assert "The document is linked." in words(answer)
    world.work()
    said = words(bookkeeper.get(PAGE))
    assert "Invoice 10483 Closed" in said
    assert "Not made by Crossfoot: entered in QuickBooks by hand or by another program" in said
    asked = words(bookkeeper.get(f"{PAGE}/undo"))
    assert "Not made by Crossfoot" in asked
    assert "taken out of QuickBooks all the same" in asked
    assert world.company.total_booked() == Decimal("107.00")


def by_hand(world: World, **more: str) -> str:
    """Somebody types an invoice into QuickBooks; its id."""
    typed = {
        "number": "10483", "date": "2026-11-22", "party_id": "1", "currency": "USD", "total": "214.00", "tax": "14.00",
        "note": "typed in", "lines": [], **more,
    }  # fmt: skip
    return world.company.type_in(typed, DocumentKind.INVOICE).ledger_id


def test_two_records_linked_to_one_document_at_the_same_moment_get_it_once(
    bookkeeper: Browser, world: World, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.session() as session:
        links.set_link(session, session.get_one(Book, 1), LinkKind.CUSTOMERS, "77", "1", by="test")
    ident = by_hand(world)  # the number of one, customer, day and total of the other
    posted(bookkeeper, world, "39005", "39006")
    decide, read = decisions.decide, world.company.read

    def meanwhile(kind: DocumentKind, ledger_id: str) -> Receipt | None:
        monkeypatch.setattr(world.company, "read", read)
        decide(database, 1, "39005", "link", by="kim", ledger_id=ident, destination=world.company)
        return read(kind, ledger_id)

    monkeypatch.setattr(world.company, "read", meanwhile)
    with pytest.raises(ValidationError, match="stands for another record already"):
        decide(database, 1, "39006", "link", by="ada", ledger_id=ident, destination=world.company)


def test_a_document_of_another_customer_or_with_the_mark_of_another_record_is_not_linked_unasked(
    bookkeeper: Browser, world: World, database: Database
) -> None:
    with database.session() as session:
        links.set_link(session, session.get_one(Book, 1), LinkKind.CUSTOMERS, "77", "1", by="test")
    ours, bolts = by_hand(world, number="1", note="PSA 1 · CF-I40000-g1"), by_hand(world, party_id="2", total="107.00")
    posted(bookkeeper, world, "39006")
    link = {"choice": "link", "ledger_id": ours}
    assert "stands for another record" in words(bookkeeper.post(f"{PAGE}/decide", link, status=422))
    bookkeeper.post(f"{PAGE}/decide", {**link, "ledger_id": bolts})
    world.work()
    said = words(bookkeeper.get(PAGE))
    assert "Posted, not closed" in said
    assert "QuickBooks has 10483 on another customer or vendor than this record’s" in said


@pytest.mark.parametrize("path", ["/records/1/invoices/404", "/records/9/invoices/39006", "/records/1/poems/39006"])
def test_what_nobody_knows_is_a_404(viewer: Browser, world: World, path: str) -> None:
    assert viewer.get(path, status=404).status_code == 404


def test_the_page_leads_to_the_record_before_and_after_in_the_batch_as_it_was_shown(
    bookkeeper: Browser, world: World
) -> None:
    posted(bookkeeper, world, *ALL)
    by_total = bookkeeper.get(f"{PAGE}?batch=1&sort=-total")
    assert "1 of 5" in words(bookkeeper.get("/records/1/invoices/39005?batch=1&sort=-total"))
    assert "2 of 5" in words(by_total)
    assert "/records/1/invoices/39005?batch=1&amp;sort=-total" in by_total.text
    assert "/records/1/invoices/39007?batch=1&amp;sort=-total" in by_total.text
    assert "/batches/1?sort=-total" in by_total.text


def test_the_page_leads_through_the_list_of_what_is_unposted(viewer: Browser, world: World) -> None:
    page = viewer.get(PAGE)
    assert "2 of 5" in words(page)
    assert "/records/1/invoices/39005" in page.text
    assert "/records/1/invoices/39007" in page.text
    assert "of 5" not in words(viewer.get(f"{PAGE}?list=invoices&q=10483"))
    ready = viewer.get("/run/invoices?view=ready&sort=-total").text
    assert "/records/1/invoices/39006?list=invoices&amp;view=ready&amp;sort=-total" in ready
    shown = viewer.get(f"{PAGE}?list=invoices&view=ready&sort=-total")
    assert "2 of 4" in words(shown)
    assert "/run/invoices?view=ready&amp;sort=-total" in shown.text


def test_what_is_copied_for_support_says_all_and_no_secret(bookkeeper: Browser, world: World) -> None:
    posted(bookkeeper, world, "39006")
    page = bookkeeper.get(PAGE).text
    text = page[page.index('id="for-support"') :]
    for part in ("Crossfoot: record 39006", "Batch: 1 ", "State: closed", "request_id", "CF-I-39006-g1"):
        assert part in text
    for secret in ("refresh", "access-", "private"):
        assert secret not in text[: text.index("</pre>")]


def test_a_hostile_name_is_only_text(viewer: Browser, world: World) -> None:
    page = viewer.get("/records/1/invoices/39009")
    assert "&lt;script&gt;" in page.text
    assert "<script>alert" not in page.text


def test_the_page_asked_for_by_htmx_is_only_its_changing_part(bookkeeper: Browser, world: World) -> None:
    answer = bookkeeper.get(PAGE, hx=True)
    assert 'id="record"' in answer.text
    assert 'id="drawer"' not in answer.text


def test_a_retry_of_the_batch_leaves_what_is_on_hold(bookkeeper: Browser, world: World) -> None:
    posted(bookkeeper, world, "39007")
    page = "/records/1/invoices/39007"
    bookkeeper.get(f"{page}/hold")
    bookkeeper.post(f"{page}/hold", {"reason": "disputed"})
    assert "0 documents go again." in words(bookkeeper.post("/batches/1/retry"))


def test_everything_by_script_leaves_what_is_on_hold_and_says_why(
    bookkeeper: Browser, world: World, database: Database
) -> None:
    bookkeeper.get(f"{PAGE}/hold")
    bookkeeper.post(f"{PAGE}/hold", {"reason": "PO is missing"})
    with database.session() as session:
        batch = batches.submit(
            session, session.get_one(Book, 1), kind=RecordKind.INVOICES, wanted=ALL, by="script", release=False
        )
        left_out = batch.left_out
    assert left_out == [
        {"record": "39006", "number": "10483", "why": "on hold: PO is missing (bookkeeper@example.test)"}
    ]


def test_the_entry_of_its_cost_stands_beside_an_invoice_before_and_after(
    bookkeeper: Browser, world: World, database: Database
) -> None:
    dock = Product("8", "DOCK", kind="InventoryPart", cost_account="5000", inventory_account="1300")
    line = Line("Dock", Decimal(2), money("300.00"), "4100", dock, cost=money("198.51"))
    world.source.add(a_document("39010", lines=(line,), tax="0.00"))
    with database.session() as session:
        book = session.get_one(Book, 1)
        book.settings = {"inventory.cogs": "journal_entry"}
        session.add(book)
        session.commit()
    world.look()
    said = words(bookkeeper.get("/records/1/invoices/39010"))
    assert "Beside it: Journal entry COGS 10487 Not posted" in said
    assert "DOCK × 2 5000 198.51" in said
