"""Modules over real HTTP: tax as ordinary lines, computed by nobody anew; and a bill that a module has changed."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from app.domain import hooks
from app.domain.documents import Document, DocumentKind
from app.domain.links import LinkKind
from app.domain.modules import Context, Module
from app.domain.states import RecordKind
from app.models.connections import Book
from app.services.connections import books
from app.services.mapping import links
from sandbox.connectwise.drafts import add_draft
from tests import engine
from tests.engine import Engine

#: The PSA's sales tax payable, and a liability account of the books.
TAX_ACCOUNT, LIABILITY = "2200", "87"


@pytest.fixture
def working(working: Engine) -> Engine:
    with working.database.session() as session:
        book = session.get_one(Book, working.book_id)
        links.set_link(session, book, LinkKind.ACCOUNTS, TAX_ACCOUNT, LIABILITY, by=engine.BY)
        on = {"modules.taxes_as_lines": "all", "modules.avalara": "yes"}
        books.set_settings(session, book, on, engine.BY)
    return working


def booked(working: Engine, number: str) -> dict[str, Any]:
    """The invoice as QuickBooks holds it."""
    return next(row for row in working.company.tables["Invoice"].values() if row["DocNumber"] == number)


def test_a_taxed_invoice_and_one_of_avalara_go_over_with_their_tax_as_lines(working: Engine) -> None:
    adjusted = add_draft(working.site, {"named": "avalara_adjusted"})
    working.site.close(adjusted)
    shown = working.post("10395", adjusted.number)
    assert {p["state"] for p in shown["postings"]} == {"closed"}, shown["postings"]
    for posting in shown["postings"]:
        document = booked(working, posting["number"])
        lines = [line for line in document["Line"] if line["DetailType"] == "SalesItemLineDetail"]
        assert Decimal(str(document["TotalAmt"])) == Decimal(posting["total"])
        assert not document["TxnTaxDetail"]["TotalTax"]
        assert {line["SalesItemLineDetail"]["TaxCodeRef"]["value"] for line in lines} == {"NON"}
    last = [line for line in booked(working, adjusted.number)["Line"] if "SalesItemLineDetail" in line][-1]
    assert (last["Amount"], last["Description"]) == (Decimal("42.91"), "Sales tax (Avalara)")
    working.assert_exactly_once()


def rebilled(document: Document, _: Context) -> Document:
    """The first line's cost in two, to be due on a day of the month that follows."""
    if document.kind is not DocumentKind.BILL:
        return document
    first, *others = document.lines
    half = replace(first.amount, amount=first.amount.amount / 2)
    parts = [replace(first, amount=half, quantity=first.quantity / 2, description=f"{part} of 2") for part in (1, 2)]
    return replace(document, lines=(*parts, *others), due_date=document.date + dt.timedelta(days=40))


def test_a_bill_that_a_module_has_changed_is_posted_as_changed_and_proven(
    working: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = Module("mine", "Mine", "Bills in two parts.", document=rebilled)
    there = hooks.installed()
    monkeypatch.setattr(hooks, "installed", lambda: replace(there, modules={**there.modules, "mine": mine}))
    with working.database.session() as session:
        books.set_settings(session, session.get_one(Book, working.book_id), {"modules.mine": "yes"}, engine.BY)
    [posting] = working.post("1088/PS20114", kind=RecordKind.INVENTORY)["postings"]
    codes = {problem["code"] for problem in posting["problems"]}
    assert (posting["kind"], posting["state"], codes) == ("bill", "closed", {"item_account_differs"})
    [bill] = [row for row in working.company.visible("Bill") if "CF-" in row.get("PrivateNote", "")]
    assert [line["Description"] for line in bill["Line"][:2]] == ["1 of 2", "2 of 2"]
    assert dt.date.fromisoformat(bill["DueDate"]) - dt.date.fromisoformat(bill["TxnDate"]) == dt.timedelta(days=40)
    assert Decimal(str(bill["TotalAmt"])) == Decimal(posting["total"])
    working.assert_exactly_once()
