"""Documents in another currency than the company's: which rate they are booked at, and what they are worth at home."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import requests
from sqlmodel import select

from app.domain.links import LinkKind, Rules, needs
from app.domain.states import RecordKind
from app.domain.tie_out import Reason
from app.models.batches import Batch
from app.models.connections import Book, Link
from app.services.batches import batches
from app.services.connections import connections
from app.services.mapping import link_files, links
from app.services.reconcile import tie_out
from sandbox.quickbooks_online.chart import place
from tests.connectors.quickbooks_online.payables import documents as payables
from tests.engine import BY, Engine
from tests.services.bookkeeper import Bookkeeper
from tests.services.test_cogs import by_role, sell, settle
from tests.services.test_costs import undo
from tests.services.test_looks import look


def canadian(working: Engine) -> str:
    return sell(working, {"text": "Hours", "price": "100.10", "quantity": "3"}, currency="CAD",
                company={"name": "Maple Dental", "currency": "CAD"})  # fmt: skip


def test_a_customer_kept_in_another_currency_gets_one_of_its_own_for_that_currency(working: Engine) -> None:
    working.company.switches.multi_currency = True
    connections.recheck_book(working.database, working.connectors, working.book_id)
    home = working.post(sell(working, {"text": "Hours", "price": "10", "quantity": "1"},
                             company={"name": "Maple Dental", "currency": "USD"}))  # fmt: skip
    assert by_role(home) == {"main": "closed"}
    hours: Any = {"text": "Hours", "price": "100.10", "quantity": "3"}
    first = working.post(sell(working, hours, company="Maple Dental", currency="CAD"), accept=False)
    assert by_role(first) == {"main": "held customer_currency_differs exchange_rate"}
    assert "“Maple Dental CAD”" in first["postings"][0]["problems"][0]["remedy"]
    with working.database.session() as session:
        batch = session.get_one(Batch, first["batch"])
        assert batches.retry(session, batch, by="ab", accept=True) == 1
    assert by_role(working.run(first["batch"])) == {"main": "closed exchange_rate"}
    names = {row["DisplayName"]: row["CurrencyRef"]["value"] for row in working.company.visible("Customer")}
    assert (names["Maple Dental"], names["Maple Dental CAD"]) == ("USD", "CAD")
    again = working.post(sell(working, hours, company="Maple Dental", currency="CAD"), accept=False)
    assert by_role(again) == {"main": "closed exchange_rate"}
    with working.database.reading() as session:
        linked = session.exec(select(Link.source_id, Link.source_name).where(Link.source_name == "Maple Dental CAD"))
        assert [source_id.partition("@")[2] for source_id, _ in linked] == ["CAD"]
    working.assert_exactly_once()


def abroad(working: Engine) -> None:
    working.company.switches.multi_currency = True
    connections.recheck_book(working.database, working.connectors, working.book_id)


def customers(working: Engine) -> dict[str, str]:
    """Currency by name, of those that are not in the demo."""
    rows = working.company.visible("Customer")
    return {row["DisplayName"]: row["CurrencyRef"]["value"] for row in rows if "Maple" in row["DisplayName"]}


def test_a_new_customer_with_documents_in_two_currencies_of_one_batch_becomes_two(working: Engine) -> None:
    abroad(working)
    hours: Any = {"text": "Hours", "price": "100.00", "quantity": "1"}
    numbers = [sell(working, hours, company={"name": "Maple Dental", "currency": "USD"})]
    numbers += [sell(working, hours, company="Maple Dental", currency="CAD"),
                sell(working, {**hours, "quantity": "-1"}, company="Maple Dental", currency="CAD",
                     type="CreditMemo")]  # fmt: skip
    batch = working.post(*numbers)
    assert {p["state"] for p in batch["postings"]} == {"closed"}
    assert customers(working) == {"Maple Dental": "USD", "Maple Dental CAD": "CAD"}
    owners = {row["Id"]: row["DisplayName"] for row in working.company.visible("Customer")}
    [credit] = [row for row in working.company.visible("CreditMemo") if row.get("DocNumber") == numbers[2]]
    assert owners[credit["CustomerRef"]["value"]] == "Maple Dental CAD"
    working.assert_exactly_once()
    records = [p["records"][0] for p in batch["postings"]]
    assert set(undo(working, batch, *records).values()) == {"undone"}
    assert not working.in_books()


def test_payments_looks_and_files_of_links_know_a_customer_of_two_currencies_as_one(working: Engine) -> None:
    abroad(working)
    hours: Any = {"text": "Hours", "price": "100.00"}
    home = sell(working, hours, company={"name": "Maple Dental", "currency": "USD"})
    other = sell(working, hours, company="Maple Dental", currency="CAD")
    nothing = sell(working, hours, {"gl_type": "RD", "account": "2300", "price": "-100.00"}, company="Maple Dental",
                   currency="CAD")  # fmt: skip
    keeper = Bookkeeper(working, home, other, nothing)
    keeper.sync()
    keeper.pays((other, "40.00"), CurrencyRef={"value": "CAD"})
    assert keeper.sync()["written"] == 1
    assert (keeper.amounts(home), keeper.amounts(other), keeper.amounts(nothing)) == ([], ["40.00"], [])
    look(working)
    with working.database.session() as session:
        book = session.get_one(Book, working.book_id)
        loaded = tie_out.load(session, book)
        assert loaded is not None
        both = [(one.psa, one.books) for one in loaded.items if one.number in (home, other, nothing)]
        assert {one.reason for one in loaded.items if one.number in (home, other, nothing)} == {Reason.AGREES}
        assert [psa.party_id for psa, _ in both if psa] == [books.customer for _, books in both if books]
        text = link_files.export(session, book, LinkKind.CUSTOMERS)
        assert [line.split(",")[1] for line in text.splitlines() if "@CAD" in line] == ["Maple Dental CAD"]
        assert link_files.load(session, book, LinkKind.CUSTOMERS, text, by=BY) == 0


def test_a_customer_that_is_first_seen_on_a_cost_is_kept_in_the_companys_own_currency() -> None:
    bill = replace(payables()["bill_of_member"], currency="CAD")
    rules = Rules(multi_currency=True, home_currency="USD", settings={"purchases.customer": "yes"})
    drafts = {need.kind: need.draft.currency for need in needs(bill, rules) if need.draft and need.draft.currency}
    assert drafts == {LinkKind.VENDORS: "CAD", LinkKind.CUSTOMERS: "USD"}


def test_a_sub_customer_of_another_currency_than_its_parent_stands_by_itself(working: Engine) -> None:
    abroad(working)
    settle(working, contacts__sub_customers="yes")
    place(working.company, "Customer", {"DisplayName": "Maple", "CurrencyRef": {"value": "USD"}})
    batch = working.post(sell(working, {"text": "Hours", "price": "9.00"}, currency="CAD",
                              company={"name": "Maple:North", "currency": "CAD"}))  # fmt: skip
    assert [p["state"] for p in batch["postings"]] == ["closed"]
    assert customers(working) == {"Maple": "USD", "Maple-North": "CAD"}


def test_a_vendor_of_another_currency_gets_one_of_its_own_and_is_owed_on_no_account_of_the_first(
    working: Engine,
) -> None:
    abroad(working)
    number, lines = "1200/PS1", [{"product": "AP-U6", "quantity": "2"}]
    body = {"vendor": "Ingram Micro", "currency": "CAD", "lines": lines, "number": "1200", "packing_slip": "PS1"}
    assert requests.post(f"{working.both.connectwise.url}/_add", json={"purchase": body}, timeout=10).ok
    held = working.post(number, kind=RecordKind.INVENTORY, accept=False)
    assert by_role(held)["main"].startswith("held vendor_currency_differs")
    batch = working.run(working.submit(number, kind=RecordKind.INVENTORY))
    assert by_role(batch)["main"].startswith("closed")
    [bill] = [row for row in working.company.visible("Bill") if "CF-" in row.get("PrivateNote", "")]
    assert (bill["VendorRef"]["name"], bill["CurrencyRef"]["value"]) == ("Ingram Micro CAD", "CAD")
    working.assert_exactly_once()


def test_a_link_to_a_customer_of_the_wrong_currency_is_a_problem_of_its_document(working: Engine) -> None:
    abroad(working)
    hours: Any = {"text": "Hours", "price": "100.00"}
    home = working.post(sell(working, hours, company={"name": "Maple Dental", "currency": "USD"}))
    assert by_role(home)["main"] == "closed"
    with working.database.session() as session:
        book = session.get_one(Book, working.book_id)
        listed = links.listing(session, book, LinkKind.CUSTOMERS)
        [row] = [link for link in listed if link.source_name == "Maple Dental"]
        links.set_link(session, book, LinkKind.CUSTOMERS, f"{row.source_id}@CAD", row.ledger_id, by=BY)
    held = working.post(sell(working, hours, company="Maple Dental", currency="CAD"))
    assert by_role(held)["main"] == "held customer_currency_differs exchange_rate"


def posted(working: Engine, number: str) -> dict[str, Any]:
    return next(row for row in working.company.visible("Invoice") if row.get("DocNumber") == number)


def test_a_document_in_another_currency_is_booked_at_the_rate_that_the_company_chose(working: Engine) -> None:
    working.company.switches.multi_currency = True
    connections.recheck_book(working.database, working.connectors, working.book_id)
    first = working.post(canadian(working))
    assert by_role(first) == {"main": "closed exchange_rate"}
    row = posted(working, first["postings"][0]["number"])
    assert (row["CurrencyRef"]["value"], row["ExchangeRate"]) == ("CAD", Decimal("0.7312"))
    assert row["HomeTotalAmt"] == Decimal("219.58")
    assert "300.30 CAD are 219.58 USD" in first["postings"][0]["problems"][0]["message"]
    assert first["totals"][0]["currency"] == "CAD"

    settle(working, company__rate_source="fixed", company__fixed_rates="EUR=1.1")
    second = working.post(canadian(working))
    assert by_role(second) == {"main": "held no_exchange_rate"}
    settle(working, company__fixed_rates="CAD = 0.75")
    again = working.run(working.submit(second["postings"][0]["number"]))
    assert by_role(again) == {"main": "closed exchange_rate"}
    assert posted(working, second["postings"][0]["number"])["HomeTotalAmt"] == Decimal("225.23")  # 225.225
    working.assert_exactly_once()
