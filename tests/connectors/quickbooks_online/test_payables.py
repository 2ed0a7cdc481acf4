"""Every kind beside sales over real HTTP: posted, found, refused, lost and removed, to the cent."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from app.connectors.http import parse_json
from app.connectors.protocols import Probe, Removed, UntranslatableError
from app.connectors.quickbooks_online.find import find
from app.connectors.quickbooks_online.receipts import ENTITIES
from app.connectors.quickbooks_online.translate import to_quickbooks
from app.domain.documents import Document, DocumentKind, PartyRole
from app.domain.links import Entry, LinkKind, Links, Rules
from app.domain.money import cents
from app.domain.outcomes import Absent, CannotTell, Found, InDoubt, LooksAlike, Posted, Refused
from tests.builders import money
from tests.connectors.destination_contract import a_body, a_mark, a_request_id, a_slot, posted, sent
from tests.connectors.quickbooks_online.cast import THE_MARK
from tests.connectors.quickbooks_online.payables import (
    ALL_LINKS,
    RULES,
    a_cost,
    a_document_of,
    documents,
    furnish,
    goods,
    with_tax,
)
from tests.connectors.quickbooks_online.stand import SandboxStand
from tests.connectors.quickbooks_online.test_translate import golden, printed

NAMES = sorted(documents())
#: Kinds whose numbers QuickBooks keeps apart.
NUMBERED = ("bill", "journal_entry")
OUTSIDE = dataclasses.replace(
    RULES, tax_mode="per_line", extra={**RULES.extra, "untaxed_code": "17", "untaxed_parts": "17=0 p:117=0"}
)
VAT: Links = {
    **ALL_LINKS,
    (LinkKind.TAX_CODES, "20"): Entry(LinkKind.TAX_CODES, "15", "20.0% S", rate="20", parts="15=20 p:115=20"),
}


@pytest.fixture
def books(stand: SandboxStand) -> SandboxStand:
    furnish(stand)
    return stand


def party_id(document: Document) -> str:
    kind = LinkKind.VENDORS if document.party.role is PartyRole.VENDOR else LinkKind.CUSTOMERS
    entry = ALL_LINKS.get((kind, document.party.source_id))
    return entry.ledger_id if entry else ""


def a_look(document: Document, *, exact: bool = False) -> Probe:
    facts = {"number": document.number, "party_id": party_id(document), "date": document.date}
    total = document.ledger_total.amount
    return Probe(mark=a_mark(document), kind=document.kind, total=total, exact=exact, **facts)  # type: ignore[arg-type]  # facts


def translated(document: Document, rules: Rules = RULES, links: Links = ALL_LINKS) -> dict[str, Any]:
    return dict(parse_json(to_quickbooks(document, THE_MARK, links, rules).text))


def codes(document: Document, rules: Rules = RULES, links: Links = ALL_LINKS) -> list[str]:
    with pytest.raises(UntranslatableError) as caught:
        to_quickbooks(document, THE_MARK, links, rules)
    assert all(problem.remedy for problem in caught.value.problems)
    return [problem.code for problem in caught.value.problems]


@pytest.mark.parametrize("name", NAMES)
def test_every_kind_matches_its_golden_file(name: str, update_golden: bool) -> None:
    shown = printed(to_quickbooks(documents()[name], THE_MARK, ALL_LINKS, RULES).text)
    assert golden(name, shown, update=update_golden) == shown


@pytest.mark.parametrize("name", ["bill", "vendor_credit", "purchase_by_card", "purchase_order"])
def test_every_kind_with_tax_matches_its_golden_file_outside_the_us(name: str, update_golden: bool) -> None:
    shown = printed(to_quickbooks(with_tax(documents()[name]), THE_MARK, VAT, OUTSIDE).text)
    assert golden(f"{name}.per_line", shown, update=update_golden) == shown


@pytest.mark.parametrize("name", NAMES)
def test_every_kind_is_booked_with_its_total_party_and_mark(books: SandboxStand, name: str) -> None:
    document = documents()[name]
    receipt = posted(books, document)
    assert receipt.total == document.ledger_total
    assert receipt.party_id == party_id(document)
    assert str(a_mark(document)) in receipt.note
    assert receipt.date == document.date
    assert receipt.number == document.number or not document.number


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_that_is_lost_is_found_by_its_mark_and_never_booked_twice(books: SandboxStand, name: str) -> None:
    document = documents()[name]
    call = books.destination.compose([a_body(books, document)], a_request_id())
    books.misbehave("lose_answer")
    assert isinstance(sent(books, call)[0], InDoubt)
    (finding,) = books.destination.find([a_look(document, exact=True)])
    assert isinstance(finding, Found)
    assert isinstance(sent(books, call)[0], Posted)
    assert len(books.company.tables[ENTITIES[document.kind]]) == 1


@pytest.mark.parametrize("name", NAMES)
def test_every_kind_can_be_read_and_deleted_and_is_gone_then(books: SandboxStand, name: str) -> None:
    document = documents()[name]
    receipt = posted(books, document)
    slot = a_slot(books.destination, 0)
    assert isinstance(books.destination.remove(document.kind, receipt, a_request_id(), slot), Removed)
    assert books.destination.read(document.kind, receipt.ledger_id) is None
    assert books.destination.find([a_look(document)]) == [Absent()]


@pytest.mark.parametrize("name", NAMES)
def test_what_quickbooks_refuses_is_refused_with_a_remedy_and_books_nothing(books: SandboxStand, name: str) -> None:
    document = documents()[name]
    books.company.switches.book_close_date = document.date.isoformat()
    (outcome,) = sent(books, books.destination.compose([a_body(books, document)], a_request_id()))
    assert isinstance(outcome, Refused)
    assert outcome.problem.code == "period_closed"
    assert not books.company.tables[ENTITIES[document.kind]]


@pytest.mark.parametrize("name", NUMBERED)
def test_a_number_that_is_taken_is_said_to_be_so(books: SandboxStand, name: str) -> None:
    posted(books, documents()[name])
    other = dataclasses.replace(documents("39006")[name], number=documents()[name].number)
    (outcome,) = sent(books, books.destination.compose([a_body(books, other)], a_request_id()))
    assert isinstance(outcome, Refused)
    assert outcome.duplicate_number


def test_all_kinds_go_in_one_call(books: SandboxStand) -> None:
    some = [documents(str(39100 + place))[name] for place, name in enumerate(NAMES)]
    outcomes = sent(books, books.destination.compose([a_body(books, document) for document in some], a_request_id()))
    assert [outcome.receipt.total for outcome in outcomes if isinstance(outcome, Posted)] == [
        document.ledger_total for document in some
    ]


def test_a_bill_says_what_is_still_owed(books: SandboxStand) -> None:
    receipt = posted(books, documents()["bill"])
    assert receipt.open == receipt.total


@pytest.mark.parametrize("name", ["bill", "purchase_by_card"])
def test_another_vendors_equal_number_does_not_look_alike(books: SandboxStand, name: str) -> None:
    document = documents()[name]
    posted(books, document)
    body = books.company.tables[ENTITIES[document.kind]]
    next(iter(body.values()))["PrivateNote"] = "typed in"
    other = a_look(dataclasses.replace(document, records=("39006",)))
    assert isinstance(books.destination.find([other])[0], LooksAlike)
    elsewhere = dataclasses.replace(other, party_id="999", total=other.total + 1)
    assert books.destination.find([elsewhere]) == [Absent()]


def test_outside_the_us_a_bills_tax_is_booked_to_the_cent(outside: SandboxStand) -> None:
    document = with_tax(documents()["bill"])
    receipt = posted(outside, document)
    assert receipt.total == document.total
    assert receipt.tax == document.tax


@pytest.mark.parametrize("name", ["vendor_credit", "purchase_by_card", "purchase_order"])
def test_outside_the_us_every_purchase_has_the_rates_of_what_is_bought(outside: SandboxStand, name: str) -> None:
    document = with_tax(documents()[name])
    receipt = posted(outside, document)
    assert receipt.total == document.total
    (tax,) = receipt.stored["TxnTaxDetail"]["TaxLine"]
    assert tax["TaxLineDetail"]["TaxRateRef"] == {"value": "115"}


@pytest.fixture
def outside(redis_server: redis.Redis) -> Iterator[SandboxStand]:
    stand = SandboxStand(redis_server, tax_mode="non_us", country="GB")
    furnish(stand)
    stand.rules, stand.links = OUTSIDE, VAT
    yield stand
    stand.stop()


# what can't be sent ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_deduction_on_a_bill_is_a_problem_of_its_line() -> None:
    bill = a_document_of(DocumentKind.BILL, goods("100.00"), a_cost("-10.00", text="Discount"))
    assert codes(bill) == ["negative_line"]


def test_an_expense_without_an_account_to_pay_from_is_held_unless_the_setting_names_one() -> None:
    expense = dataclasses.replace(documents()["purchase_by_card"], paid_from="")
    assert codes(expense) == ["paid_from_missing"]
    named = dataclasses.replace(
        RULES,
        settings={**RULES.settings, "purchases.paid_from": "42"},
        extra={**RULES.extra, "account_type:42": "Credit Card"},
    )
    assert translated(expense, named)["PaymentType"] == "CreditCard"
    assert translated(expense, named)["AccountRef"] == {"value": "42"}


def test_an_expense_is_not_paid_from_an_account_of_costs() -> None:
    expense = dataclasses.replace(documents()["purchase_by_card"], paid_from="5000")
    assert codes(expense) == ["paid_from_wrong_type"]


def test_a_purchase_order_takes_the_companys_payable_account_where_none_is_linked() -> None:
    order = dataclasses.replace(documents()["purchase_order"], header_account="")
    assert codes(order) == ["payable_account_missing"]
    known = dataclasses.replace(RULES, extra={**RULES.extra, "payable_account": "33"})
    assert translated(order, known)["APAccountRef"] == {"value": "33"}


def test_tax_on_a_bill_is_held_where_the_country_has_none() -> None:
    assert codes(with_tax(documents()["bill"])) == ["tax_on_purchase"]


def test_an_entry_whose_sides_differ_is_held() -> None:
    entry = a_document_of(DocumentKind.JOURNAL_ENTRY, a_cost("10.00"), a_cost("-9.99", "1300"))
    assert codes(entry) == ["does_not_crossfoot"]


def test_a_payables_line_of_an_entry_names_its_vendor_or_is_held() -> None:
    lines = (a_cost("10.00"), a_cost("-10.00", "2000"))
    entry = a_document_of(DocumentKind.JOURNAL_ENTRY, *lines)
    detail = translated(entry)["Line"][1]["JournalEntryLineDetail"]
    assert detail["Entity"] == {"Type": "Vendor", "EntityRef": {"value": "11"}}
    nobody = dataclasses.replace(documents()["journal_entry"], lines=entry.lines)
    assert codes(nobody) == ["journal_party_missing"]


def test_an_adjustment_is_held_where_the_plan_has_none_or_the_item_no_stock() -> None:
    adjustment = documents()["inventory_adjustment"]
    without = dataclasses.replace(RULES, extra={**RULES.extra, "inventory_adjustments": "off"})
    assert codes(adjustment, without) == ["not_in_plan"]
    service = {**ALL_LINKS, (LinkKind.ITEMS, "601"): Entry(LinkKind.ITEMS, "9", "SW-24", detail="NonInventory")}
    assert codes(adjustment, RULES, service) == ["item_without_stock"]


# settings ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_line_is_billable_to_its_customer_only_where_the_setting_says_so() -> None:
    bill = documents()["bill_of_member"]
    detail = translated(bill)["Line"][0]["AccountBasedExpenseLineDetail"]
    assert detail["CustomerRef"] == {"value": "1"}
    assert "BillableStatus" not in detail
    billable = dataclasses.replace(RULES, settings={"purchases.billable": "yes"})
    assert translated(bill, billable)["Line"][0]["AccountBasedExpenseLineDetail"]["BillableStatus"] == "Billable"
    assert "CustomerRef" not in translated(bill, Rules(tax_mode="off"))["Line"][0]["AccountBasedExpenseLineDetail"]


def test_classes_and_locations_are_sent_only_where_the_settings_use_them() -> None:
    bill = documents()["bill"]
    assert translated(bill)["DepartmentRef"] == {"value": "2"}
    plain = translated(bill, Rules(tax_mode="automated"))
    assert "DepartmentRef" not in plain
    assert all("ClassRef" not in line[line["DetailType"]] for line in plain["Line"])


def test_a_bill_that_waits_has_no_number_and_says_so(books: SandboxStand) -> None:
    body = translated(documents()["bill_waiting"])
    assert "DocNumber" not in body
    assert body["PrivateNote"].startswith(f"PSA PO-39005 · {THE_MARK} · PO 7001\nWaiting on bill")
    assert not posted(books, documents()["bill_waiting"]).number


# whatever the amounts ────────────────────────────────────────────────────────────────────────────────────────────

CENTS = st.integers(min_value=0, max_value=10**9).map(lambda number: f"{number / Decimal(100):.2f}")


@given(amounts=st.lists(CENTS, min_size=1, max_size=8), quantity=st.integers(1, 99))
def test_a_bills_lines_always_add_up_to_its_total(amounts: list[str], quantity: int) -> None:
    bill = a_document_of(DocumentKind.BILL, *(goods(amount, str(quantity)) for amount in amounts))
    lines = translated(bill)["Line"]
    assert sum(line["Amount"] for line in lines) == bill.total.amount
    for line in lines:
        detail = line["ItemBasedExpenseLineDetail"]
        if "Qty" in detail:
            assert cents(Decimal(str(detail["Qty"])) * Decimal(str(detail["UnitPrice"]))) == line["Amount"]


@given(amounts=st.lists(CENTS.filter(lambda amount: amount != "0.00"), min_size=1, max_size=8))
def test_an_entrys_sides_are_always_equal(amounts: list[str]) -> None:
    against = sum(map(Decimal, amounts), Decimal(0))
    lines = (*(a_cost(amount) for amount in amounts), a_cost(f"-{against}", "1300"))
    sides = {"Debit": Decimal(0), "Credit": Decimal(0)}
    for line in translated(a_document_of(DocumentKind.JOURNAL_ENTRY, *lines))["Line"]:
        assert line["Amount"] > 0
        sides[line["JournalEntryLineDetail"]["PostingType"]] += line["Amount"]
    assert sides["Debit"] == sides["Credit"] == against


@pytest.mark.parametrize(
    "row", [{"Id": "1"}, {"Id": "1", "Line": [{"JournalEntryLineDetail": {"PostingType": "Debit"}}]}]
)
def test_a_row_without_amounts_ends_in_no_verdict(row: dict[str, Any]) -> None:
    document = documents()["journal_entry"]
    answer = {**row, "DocNumber": document.number, "TxnDate": document.date.isoformat()}
    (finding,) = find(lambda _: [answer], [a_look(document)], "USD", our_numbers=True)
    assert isinstance(finding, CannotTell)


#: The switch as QuickBooks may have it: kept in stock on another account, or expensed when it is bought.
STOCKED = Entry(LinkKind.ITEMS, "9", "SW-24", detail="Inventory", account_id="79", asset_account_id="82")
EXPENSED = Entry(LinkKind.ITEMS, "9", "SW-24", detail="NonInventory", account_id="79", cost_account_id="88")


@pytest.mark.parametrize("item", [STOCKED, EXPENSED])
@pytest.mark.parametrize("kind", ["bill", "vendor_credit", "purchase_order", "inventory_adjustment"])
def test_what_is_bought_by_an_item_of_another_account_is_warned_of_or_held(kind: str, item: Entry) -> None:
    document, links = documents()[kind], {**ALL_LINKS, (LinkKind.ITEMS, "601"): item}
    if kind == "inventory_adjustment" and item is EXPENSED:
        return  # it is no stock, which is said already
    given = dataclasses.replace(RULES, extra={**RULES.extra, "payable_account": "33"})
    found = to_quickbooks(document, THE_MARK, links, given).problems
    assert [(problem.code, problem.subject) for problem in found] == [("item_account_differs", "items:601")]
    blocked = dataclasses.replace(given, settings={**RULES.settings, "sales.account_conflict": "block"})
    assert codes(document, blocked, links) == ["item_account_differs"]


@pytest.mark.parametrize(
    ("setting", "value"), [("sales.account_conflict", "variant"), ("inventory.cogs", "journal_entry")]
)
def test_what_is_not_in_stock_goes_to_the_psas_account_where_its_item_would_book_it_elsewhere(
    setting: str, value: str
) -> None:
    """Where costs are booked beside sales, goods that were expensed when they were bought would cost twice."""
    rules = dataclasses.replace(RULES, settings={**RULES.settings, setting: value})
    bill = translated(documents()["bill"], rules, {**ALL_LINKS, (LinkKind.ITEMS, "601"): EXPENSED})
    goods_, _freight = bill["Line"]
    assert goods_["AccountBasedExpenseLineDetail"]["AccountRef"] == {"value": "81"}
    assert (goods_["Amount"], goods_["Description"]) == (Decimal("119.97"), "Switch, 24 ports (quantity 3)")
    stocked = {**ALL_LINKS, (LinkKind.ITEMS, "601"): STOCKED}
    assert "ItemBasedExpenseLineDetail" in translated(documents()["bill"], rules, stocked)["Line"][0]


def test_a_bill_in_another_currency_names_a_payable_account_of_that_currency_or_none() -> None:
    rules = dataclasses.replace(
        RULES, multi_currency=True, extra={**RULES.extra, "payable_account:USD": "33", "payable_account:CAD": "133"}
    )
    home = dataclasses.replace(ALL_LINKS[LinkKind.ACCOUNTS, "2000"], currency="USD")
    links = {**ALL_LINKS, (LinkKind.ACCOUNTS, "2000"): home}
    abroad = {"currency": "CAD", "tax": money("0.00", "CAD")}
    for kind, code, account in (
        ("bill", "USD", "33"), ("bill", "CAD", ""), ("purchase_order", "USD", "33"), ("purchase_order", "CAD", "133"),
    ):  # fmt: skip
        document = documents()[kind]
        if code == "CAD":
            lines = tuple(
                dataclasses.replace(one, amount=money(f"{one.amount.amount}", "CAD")) for one in document.lines
            )
            total = money(f"{document.total.amount}", "CAD")
            document = dataclasses.replace(document, **abroad, lines=lines, total=total)  # type: ignore[arg-type]  # the fields of a document
        assert translated(document, rules, links).get("APAccountRef", {}).get("value", "") == account
