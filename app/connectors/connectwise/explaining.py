"""Why ConnectWise lists, or doesn't list, a record as unposted: its own conditions, asked one after the other."""

from __future__ import annotations

import re
from collections.abc import Sequence

from app.connectors.connectwise import expenses, values
from app.connectors.connectwise.answers import PsaError
from app.connectors.connectwise.client import Client
from app.connectors.connectwise.values import Row
from app.connectors.source_abilities import Eligibility
from app.domain.states import RecordKind

LEVEL = (
    "Look at the API member’s structure level (it must be 1, Corporate) and at the locations that its role may see; "
    "else the number is another one."
)


def explain(client: Client, kind: RecordKind, number: str) -> list[Eligibility]:
    """Each test with its answer, in the order in which ConnectWise decides. Raises ConnectionFailedError."""
    match kind:
        case RecordKind.INVOICES:
            return _invoice(client, number)
        case RecordKind.EXPENSES:
            return _expense(client, number)
        case RecordKind.INVENTORY:
            return _order(client, number)


def _rows(client: Client, path: str, conditions: str) -> list[Row] | None:
    """None where the role or this version doesn't offer it."""
    try:
        return list(client.pages(path, {"conditions": conditions}))
    except PsaError as error:
        if error.code in {"role_too_weak", "not_found", "bad_request"}:
            return None
        raise


def _quoted(text: str) -> str:
    return '"' + re.sub(r'["\\*]', "", text) + '"'


def _exists(found: list[Row] | None, what: str, number: str) -> Eligibility:
    question = f"Does ConnectWise show {what} {number} to Crossfoot?"
    if found is None:
        return Eligibility(question, None, "Its role may not read that list.", "Let the API member’s role inquire it.")
    if not found:
        return Eligibility(question, False, "No: the API member sees none of that number.", LEVEL)
    return Eligibility(question, True, f"Yes, id {values.identity(found[0])}.")


# ── invoices ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _invoice(client: Client, number: str) -> list[Eligibility]:
    found = _rows(client, "/finance/invoices", f"invoiceNumber={_quoted(number)}")
    tests = [_exists(found, "invoice", number)]
    if not found:
        return tests
    row = found[0]
    return [*tests, _closed(client, row), _company(client, row), _batched(row), _entries(client, row)]


def _closed(client: Client, row: Row) -> Eligibility:
    question, status = "Is it in a closed billing status?", values.part(row, "status")
    name = values.text(status, "name")
    known = _rows(client, "/finance/billingStatuses", f"id={values.identity(status) or 0}")
    if not known:
        return Eligibility(
            question, None, f"Its status is {name or 'not told'}; whether that one closes can’t be read."
        )
    if known[0].get("closedFlag"):
        return Eligibility(question, True, f"Yes: {name}.")
    return Eligibility(
        question, False, f"No: its status is {name}.", "Close it in ConnectWise: that makes its GL entries."
    )


def _company(client: Client, row: Row) -> Eligibility:
    question = "Has its company an account number (Company Finance)?"
    company = values.part(row, "company")
    known = _rows(client, "/company/companies", f"id={values.identity(company) or 0}")
    if not known:
        return Eligibility(question, None, "The company can’t be read.")
    account = values.text(known[0], "accountNumber")
    if account:
        return Eligibility(question, True, f"Yes: {account}.")
    return Eligibility(
        question, None, "No; some versions of ConnectWise then refuse to close it.", "Enter one on its Finance page."
    )


def _batched(row: Row) -> Eligibility:
    question = "Is it in no accounting batch yet?"
    name = values.text(values.part(row, "glBatch"), "name", "id")
    if not name:
        return Eligibility(question, True, "It is in none.")
    return Eligibility(
        question,
        False,
        f"It is in batch {name}: ConnectWise takes it for posted.",
        "If it is not in the books, take it out of that batch (More ▸ Un-batch), or delete the batch.",
    )


def _entries(client: Client, row: Row) -> Eligibility:
    question = "Has closing it made GL entries, with an account on each?"
    ident = values.identity(row)
    try:
        entries = client.pages(f"/finance/invoices/{ident}/glEntries")
    except PsaError:
        return Eligibility(question, None, "Its GL entries can’t be read.")
    if not entries:
        return Eligibility(question, False, "It has none.", RELOAD)
    missing = [entry for entry in entries if not values.text(entry, "segment1")]
    if missing:
        return Eligibility(question, False, f"{len(missing)} of {len(entries)} have no account.", RELOAD)
    return Eligibility(question, True, f"Yes, {len(entries)}.")


RELOAD = "Complete the GL mapping (System ▸ Setup Tables ▸ GL Accounts), then reload it: reopen and close the invoice."


# ── expenses ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _expense(client: Client, number: str) -> list[Eligibility]:
    ident = re.sub(r"\D", "", number)
    found = _rows(client, "/expense/entries", f"id={ident}") if values.is_number(ident) else []
    tests = [_exists(found, "expense", number)]
    if not found:
        return tests
    row = found[0]
    return [*tests, _personal(row), _approved(row)]


def _personal(row: Row) -> Eligibility:
    kind = expenses.classification(row)
    question = "Is it the company’s to book?"
    if kind == "Personal":
        return Eligibility(
            question, False, "No: it is classified as personal.", "Change its classification if it is not."
        )
    return Eligibility(question, True, f"Yes: {values.text(values.part(row, 'classification'), 'name') or kind}.")


def _approved(row: Row) -> Eligibility:
    question, status = "Is its report approved?", values.text(row, "status")
    if expenses.approval(row) == "approved":
        return Eligibility(question, True, f"Yes: {status}.")
    return Eligibility(
        question,
        False,
        f"No: {status or 'its status is not told'}.",
        "Approve the report; ConnectWise lists it unapproved only where its ticket bills unapproved expenses.",
    )


# ── purchase orders ──────────────────────────────────────────────────────────────────────────────────────────────


def _order(client: Client, number: str) -> list[Eligibility]:
    order = number.partition("/")[0].removeprefix("PO ").strip()
    found = _rows(client, "/procurement/purchaseorders", f"poNumber={_quoted(order)}")
    tests = [_exists(found, "purchase order", order)]
    if not found:
        return tests
    lines = client.pages(f"/procurement/purchaseorders/{values.identity(found[0])}/lineitems")
    return [*tests, _received(lines), _left(lines), _invoiced(found[0])]


def _received(lines: Sequence[Row]) -> Eligibility:
    question = "Is any of its lines received and closed?"
    closed = [line for line in lines if line.get("closedFlag")]
    if closed:
        return Eligibility(question, True, f"{len(closed)} of {len(lines)} are.")
    return Eligibility(
        question, False, "None is.", "Receive the line and close it: that makes its packing slip unposted."
    )


def _left(lines: Sequence[Row]) -> Eligibility:
    question = "Is a received line in no accounting batch yet?"
    free = [line for line in lines if line.get("closedFlag") and not line.get("batchedFlag")]
    if free:
        return Eligibility(question, True, f"{len(free)} are in none.")
    return Eligibility(question, None, "All that are received are batched, or ConnectWise doesn’t say.")


def _invoiced(order: Row) -> Eligibility:
    question, invoice = "Has the vendor’s invoice come?", values.text(order, "vendorInvoiceNumber")
    return (
        Eligibility(question, True, f"Yes: {invoice}.")
        if invoice
        else Eligibility(question, None, "Not yet; it is listed all the same.")
    )
