"""The pages of Reconcile: they add up, say what to do, ask for roles, and a file opens in a spreadsheet."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import zipfile
from decimal import Decimal

import pytest
from flask import Flask
from sqlmodel import select

from app.database import Database
from app.domain.states import RecordKind
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.postings import Posting, PostingRecord
from app.models.reconcile import Drift, DriftLook, LedgerDocument, PsaAgreement, PsaInvoice
from tests.routes.conftest import HOST, Browser, Vendors, words
from tests.routes.world import World

NOVEMBER = dt.date(2026, 11, 20)


@pytest.fixture
def reconciled(app: Flask, database: Database, vendors: Vendors) -> World:
    """One that agrees, one that nobody has posted, one that was deleted in the books, one that was typed in there."""
    world = World(database, vendors)
    with database.session() as session:
        now = utcnow()
        session.add(DriftLook(book_id=1, first_day=dt.date(2025, 11, 1), started_at=now, ended_at=now, until=now))
        for record, cents in (("1", 107_00), ("2", 50_00), ("3", 20_00)):
            session.add(
                PsaInvoice(source_id=1, record=record, number=f"10{record}", party_id="77", party="=Acme <b>Dental</b>",
                           date=NOVEMBER, currency="USD", cents=cents, open_cents=cents, closed=True)
            )  # fmt: skip
        for ledger_id, number, cents in (("145", "101", 107_00), ("150", "X-9", 9_00)):
            session.add(
                LedgerDocument(book_id=1, kind="invoice", ledger_id=ledger_id, number=number, party_id="5",
                               party="Acme", date=NOVEMBER, due_date=NOVEMBER, currency="USD", cents=cents,
                               open_cents=cents - 7_00)
            )  # fmt: skip
        batch = Batch(book_id=1, source_id=1, kind=RecordKind.INVOICES, name="one", by="x", ended_at=now)
        session.add(batch)
        session.flush()
        for record, ledger_id in (("1", "145"), ("3", "146")):
            posting = Posting(
                batch_id=batch.id or 0, book_id=1, state="closed", number=f"10{record}", party="Acme",
                date=NOVEMBER,
                currency="USD", total=Decimal(107), cents=107_00, ledger_id=ledger_id,
                posted_at=now - dt.timedelta(days=1),
            )  # fmt: skip
            session.add(posting)
            session.flush()
            closed = (now - dt.timedelta(days=3)).isoformat()
            session.add(PostingRecord(posting_id=posting.id or 0, source_id=1, kind="invoices", record=record,
                                      fingerprint="f", date_closed=closed))  # fmt: skip
        session.add(Drift(book_id=1, posting_id=posting.id or 0, side="books", what="deleted", signature="s"))
        session.add(PsaAgreement(source_id=1, agreement="9", name="Care", party="Bolt", currency="USD", cents=900))
        session.commit()
    return world


def test_the_months_and_one_month_say_exactly_what_differs(reconciled: World, viewer: Browser) -> None:
    page = words(viewer.get("/reconcile"))
    assert "November 2026 USD 4 177.00 116.00 −61.00 3 records" in page
    assert "1 posted document is no longer as posted" in page
    assert re.search(r"1 agreement that ran in \w+ \d+ has no invoice dated in it", page)
    month = words(viewer.get("/reconcile/1/month/2026-11"))
    assert "Not posted yet 1 50.00 – −50.00" in month
    assert "Deleted in QuickBooks 1 20.00 – −20.00" in month
    assert "Only in QuickBooks 1 – 9.00 9.00" in month
    assert "Invoiced 4 177.00 116.00 −61.00" in month
    assert "Adds up, down and across" in month
    assert "Penny policy: a document whose total and tax differ by up to 0.05" in month
    assert "Bolt Care" in month
    assert "Nothing is dated in March 2026" in words(viewer.get("/reconcile/1/month/2026-03"))


def test_the_files_hold_every_record_and_nothing_in_them_runs(reconciled: World, viewer: Browser) -> None:
    answer = viewer.get("/reconcile/1/month/2026-11/USD/tie-out.csv")
    rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff"))))
    assert [row["difference"] for row in rows] == ["0.00", "-50.00", "-20.00", "9.00", "-61.00"]
    assert rows[0]["customer"] == "'=Acme <b>Dental</b>"
    book = viewer.client.get("/reconcile/1/month/2026-11/USD/tie-out.xlsx", base_url=HOST)
    with zipfile.ZipFile(io.BytesIO(book.data)) as opened:
        sheets = [name for name in opened.namelist() if name.startswith("xl/worksheets/")]
        assert len(sheets) == 8
        assert not any(b"<f>" in opened.read(name) for name in sheets)


@pytest.mark.parametrize(
    "path", ["month/2026-13", "month/x", "month/2026-11/CAD/tie-out.csv", "month/1/USD/tie-out.xlsx"]
)
def test_what_is_no_month_is_not_found(reconciled: World, viewer: Browser, path: str) -> None:
    viewer.get(f"/reconcile/1/{path}", status=404)
    assert viewer.get("/reconcile/99", status=404).status_code == 404


def test_a_viewer_reads_and_a_bookkeeper_decides(reconciled: World, viewer: Browser, bookkeeper: Browser) -> None:
    assert "Send again" not in words(viewer.get("/reconcile/1/drift"))
    viewer.post("/reconcile/1/drift/1", {"choice": "ignore"}, status=403)
    page = words(bookkeeper.get("/reconcile/1/drift"))
    assert "103 Acme: deleted in QuickBooks" in page
    assert "Send again 103" in page
    bookkeeper.post("/reconcile/1/drift/1", {"choice": "shout"}, status=422)
    assert "Ignored until it changes again" in words(bookkeeper.post("/reconcile/1/drift/1", {"choice": "ignore"}))
    assert "Ignored by Bookkeeper Person" in words(bookkeeper.get("/reconcile/1/drift?state=ignored"))
    bookkeeper.post("/reconcile/1/drift/1", {"choice": "watch"})
    with reconciled.database.reading() as session:
        assert session.exec(select(Drift)).one().state == "open"


def test_a_look_is_shown_while_it_runs_and_the_page_renews_itself_at_its_end(
    reconciled: World, bookkeeper: Browser
) -> None:
    bookkeeper.get("/reconcile/1")
    page = bookkeeper.post("/reconcile/1/look")
    assert 'hx-get="/reconcile/1/live"' in page.text
    assert "the look begins as soon as one is" in words(page)
    assert "the look begins" in words(bookkeeper.get("/reconcile/1/live", hx=True))
    with reconciled.database.session() as session:
        look = session.exec(select(DriftLook).where(DriftLook.id == 2)).one()
        look.ended_at = look.until = utcnow()
        session.add(look)
        session.commit()
    assert bookkeeper.get("/reconcile/1/live", hx=True).headers["HX-Redirect"] == "/reconcile/1"


def test_charts_have_words_and_a_table_beside_them(reconciled: World, viewer: Browser) -> None:
    page = viewer.get("/reconcile/1").text
    assert page.count('role="img"') == 3
    assert "2 documents in 26 weeks" in page
    assert "Half of them within 2 days." in page
    assert "102.00 USD still to be paid" in page
