"""Tax as ordinary lines, over real HTTP: the stand-in keeps the total to the cent, and computes nothing anew."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from app.domain.links import LinkKind
from app.models.connections import Book
from app.services import books, links
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
