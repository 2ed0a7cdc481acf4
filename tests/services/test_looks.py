"""Looks at both systems: what was edited, voided, deleted, reopened or un-batched is found, in few calls, and kept."""

from __future__ import annotations

import datetime as dt
import threading
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
import requests
from sqlmodel import col, select

from app.connectors.protocols import Source
from app.database import Database
from app.domain.problems import ValidationError
from app.domain.states import RecordKind
from app.domain.tie_out import Reason, days_of
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.people import Audit
from app.models.postings import Posting
from app.models.reconcile import Drift, DriftLook, LedgerDocument, PsaAgreement, PsaInvoice
from app.services.batches import batches
from app.services.connections import connections
from app.services.reconcile import agreements, drift, looks, tie_out
from sandbox.connectwise.work_tables import agreement_rows
from sandbox.quickbooks_online import documents as typed
from tests import engine
from tests.engine import Engine
from tests.fakes import FakeBooks, FakeConnectors, FakeSource
from tests.rows import a_source

NUMBERS = ("10395", "10397", "10398")


def look(working: Engine, *, whole: bool = False) -> DriftLook:
    """Ask for one and work it through."""
    with working.database.session() as session:
        asked = looks.ask(session, session.get_one(Book, working.book_id), by=engine.BY, whole=whole)
    done = looks.work(working.database, working.connectors, asked.id or 0)
    assert done is not None
    assert done.ended_at is not None, done.problem
    assert done.problem is None
    return done


def found(working: Engine) -> dict[str, tuple[str, str, str]]:
    """Number → side, what, state."""
    with working.database.reading() as session:
        query = select(Posting.number, Drift.side, Drift.what, Drift.state).join(
            Drift, col(Drift.posting_id) == Posting.id
        )
        return {number: (side, what, state) for number, side, what, state in session.exec(query)}


def row(working: Engine, number: str) -> Drift:
    with working.database.reading() as session:
        return session.exec(
            select(Drift).join(Posting, col(Posting.id) == Drift.posting_id).where(Posting.number == number)
        ).one()


def say(working: Engine, number: str, choice: str) -> None:
    with working.database.session() as session:
        drift.say(session, working.book_id, row(working, number).id or 0, choice, by=engine.BY)


def resend(working: Engine, number: str) -> int:
    source = connections.open_source(working.database, working.connectors, working.source_id)
    destination = connections.open_destination(working.database, working.connectors, working.book_id)
    return drift.resend(
        working.database, source, destination, working.book_id, row(working, number).id or 0, by=engine.BY
    )


def in_books(working: Engine, number: str, order: dict[str, Any]) -> None:
    """A person works in QuickBooks."""
    base = working.both.quickbooks_online.url
    found = next(d for d in requests.get(f"{base}/_documents", timeout=10).json() if d["DocNumber"] == number)
    body = {"entity": "Invoice", "id": found["Id"], **order}
    assert requests.post(f"{base}/_edit", json=body, timeout=10).ok


def in_psa(working: Engine, number: str, action: str) -> None:
    """A person works in ConnectWise."""
    url = working.both.connectwise.url
    assert requests.post(f"{url}/_edit", json={"action": action, "number": number}, timeout=10).ok


def both_sides_are_kept(working: Engine) -> None:
    """Both sides as a look keeps them."""
    with working.database.reading() as session:
        invoices = session.exec(select(PsaInvoice)).all()
        books = session.exec(select(LedgerDocument)).all()
    first = session.exec(select(DriftLook)).one().first_day
    assert first is not None
    assert len(invoices) == len([i for i in working.site.invoices.values() if i.date >= first])
    tables = working.company.tables
    there = {d["Id"] for kind in ("Invoice", "CreditMemo") for d in tables[kind].values()}
    assert {d.ledger_id for d in books} == {
        ident for ident in there for kind in ("Invoice", "CreditMemo")
        if (d := tables[kind].get(ident)) and d["TxnDate"] >= first.isoformat()
    }  # fmt: skip
    with working.database.reading() as session:
        kept = {row.agreement: row.cents for row in session.exec(select(PsaAgreement))}
    rows, (begun, ended) = agreement_rows(working.site), days_of(agreements.with_additions(utcnow()))
    invoiced = {i.agreement_id for i in invoices if begun <= i.date <= ended}
    unbilled = {str(row["id"]) for row in rows if row["startDate"][:10] <= ended.isoformat()} - invoiced
    billed = {str(row["id"]): int(row["billAmount"] * 100) for row in rows}
    assert kept == {ident: cents + (36_00 if ident in unbilled else 0) for ident, cents in billed.items()}
    posted = next(i for i in invoices if i.number == "10395")
    assert sum((posted.accounts or {}).values()) == posted.cents - posted.tax_cents
    assert next(d for d in books if d.number == "10395").accounts


def write_off(working: Engine, number: str, amount: str) -> None:
    """A journal entry takes it off the customer's receivables; another one only names the customer."""
    company = working.company
    account = {row["AccountType"]: row["Id"] for row in company.tables["Account"].values()}
    customer = next(i for i in company.tables["Invoice"].values() if i["DocNumber"] == number)["CustomerRef"]
    entity = {"Type": "Customer", "EntityRef": customer}
    with company.lock:
        for name, credited in (("WO-1", "Accounts Receivable"), ("WO-2", "Income")):
            sides = {
                "Debit": {"AccountRef": {"value": account["Expense"]}},
                "Credit": {"AccountRef": {"value": account[credited]}, "Entity": entity},
            }
            lines = [
                {"Amount": Decimal(amount), "JournalEntryLineDetail": {"PostingType": side, **detail}}
                for side, detail in sides.items()
            ]
            typed.save(company, "JournalEntry", {"DocNumber": name, "TxnDate": "2026-11-20", "Line": lines})


def written_off(working: Engine) -> None:
    """Tie-out tells the entry by its name, with its other side, and everything adds up."""
    with working.database.reading() as session:
        loaded = tie_out.load(session, session.get_one(Book, working.book_id), (2026, 11))
    assert loaded is not None
    statement = loaded.statement((2026, 11), "USD")
    [entry] = [item for item in statement.items if item.reason is Reason.JOURNAL]
    assert (entry.number, entry.books_cents, entry.paid_difference, statement.adds_up) == ("WO-1", -12_50, 0, True)
    assert entry.books is not None
    assert list((entry.books.accounts or {}).values()) == [-12_50]


def test_what_people_do_in_the_books_is_found_and_kept_or_ignored_or_sent_again_once(working: Engine) -> None:
    working.post("10395", "10396", "10397", "10398", "10401")
    first = look(working)
    assert (first.whole, first.documents, first.drifted, found(working)) == (True, 5, 0, {})
    both_sides_are_kept(working)
    in_books(working, "10395", {"changes": {"PrivateNote": "changed by hand", "DueDate": "2027-01-31"}})
    in_books(working, "10396", {"changes": {"DueDate": "2027-01-31"}})
    in_books(working, "10397", {"operation": "void"})
    copy = dict(next(i for i in working.company.tables["Invoice"].values() if i["DocNumber"] == "10398"))
    in_books(working, "10398", {"operation": "delete"})
    in_books(working, "10401", {"operation": "pay"})
    write_off(working, "10396", "12.50")
    seen = {
        "10395": ("books", "edited", "open"), "10396": ("books", "edited", "open"),
        "10397": ("books", "voided", "open"), "10398": ("books", "deleted", "open"),
    }  # fmt: skip
    assert look(working).whole is False
    assert found(working) == seen
    written_off(working)
    look(working, whole=True)
    assert found(working) == seen  # whichever way it looks
    written_off(working)
    assert [c["field"] for c in row(working, "10395").changes] == ["due date", "memo"]

    with pytest.raises(ValidationError, match="would double it"):
        resend(working, "10395")
    working.company.put("Invoice", copy)
    with pytest.raises(ValidationError, match="not missing"):  # somebody has put it back since
        resend(working, "10398")
    in_books(working, "10398", {"operation": "delete"})
    working.run(resend(working, "10398"))
    assert working.posting("10398").state == "closed"
    say(working, "10395", "keep")
    say(working, "10396", "ignore")
    say(working, "10397", "keep")
    assert (working.posting("10395").receipt or {})["due_date"] == "2027-01-31"
    assert working.posting("10397").ledger_cents == 0
    look(working, whole=True)
    assert found(working) == {"10396": ("books", "edited", "ignored"), "10397": ("books", "voided", "kept")}
    in_books(working, "10396", {"changes": {"DueDate": "2027-02-28"}})
    look(working)
    assert found(working)["10396"] == ("books", "edited", "open")
    in_books(working, "10396", {"changes": {"DueDate": (working.posting("10396").receipt or {})["due_date"]}})
    look(working)
    assert "10396" not in found(working)
    with working.database.reading() as session:
        acts = session.exec(select(Audit.action).where(col(Audit.action).like("drift.%")).order_by(col(Audit.id))).all()
    assert acts == ["drift.resend", "drift.keep", "drift.ignore", "drift.keep"]
    assert sum(working.in_books().values()) == 3  # of five: one is voided, one has lost its memo


def test_a_voided_document_goes_again_as_soon_as_quickbooks_takes_its_number_twice(working: Engine) -> None:
    working.company.switches.update({"duplicate_numbers": "refused"})
    working.post("10395")
    in_books(working, "10395", {"operation": "void"})
    look(working)
    batch = resend(working, "10395")
    working.run(batch)
    assert (working.posting("10395").state, working.problems("10395")) == ("refused", ["number_taken"])
    assert not working.in_books()
    working.company.switches.update({"duplicate_numbers": "allowed"})
    with working.database.session() as session:
        batches.retry(session, session.get_one(Batch, batch), by=engine.BY)
    working.run(batch)
    assert working.posting("10395").state == "closed"
    assert list(working.in_books().values()) == [1]


def test_what_people_do_in_the_psa_is_found(working: Engine) -> None:
    working.post(*NUMBERS)
    working.run(working.submit(kind=RecordKind.EXPENSES))
    assert look(working).documents > len(NUMBERS)
    with working.database.reading() as session:
        query = select(Posting).where(Posting.state == "closed", Posting.kind == "bill").order_by(col(Posting.id))
        bill = session.exec(query).first()
        assert bill is not None
    in_psa(working, "10395", "unbatch")
    in_psa(working, "10397", "unbatch")
    in_psa(working, "10397", "reopen")
    in_psa(working, "10398", "unbatch")
    in_psa(working, "10398", "batch_by_hand")
    body = {"entity": "Bill", "id": bill.ledger_id, "operation": "delete"}
    assert requests.post(f"{working.both.quickbooks_online.url}/_edit", json=body, timeout=10).ok
    look(working)
    assert found(working) == {
        "10395": ("psa", "unbatched", "open"), "10397": ("psa", "reopened", "open"),
        "10398": ("psa", "other_batch", "open"), bill.number: ("books", "deleted", "open"),
    }  # fmt: skip
    in_psa(working, "10397", "close")
    look(working, whole=True)
    assert found(working)["10397"] == ("psa", "unbatched", "open")
    assert found(working)[bill.number][1] == "deleted"


def test_a_look_goes_on_where_a_killed_worker_left_it_and_a_robbed_one_writes_nothing(working: Engine) -> None:
    with working.database.session() as session:
        asked = looks.ask(session, session.get_one(Book, working.book_id), by=engine.BY)
    stolen = _Stolen(working, asked.id or 0)
    assert looks.work(working.database, working.connectors, asked.id or 0, stolen) is None
    with working.database.reading() as session:
        assert session.exec(select(PsaInvoice.id)).all() == []
    stages = set()
    for _ in range(120):  # every step by another worker, each of which is killed after it
        _free(working, asked.id or 0)
        current = looks.work(working.database, working.connectors, asked.id or 0, _OneStep())
        if current is None or current.ended_at:
            break
        stages.add((current.stage, str(current.cursor)))
    assert len(stages) > len(looks.STAGES)
    with working.database.reading() as session:
        assert len(session.exec(select(PsaInvoice.id)).all()) > 50
        assert session.get_one(DriftLook, asked.id).until is not None


def _free(working: Engine, look_id: int) -> None:
    with working.database.session() as session:
        row = session.get_one(DriftLook, look_id)
        row.lease_until = None
        session.add(row)
        session.commit()


class _OneStep(threading.Event):
    """An event that is set after one step."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def is_set(self) -> bool:
        self.asked += 1
        return self.asked > 1


class _Stolen(threading.Event):
    """Somebody else takes the look before the first step is written."""

    def __init__(self, working: Engine, look_id: int) -> None:
        super().__init__()
        self.working, self.look_id = working, look_id

    def is_set(self) -> bool:
        with self.working.database.session() as session:
            row = session.get_one(DriftLook, self.look_id)
            row.lease_owner = "another"
            session.add(row)
            session.commit()
        return False


def asked(database: Database, book: Book) -> int:
    with database.session() as session:
        source = a_source()
        session.add(source)
        session.flush()
        row = session.get_one(Book, book.id)
        row.source_id = source.id
        session.add(row)
        return looks.ask(session, row, by=engine.BY).id or 0


class Faulty(FakeConnectors):
    """A fault of our own, or what kills the whole process."""

    def __init__(self, fault: type[BaseException]) -> None:
        super().__init__()
        self.fault = fault

    def source(self, *_: object) -> Source:
        raise self.fault


@pytest.mark.parametrize(("fault", "code"), [(RuntimeError, "internal_error"), (SystemExit, "cannot_look")])
def test_a_look_that_fails_by_a_fault_of_our_own_or_kills_its_worker_ends_and_says_so(
    database: Database, book: Book, fault: type[BaseException], code: str
) -> None:
    ident, ended = asked(database, book), None
    for _ in range(looks.MOST_TRIES + 1):
        with suppress(fault):
            looks.work(database, Faulty(fault), ident)
        with database.session() as session:
            row = session.get_one(DriftLook, ident)
            row.lease_until = row.wake_at = None  # time goes by
            session.add(row)
            session.commit()
            ended = row.ended_at
    assert ended is not None
    assert (row.problem or {})["code"] == code


def test_a_vendor_that_cannot_be_reached_is_tried_again_and_then_told(database: Database, book: Book) -> None:
    silent = FakeSource()
    vendors = FakeConnectors()
    vendors.sources["https://psa.example"] = silent
    vendors.books["9341"] = FakeBooks()
    ended = looks.work(database, vendors, asked(database, book))
    assert ended is not None
    assert ended.ended_at is not None  # this PSA has no bulk at all: that won't pass
    assert "bulk" in (ended.problem or {})["message"]


def test_the_daily_look_is_due_once_a_day_and_not_before_something_was_posted(database: Database, book: Book) -> None:
    now = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
    with database.session() as session:
        source = a_source()
        session.add(source)
        session.flush()
        row = session.get_one(Book, book.id)
        row.source_id = source.id
        session.add(row)
        session.commit()
    assert looks.due(database, now) == []
    with database.session() as session:
        batch = Batch(book_id=book.id or 0, source_id=1, kind="invoices", name="one", by=engine.BY)
        session.add(batch)
        session.flush()
        session.add(
            Posting(batch_id=batch.id or 0, book_id=book.id or 0, date=now.date(), currency="USD",
                    total=Decimal(1), state="closed", posted_at=now)
        )  # fmt: skip
        session.commit()
    assert looks.due(database, now) == []
    tomorrow = now + dt.timedelta(days=1)
    first = looks.due(database, tomorrow)
    assert len(first) == 1
    with database.session() as session:
        done = session.get_one(DriftLook, first[0])
        done.ended_at = tomorrow
        session.add(done)
        session.commit()
    assert looks.due(database, tomorrow + dt.timedelta(minutes=2)) == []
    assert len(looks.due(database, tomorrow + dt.timedelta(days=1))) == 1
