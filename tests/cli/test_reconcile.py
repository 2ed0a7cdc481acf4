from __future__ import annotations

import datetime as dt

from app.database import Database
from app.models.columns import utcnow
from app.models.reconcile import DriftLook, LedgerDocument, PsaInvoice
from tests.cli.conftest import CommandLine

NOVEMBER = dt.date(2026, 11, 20)


def looked(database: Database) -> None:
    """A look has seen two invoices in the PSA, and one of them in the books."""
    now = utcnow()
    with database.session() as session:
        session.add(DriftLook(book_id=1, first_day=dt.date(2025, 11, 1), started_at=now, ended_at=now, until=now))
        for record, cents in (("1", 107_00), ("2", 50_00)):
            session.add(PsaInvoice(source_id=1, record=record, number=f"10{record}", party="Acme", date=NOVEMBER,
                                   currency="USD", cents=cents, closed=True))  # fmt: skip
        session.add(LedgerDocument(book_id=1, kind="invoice", ledger_id="145", number="101", party="Acme",
                                   date=NOVEMBER, currency="USD", cents=107_00))  # fmt: skip
        session.commit()


def test_reconcile_says_what_explains_the_difference(connected: CommandLine) -> None:
    connected.database(looked)
    told = connected("reconcile", "--book", "Demo MSP", "--month", "2026-11", "--json")
    assert told.status == 0
    assert told.json["months"] == [
        {"month": "2026-11", "currency": "USD", "records": 2, "psa": "157.00", "books": "107.00",
         "difference": "-50.00", "explained_by": 1}
    ]  # fmt: skip
    [tie_out] = told.json["tie_out"]
    assert [(item["number"], item["reason"], item["difference"]) for item in tie_out["explained"]] == [
        ("102", "unposted", "-50.00")
    ]
    assert tie_out["adds_up"] is True
    plain = connected("reconcile", "--book", "1", "--month", "2026-11").out
    assert "Nothing has drifted." in plain
    assert "difference -50.00: adds up" in plain


def test_reconcile_looks_first_where_nobody_has_and_says_why_it_cannot(connected: CommandLine) -> None:
    told = connected("reconcile", "--book", "1", "--json")
    assert told.status == 2
    assert "in bulk" in told.json["error"]  # the played PSA shows single records only
    assert connected("reconcile", "--book", "1", "--month", "November").status == 64
