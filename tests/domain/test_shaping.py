"""Shaping: what a Book's settings make of the PSA's document; and grouping: several that become one."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import book_settings, grouping, line_text, soundness
from app.domain.documents import (
    Basis,
    Document,
    DocumentKind,
    Line,
    Party,
    PartyRole,
    Product,
    Reference,
    TaxLevel,
    Work,
)
from app.domain.links import Rules
from app.domain.problems import ValidationError
from app.domain.shaping import renumbered, shaped
from app.domain.states import RecordKind
from tests.builders import THE_DAY, a_document, a_line, money

MEMBER = Party("member:7", "Ana Ortiz", role=PartyRole.VENDOR)
EXPENSE = replace(
    a_document("501", number="EXP-501", party=MEMBER, tax="0", kind=DocumentKind.BILL,
               lines=(replace(a_line("42.10", "6100"), basis=Basis.ACCOUNT),)),
    psa_type="Reimbursable",
)  # fmt: skip
RECEIPT = replace(
    a_document("9", number="V-77", party=Party("300", "Ingram", role=PartyRole.VENDOR), kind=DocumentKind.BILL,
               tax="3.50", lines=(a_line("50.00", "1300", Product("12", "SW-24P")),)),
    psa_type="Purchase", psa_number="PO 1021", vendor_date=dt.date(2026, 11, 10), ordered=dt.date(2026, 11, 1),
    tax_levels=(TaxLevel(1, "State", money("3.50"), account="2210"),),
)  # fmt: skip


def rules(company: Rules | None = None, **settings: str) -> Rules:
    stored = {key.replace("__", "."): value for key, value in settings.items()}
    return book_settings.rules_from(company or Rules(), stored)


def test_a_reimbursable_expense_is_a_bill_unless_the_book_pays_at_once() -> None:
    assert shaped(EXPENSE, rules()).kind is DocumentKind.BILL
    assert shaped(EXPENSE, rules(purchases__reimbursable_as="purchase")).kind is DocumentKind.PURCHASE


@pytest.mark.parametrize(
    ("source", "date"),
    [("document", THE_DAY), ("vendor_invoice", dt.date(2026, 11, 10)), ("purchase", dt.date(2026, 11, 1))],
)
def test_a_bill_is_dated_by_the_source_that_the_book_names(source: str, date: dt.date) -> None:
    assert shaped(RECEIPT, rules(inventory__date_source=source)).date == date
    undated = replace(RECEIPT, vendor_date=None, ordered=None)
    assert shaped(undated, rules(inventory__date_source=source)).date == THE_DAY


def test_a_prefix_stands_before_the_number_in_the_books_and_nowhere_else() -> None:
    plain, found = a_document(number="10404"), shaped(a_document(number="10404"), rules(sales__number_prefix="CW-"))
    assert (found.number, found.psa_number, found.own_number) == ("CW-10404", "10404", "10404")
    assert shaped(plain, rules()) == plain
    again = renumbered(found, "10404-2")
    assert (again.number, again.own_number) == ("CW-10404-2", "10404")
    assert renumbered(again, "10404-3", "10404-2").number == "CW-10404-3"
    assert renumbered(found, "4711") == found
    assert shaped(RECEIPT, rules(sales__number_prefix="CW-")).number == "V-77"


def test_us_books_get_the_tax_of_a_purchase_as_a_line_on_its_own_account() -> None:
    found = shaped(RECEIPT, rules())
    assert (found.tax.amount, found.difference.amount) == (Decimal(0), Decimal(0))
    assert (found.lines[-1].amount.amount, found.lines[-1].account) == (Decimal("3.50"), "2210")


def test_other_books_keep_the_tax_where_it_is() -> None:
    assert shaped(RECEIPT, rules(Rules(tax_mode="per_line"))) == RECEIPT
    found = shaped(RECEIPT, rules(Rules(tax_mode="per_line"), modules__taxes_as_lines="purchases"))
    assert found.lines[-1].source == "tax"


def test_without_the_vendors_invoice_a_book_may_want_a_purchase_order() -> None:
    waiting = replace(RECEIPT, number="")
    found = shaped(waiting, rules(inventory__purchase_as="purchase_order"))
    assert (found.kind, found.number) == (DocumentKind.PURCHASE_ORDER, "PO 1021")
    assert shaped(waiting, rules()).kind is DocumentKind.BILL
    assert shaped(RECEIPT, rules(inventory__purchase_as="purchase_order")).kind is DocumentKind.BILL


def test_a_class_may_stand_behind_the_account() -> None:
    document = a_document(lines=(a_line("200.00", "4000/East"), a_line("1.00", "4100")))
    found = shaped(document, rules(company__account_delimiter="/"))
    assert [(line.account, line.gl_class) for line in found.lines] == [("4000", "East"), ("4100", "")]
    assert shaped(document, rules()).lines[0].account == "4000/East"


def test_units_stand_behind_the_text_of_what_is_bought_where_asked() -> None:
    bought = replace(RECEIPT, lines=(replace(RECEIPT.lines[0], unit="Box"),))
    assert shaped(bought, rules()).lines[0].description == "Managed services"
    assert shaped(bought, rules(purchases__unit_of_measure="yes")).lines[0].description == "Managed services (Box)"


ADJUSTMENT = replace(
    a_document("4", number="ADJ-4", party=Party("", ""), kind=DocumentKind.INVENTORY_ADJUSTMENT, tax="0",
               lines=(a_line("-30.00", "1300", Product("12", "SW-24P", kind="InventoryPart")),
                      a_line("10.00", "1300", Product("13", "CAB", kind="InventoryPart")))),
    psa_type="Adjustment", header_account="5900",
)  # fmt: skip


def test_an_adjustment_becomes_a_journal_entry_where_the_ledger_has_none() -> None:
    found = shaped(ADJUSTMENT, rules())
    assert found.kind is DocumentKind.JOURNAL_ENTRY
    assert (found.difference.amount, found.ledger_total.amount) == (Decimal(0), Decimal(30))
    assert found.lines[-1].account == "5900"
    own = rules(Rules(extra={"inventory_adjustments": "on"}))
    assert shaped(ADJUSTMENT, own) == ADJUSTMENT
    assert (
        shaped(ADJUSTMENT, replace(own, settings={**own.settings, "inventory.adjustments_as": "journal_entry"}))
        == found
    )
    worth = replace(ADJUSTMENT, lines=(replace(ADJUSTMENT.lines[0], quantity=Decimal(0)), ADJUSTMENT.lines[1]))
    assert shaped(worth, own).ledger_total == found.ledger_total  # a quantity of nothing would lose it


def test_a_transfer_leaves_nothing_to_post_in_a_file_of_one_warehouse() -> None:
    transfer = replace(ADJUSTMENT, kind=DocumentKind.JOURNAL_ENTRY, psa_type="Transfer")
    found = shaped(transfer, rules())
    assert found.is_empty
    assert found.total == transfer.total
    entry = rules(inventory__transfers_as="journal_entry")
    assert shaped(transfer, entry).is_empty
    moved, other = transfer.lines
    apart = replace(transfer, lines=(moved, replace(other, account="1310")))
    assert shaped(apart, entry) == apart
    classes = replace(transfer, lines=(moved, replace(other, gl_class="Van")))
    assert shaped(classes, entry).is_empty
    assert shaped(classes, rules(inventory__transfers_as="journal_entry", categories__classes="yes")) == classes


# ── texts and items of sales ─────────────────────────────────────────────────────────────────────────────────────

WORK = Work("1", dt.date(2026, 11, 3), "48100", "Printer", member="Ana Ortiz", work_role="Technician",
            work_type="Remote", hours=Decimal("1.50"), rate=Decimal(120), notes="Cleared the queue.",
            internal_notes="Their fault.")  # fmt: skip


def detailed(line: Line) -> Document:
    return a_document(lines=(replace(line, work=(WORK,)),))


def test_a_detailed_line_is_built_from_its_time_entry_without_internal_notes() -> None:
    text = shaped(detailed(a_line()), rules()).lines[0].description
    assert text.splitlines() == [
        "#48100 Printer", "Technician · Remote · Ana Ortiz", "2026-11-03 · 1.5 h at 120.00", "Cleared the queue.",
    ]  # fmt: skip
    asked = shaped(detailed(a_line()), rules(sales__internal_notes="yes")).lines[0].description
    assert asked.endswith("Their fault.")


def test_a_customers_own_template_goes_before_the_books() -> None:
    own = book_settings.rules_from(Rules(), {"sales.line_text": "{{ ticket }}", "sales.line_text@77": "{{ summary }}"})
    assert shaped(detailed(a_line()), own).lines[0].description == "Printer"
    other = replace(detailed(a_line()), party=Party("78", "Bolt"))
    assert shaped(other, own).lines[0].description == "48100"


def test_units_and_serial_numbers_stand_behind_the_text_where_asked() -> None:
    document = a_document(lines=(replace(a_line(), unit="Each", serial_numbers="A1, A2"),))
    assert shaped(document, rules()).lines[0].description == "Managed services"
    both = rules(sales__unit_of_measure="yes", sales__serial_numbers="yes")
    assert shaped(document, both).lines[0].description == "Managed services (Each) S/N: A1, A2"


@pytest.mark.parametrize(
    ("source", "item"), [("work_role", "Technician"), ("work_type", "Remote"), ("work_role_type", "Technician-Remote")]
)
def test_items_may_be_named_after_the_work(source: str, item: str) -> None:
    found = shaped(detailed(a_line()), rules(sales__service_item_source=source))
    assert found.lines[0].product == Product(f"work:{item}", item, kind="Service")


def test_a_prepaid_agreement_has_an_item_of_its_own_only_where_the_book_names_one() -> None:
    prepaid = a_document(lines=(replace(a_line(), source="prepayment"),))
    assert shaped(prepaid, rules()).lines[0].product is None
    named = shaped(prepaid, rules(sales__prepayment_item="Block hours")).lines[0].product
    assert named == Product("own:prepayment", "Block hours", kind="Service")


def test_the_memo_is_the_books_text_or_the_customers_own() -> None:
    invoice = replace(a_document("39005"), memo="Thanks", project="Move")
    assert shaped(invoice, rules()).memo == "Thanks"
    own = rules(sales__memo_text="{{ memo }} · {{ project }}")
    assert shaped(invoice, own).memo == "Thanks · Move"
    stored = {"sales.memo_text": "{{ memo }}", f"sales.memo_text@{invoice.party.source_id}": "{{ project }}"}
    assert shaped(invoice, book_settings.rules_from(Rules(), stored)).memo == "Move"


def test_a_down_payment_has_an_item_of_its_own() -> None:
    found = shaped(a_document(lines=(replace(a_line(), source="down_payment"),)), rules())
    assert found.lines[0].product == Product("own:down_payment", "Down Payment", kind="Service")


def test_the_need_for_the_detailed_export_has_a_reason() -> None:
    assert not line_text.needs_detailed(rules())
    assert "work roles" in line_text.needs_detailed(rules(sales__service_item_source="work_role"))
    for text in ("{{ notes }}", "{% if ticket %}#{% endif %}", "{{ rate | upper }}"):
        assert "time entries" in line_text.needs_detailed(rules(sales__line_text=text))
    own = book_settings.rules_from(Rules(), {"sales.line_text@77": "{{ hours }}"})
    assert "customer’s own" in line_text.needs_detailed(own)
    assert not line_text.needs_detailed(rules(sales__line_text="Notes, hours and rate: {{ product }}"))


# ── several become one ───────────────────────────────────────────────────────────────────────────────────────────


class Row:
    def __init__(self, record: str, day: int, **facts: str) -> None:
        self.record, self.party_id, self.currency = record, "member:7", "USD"
        self.date, self.facts = dt.date(2026, 11, day), facts
        self.total = Decimal(facts.pop("total", "10.00"))
        self.tax, self.tax_code_id = Decimal(facts.pop("tax", "0")), facts.pop("code", "")


def test_expenses_are_put_together_as_the_book_says() -> None:
    first, second, third = Row("1", 2, report="55"), Row("2", 8, report="55"), Row("3", 9, report="56")

    def keys(setting: str) -> list[str]:
        own = rules(purchases__group=setting)
        return [grouping.key(RecordKind.EXPENSES, row, own) for row in (first, second, third)]

    assert len(set(keys("entry"))) == 3
    assert keys("report")[0] == keys("report")[1] != keys("report")[2]
    assert keys("member_week")[0] == keys("member_week")[1] != keys("member_week")[2]  # from Monday to Sunday


def test_what_was_paid_otherwise_is_never_put_together() -> None:
    own, card = Row("1", 2, report="55"), Row("2", 2, report="55", payment_method="Visa")
    by_report = rules(purchases__group="report")
    back = Row("3", 2, report="55", total="-4.00")
    assert len({grouping.key(RecordKind.EXPENSES, row, by_report) for row in (own, card, back)}) == 3


def test_what_is_not_approved_never_goes_with_what_is_and_a_bill_has_one_tax_code() -> None:
    rows = [Row("1", 2, report="5", approval=word) for word in ("approved", "approved", "PendingApproval")]
    taxed = [Row("4", 2, report="5", tax="2.00", code=code) for code in ("20", "21")]

    def groups(of: list[Row], **more: str) -> int:
        company = Rules(tax_mode=more.pop("mode", "manual"))
        return len(
            {grouping.key(RecordKind.EXPENSES, row, rules(company, purchases__group="report", **more)) for row in of}
        )

    assert (groups(rows), groups(rows, purchases__unapproved="yes")) == (2, 1)
    assert (groups(taxed), groups(taxed, mode="per_line")) == (1, 2)
    approved, open_ = replace(EXPENSE, approval="approved"), replace(EXPENSE, approval="Open", records=("502",))
    assert grouping.merged([approved, open_]).approval == "Open"
    assert grouping.merged([approved, approved]).approval == "approved"
    codes = [Reference(code, code) for code in ("20", "21")]
    first, other = (replace(EXPENSE, tax_code=code, tax=money("1.00"), total=money("43.10")) for code in codes)
    assert grouping.merged([EXPENSE, first]).tax_code == codes[0]
    assert grouping.merged([first, other]).tax_code is None  # so that the tax of one is never booked as the other's


def test_receipts_of_two_orders_in_one_bill_name_both() -> None:
    first, other = (replace(RECEIPT, po_number=number, records=(number,)) for number in ("1021", "1022"))
    assert grouping.merged([first, other, first]).po_number == "1021, 1022"


def test_an_expense_whose_approval_is_not_told_is_held_as_one_that_is_open() -> None:
    for approval, held in (("approved", []), ("Open", ["not_approved"]), ("", ["not_approved"])):
        found = soundness.problems(replace(EXPENSE, approval=approval), rules())
        assert [problem.code for problem in found] == held
    assert not soundness.problems(EXPENSE, rules(purchases__unapproved="yes"))
    assert not soundness.problems(replace(RECEIPT, tax=money("0"), total=money("50.00")), rules())


def test_a_total_of_nothing_is_posted_where_it_moves_something_between_accounts_or_out_of_stock() -> None:
    work, deducted = a_line("500.00", "4010"), a_line("-500.00", "2300")
    free = replace(a_line("0.00"), product=Product("12", "SW-24P", inventory_account="1300"))
    for lines, empty in (
        ((work, deducted), False), ((work, replace(deducted, account="4010")), True), ((a_line("0.00"),), True),
        ((free,), False), ((free, replace(free, quantity=Decimal(-1))), True),
    ):  # fmt: skip
        assert a_document(lines=lines, tax="0").is_empty is empty, lines


def test_documents_of_different_parties_can_not_be_one() -> None:
    with pytest.raises(ValueError, match="can't be one"):
        grouping.merged([EXPENSE, replace(EXPENSE, party=Party("member:8", "Bo"))])


amounts = st.decimals("-9999.99", "9999.99", places=2, allow_nan=False)


@given(st.lists(st.lists(amounts, min_size=1, max_size=4), min_size=1, max_size=4), st.lists(amounts, max_size=3))
def test_whatever_is_merged_and_shaped_still_crossfoots(parts: list[list[Decimal]], taxes: list[Decimal]) -> None:
    documents = []
    for number, each in enumerate(parts):
        lines = tuple(replace(a_line(f"{amount}", "6100"), basis=Basis.ACCOUNT) for amount in each)
        levels = tuple(TaxLevel(i, "T", money(f"{tax}")) for i, tax in enumerate(taxes, 1))
        tax = f"{sum(taxes, Decimal(0))}"
        one = a_document(str(600 + number), number="E", party=MEMBER, lines=lines, tax=tax, kind=DocumentKind.BILL)
        documents.append(replace(one, psa_type="Purchase", tax_levels=levels))
    merged = grouping.merged(documents)
    assert merged.difference.amount == 0
    for mode in ("manual", "automated", "per_line", "off"):
        found = shaped(merged, rules(Rules(tax_mode=mode)))
        assert found.difference.amount == 0
        assert found.total == merged.total


def test_serial_numbers_of_what_was_received_stand_in_its_text_where_the_book_wants_them() -> None:
    bought = replace(RECEIPT, lines=tuple(replace(line, serial_numbers="SN-1,SN-2") for line in RECEIPT.lines))
    assert shaped(bought, rules()).lines[0].description == "Managed services"
    wanted = shaped(bought, rules(purchases__serial_numbers="yes"))
    assert wanted.lines[0].description == "Managed services S/N: SN-1,SN-2"


def test_products_that_are_never_taxed_lose_their_tax_code_outside_the_us_and_never_the_whole_tax() -> None:
    switch = replace(a_line("50.00", "4000", Product("12", "SW-24P")), taxable=True)
    sale = a_document(lines=(a_line("200.00"), switch), tax="40.00")
    outside = Rules(tax_mode="per_line")
    assert [line.taxable for line in shaped(sale, rules(outside, taxes__exempt_items="sw-24p")).lines] == [True, False]
    assert [line.taxable for line in shaped(sale, rules(outside)).lines] == [True, True]
    assert [line.taxable for line in shaped(sale, rules(taxes__exempt_items="sw-24p")).lines] == [True, True]
    only = replace(sale, lines=(switch,))
    assert shaped(only, rules(outside, taxes__exempt_items="SW-24P")).lines[0].taxable


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("account", "East"),
        ("territory", "North"),
        ("sales_rep", "Kim Lee"),
        ("project", "Move - Phase 2"),
        ("agreement", ""),
    ],
)
def test_lines_of_an_invoice_take_their_class_from_where_the_book_says(source: str, found: str) -> None:
    lines = (replace(a_line("10.00"), gl_class="East"), a_line("5.00"))
    invoice = replace(
        a_document("39005", lines=lines, tax="0"), territory="North", sales_rep="Kim Lee", project="Move: Phase 2"
    )
    own = rules(categories__classes="yes", categories__class_source=source)
    assert shaped(invoice, own).lines[0].gl_class == found
    assert shaped(invoice, own).lines[1].gl_class == ("" if source == "account" else found)
    assert shaped(invoice, rules(categories__class_source=source)).lines[0].gl_class == "East"
    assert shaped(EXPENSE, own).lines[0].gl_class == EXPENSE.lines[0].gl_class


def test_places_of_the_psas_fields_are_checked_and_written_alike() -> None:
    own = book_settings.setting("sales.psa_fields")
    assert own.parse(" Region = FIELD2,Cost center=memo, ") == "Region=field2, Cost center=memo"
    assert not own.parse("")
    for wrong in ("Region", "=memo", "Region=field9"):
        with pytest.raises(ValidationError, match="psa_fields"):
            own.parse(wrong)
