"""Expenses: the unposted list as records, and the export's journal entries or bills as documents.

ConnectWise exports each expense as an entry with its offset, or, with the box “Transfer Expenses as Bill”, as lines of
a bill for a member's week. Either way one expense makes one document here; a Book may put several together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from app.connectors.connectwise import papers, parties, values
from app.connectors.connectwise.legible import Reading, fingerprinted
from app.connectors.connectwise.values import Row
from app.connectors.protocols import Exported, UnpostedRecord
from app.domain.documents import Basis, Document, DocumentKind, Line, Party, PartyRole, TaxLevel
from app.domain.money import Money, cents
from app.domain.problems import Problem
from app.domain.shaping import NON_REIMBURSABLE, REIMBURSABLE
from app.domain.states import RecordKind

#: The other side of an entry (glType); never a record of its own.
OFFSETS = ("AP", "EO")
TAX = "ET"
#: Statuses of an expense entry (ExpenseReport.status) from which on it counts as approved.
APPROVED = ("ApprovedByTierOne", "ApprovedByTierTwo", "ReadyToBill", "Billed", "BilledAgreement")
NO_ACCOUNT = Problem(
    "no_gl_entries",
    "ConnectWise has no GL account for this expense.",
    "Complete the GL mapping of its expense type (System ▸ Setup Tables ▸ GL Accounts), then approve the report again.",
    field="line 1",
)
LEVELS = ("state", "county", "city", "country", "composite", "levelSix")


# ── the list ─────────────────────────────────────────────────────────────────────────────────────────────────────


def records(rows: Iterable[Row], entries: Mapping[str, Row], default_currency: str) -> list[UnpostedRecord]:
    """One record per expense; what is personal is nobody's business, and offsets belong to their entry."""
    found: dict[str, UnpostedRecord] = {}
    for row in rows:
        key = values.identity(row)
        is_entry = values.text(row, "glType").upper() not in OFFSETS
        if key and is_entry and classification(row) in (REIMBURSABLE, NON_REIMBURSABLE) and key not in found:
            found[key] = to_record(key, row, entries.get(values.identity(row, "expenseDetailId"), {}), default_currency)
    return list(found.values())


def classification(row: Row) -> str:
    """``Reimbursable``, ``NonReimbursable`` or ``Personal``; lists write it in one word, entries in two."""
    named = values.text(values.part(row, "classification"), "name") or values.text(row, "classification")
    return named.replace(" ", "").replace("-", "")


def to_record(key: str, row: Row, entry: Row, default_currency: str) -> UnpostedRecord:
    """An UnpostedExpense row, completed by its expense entry where that can be read."""
    reading = Reading("Open the expense in ConnectWise and correct it.")
    total, tax = _amounts(row, entry, reading)
    date = reading.date(row, "dateExpense", missing="The expense’s date is missing or can’t be read.")
    member = values.part(row, "member")
    kind = classification(row)
    if not values.text(row, "accountNumber"):
        reading.problems.append(NO_ACCOUNT)
    code = values.part(row, "taxCode")
    record = UnpostedRecord(
        record=key,
        kind=RecordKind.EXPENSES,
        number=number_of(row),
        psa_type=kind,
        party_id=f"member:{values.identity(member)}",
        party=values.text(member, "name", "identifier"),
        date=date,
        due_date=None,
        currency=reading.currency(row, default_currency),
        total=total,
        tax=tax,
        location_id=values.identity(row, "locationId"),
        location="",
        terms_id="",
        terms="",
        date_closed=values.text(row, "dateClosed"),
        fingerprint="",
        tax_code_id=values.identity(code),
        tax_code=values.text(code, "name"),
        problems=tuple(reading.problems),
        facts=_facts(row, entry, kind),
    )
    return fingerprinted(record, terms_id=kind)


def _facts(row: Row, entry: Row, kind: str) -> dict[str, str]:
    report = values.part(entry, "expenseReport")
    found = {
        "member": values.text(values.part(row, "member"), "name", "identifier"),
        "member_id": values.identity(values.part(row, "member")),
        "report": values.identity(report),
        "report_name": values.text(report, "name"),
        "report_status": values.text(entry, "status"),
        "approval": approval(entry),
        "classification": kind,
        "payment_method": values.text(values.part(row, "paymentMethod"), "name"),
        "expense_type": values.text(values.part(row, "expenseType"), "name"),
        "charged_to": values.text(values.part(row, "company"), "name", "identifier")
        or values.text(values.part(row, "chargeCode"), "name"),
    }
    return {name: value for name, value in found.items() if value}


def approval(entry: Row) -> str:
    """``approved``, else ConnectWise's word for how far it is; empty where the entry can't be read."""
    status = values.text(entry, "status")
    return "approved" if status in APPROVED else status


def number_of(row: Row) -> str:
    """``EXP-`` and the number of the expense entry, which is what ConnectWise shows of it."""
    return f"EXP-{values.identity(row, 'expenseDetailId') or values.identity(row)}"


def _amounts(row: Row, entry: Row, reading: Reading) -> tuple[Decimal, Decimal]:
    """Total with tax, and the tax. The list's own total has the tax in it at some sites and not at others."""
    try:
        whole = values.amount(entry, "amount") or sum(
            (values.amount(row, name) for name in ("billableAmount", "nonBillableAmount")), Decimal(0)
        )
        return cents(whole or values.amount(row, "total")), cents(values.amount(row, "salesTaxAmount"))
    except ValueError as error:
        reading.cannot(str(error), "total")
        return Decimal(0), Decimal(0)


# ── the export ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Spent:
    """One expense of an export, whichever shape it came in."""

    row: Row
    header: Row
    ids: list[int]
    amount: Decimal
    offset: Row = field(default_factory=dict)
    taxes: list[Row] = field(default_factory=list)

    @property
    def total(self) -> Decimal:
        return self.amount + sum((values.amount(tax, "total") for tax in self.taxes), Decimal(0))


def spent(export: Row) -> list[Spent]:
    """Every expense of an export. A tax entry has no id of its expense: it follows it. Raises ValueError."""
    return [*_entries(values.rows(export, "expenses")), *_bills(values.rows(export, "expenseBills"))]


def _entries(rows: Sequence[Row]) -> list[Spent]:
    found: list[Spent] = []
    for row in rows:
        ids = values.whole_numbers(row.get("id"))
        if values.text(row, "glTypeId").upper() == TAX and not values.part(row, "offset"):
            if found:
                found[-1].taxes.append(row)
                found[-1].ids += ids
            continue
        offset = values.part(row, "offset")
        ids += values.whole_numbers(offset.get("id"))
        found.append(Spent(row, row, ids, values.amount(row, "total"), offset))
    return found


def _bills(bills: Sequence[Row]) -> list[Spent]:
    found: list[Spent] = []
    for bill in bills:
        own: list[Spent] = []
        for row in values.rows(bill, "detail"):
            ids = values.whole_numbers(row.get("id"))
            if values.text(row, "glTypeId").upper() == TAX and own:
                own[-1].taxes.append(row)
                own[-1].ids += ids
            else:
                own.append(Spent(row, bill, ids, values.amount(row, "total")))
        found += own
    return found


def to_exported(record: str, own: Spent, listed: Row, entry: Row, default_currency: str) -> Exported:
    """One expense with its document, or the reasons why there is none. ``listed`` is its row of the unposted list."""
    ids = tuple(dict.fromkeys(own.ids))
    snapshot = {"expense": dict(own.row), "bill": dict(own.header) if own.header is not own.row else {}}
    if not values.text(own.row, "accountNumber"):
        return Exported(record, None, ids, (NO_ACCOUNT,), snapshot)
    try:
        document = _document(record, own, listed, entry, default_currency)
    except ValueError as error:
        problem = Problem("unreadable", f"The export can’t be read: {error}", "Correct the expense in ConnectWise.")
        return Exported(record, None, ids, (problem,), snapshot)
    return Exported(record, document, ids, (), snapshot)


def _document(record: str, own: Spent, listed: Row, entry: Row, default_currency: str) -> Document:
    code = values.currency(own.row, values.currency(own.header, default_currency))
    reimbursable = _is_reimbursable(own, listed)
    way = -1 if own.total < 0 else 1
    total, levels = cents(own.total * way), _levels(own, listed, code, way)
    tax = sum((level.amount.amount for level in levels), Decimal(0))
    date = values.date(own.row, "documentDate") or values.date(listed, "dateExpense")
    if date is None:
        raise ValueError("documentDate is missing.")
    return Document(
        kind=_kind(reimbursable=reimbursable, way=way),
        records=(record,),
        number=number_of(listed or own.row),
        psa_number=number_of(listed or own.row),
        psa_type=REIMBURSABLE if reimbursable else NON_REIMBURSABLE,
        party=_member(own, reimbursable=reimbursable),
        currency=code,
        date=date,
        due_date=None,
        terms=None,
        terms_due_days=None,
        lines=(_line(own, listed, Money(total - tax, code), taxed=tax != 0),),
        tax=Money(tax, code),
        tax_levels=levels,
        tax_code=parties.reference(values.part(listed, "taxCode")),
        total=Money(total, code),
        memo=_memo(own, listed),
        header_account=values.account(values.text(own.header, "apAccountNumber")),
        header_class=values.text(own.header, "apClass"),
        paid_from=_paid_from(own, listed, reimbursable=reimbursable),
        payment_method=parties.reference(values.part(listed, "paymentMethod")),
        approval=approval(entry),
        refund=way < 0 and not reimbursable,
        papers=papers.paper_of(papers.EXPENSE, values.identity(listed or own.row, "expenseDetailId")),
    )


def _kind(*, reimbursable: bool, way: int) -> DocumentKind:
    """What a member pays back is a vendor credit; what comes back on a card is a refund of what was paid."""
    if not reimbursable:
        return DocumentKind.PURCHASE
    return DocumentKind.BILL if way > 0 else DocumentKind.VENDOR_CREDIT


def _is_reimbursable(own: Spent, listed: Row) -> bool:
    named = classification(listed)
    if named:
        return named == REIMBURSABLE
    return bool(own.row.get("reimbursable", values.text(own.offset, "glTypeId").upper() != "EO"))


def _member(own: Spent, *, reimbursable: bool) -> Party:
    """Who is paid back. What the company paid itself has no payee that ConnectWise knows; the name is for people."""
    member = values.part(own.row, "member") or values.part(own.header, "member")
    ident, name = values.identity(member), values.text(member, "name", "identifier")
    number = values.text(own.row, "vendorNumber") or values.text(own.header, "vendorNumber")
    return Party(f"member:{ident}" if reimbursable and ident else "", name, number, role=PartyRole.VENDOR)


def _line(own: Spent, listed: Row, amount: Money, *, taxed: bool) -> Line:
    kind = values.text(values.part(listed, "expenseType"), "name") or values.text(own.row, "memo")
    text = values.text(listed, "chargeDescription")
    return Line(
        description=f"{kind}: {text}" if kind and text else kind or text,
        quantity=Decimal(1),
        amount=amount,
        account=values.account(values.text(own.row, "accountNumber")),
        taxable=taxed,
        gl_class=values.text(own.row, "glClass") or values.text(values.part(own.row, "expenseClass"), "name"),
        basis=Basis.ACCOUNT,
        customer=parties.reference(values.part(own.row, "company") or values.part(listed, "company")),
        billable=bool(own.row.get("billable")) or bool(listed.get("billableAmount")),
        date=values.date(listed, "dateExpense"),
    )


def _memo(own: Spent, listed: Row) -> str:
    ticket = values.part(listed, "ticket")
    about = f"Ticket {values.identity(ticket)} {values.text(ticket, 'summary')}" if ticket else ""
    return about.strip() or values.text(values.part(own.row, "project"), "name")


def _paid_from(own: Spent, listed: Row, *, reimbursable: bool) -> str:
    if reimbursable:
        return ""
    return values.account(values.text(own.offset, "accountNumber") or values.text(listed, "creditAccount"))


def _levels(own: Spent, listed: Row, code: str, way: int) -> tuple[TaxLevel, ...]:
    """From the tax entries, else from the list, where the tax is inside the amount."""
    if own.taxes:
        return tuple(
            TaxLevel(n, values.text(tax, "memo") or "Tax", Money(cents(values.amount(tax, "total") * way), code),
                     account=values.account(values.text(tax, "accountNumber")))
            for n, tax in enumerate(own.taxes, 1)
        )  # fmt: skip
    found = []
    for level, name in enumerate(LEVELS, 1):
        if amount := cents(values.amount(listed, f"{name}TaxAmount")):
            found.append(
                TaxLevel(level, values.text(listed, f"{name}TaxXref") or f"Level {level}", Money(amount * way, code))
            )
    whole = cents(values.amount(listed, "salesTaxAmount"))
    if whole and not found:  # no level tells it
        found.append(TaxLevel(1, "Tax", Money(whole * way, code)))
    return tuple(found)
