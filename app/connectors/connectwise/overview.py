"""All invoices, page by page, and the agreements: what ConnectWise shows beside its list of unposted records."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal

from app.connectors.connectwise import values
from app.connectors.connectwise.answers import PsaError
from app.connectors.connectwise.client import PAGE_SIZE, Client
from app.connectors.connectwise.values import Row
from app.connectors.overviews import AgreementInPsa, InvoiceInPsa, InvoicePage
from app.domain.money import cents

INVOICES, AGREEMENTS, STATUSES = "/finance/invoices", "/finance/agreements", "/finance/billingStatuses"
#: Only what is used: a page of a thousand whole invoices is megabytes.
FIELDS = (
    "id,invoiceNumber,type,status,company,billToCompany,date,currency,total,salesTax,balance,taxCode,agreement,glBatch"
)


def closed_statuses(client: Client) -> Mapping[str, bool]:
    """Billing statuses by id, and whether each closes; empty where the role may not read them."""
    try:
        return {values.identity(row): bool(row.get("closedFlag")) for row in client.pages(STATUSES)}
    except PsaError as error:
        if error.code in {"role_too_weak", "not_found", "bad_request"}:
            return {}
        raise


def page(client: Client, first: dt.date, number: int, statuses: Mapping[str, bool], currency: str) -> InvoicePage:
    """One page, in the order of ids so that pages don't shift. Filtered again: a server may ignore conditions."""
    asked = {
        "conditions": f"date >= [{first}]", "fields": FIELDS, "orderBy": "id asc",
        "pageSize": str(PAGE_SIZE), "page": str(number),
    }  # fmt: skip
    _, found = client.page(INVOICES, asked)
    invoices, unread = [], []
    for row in found:
        if not isinstance(row, dict):
            continue
        try:
            invoice = _invoice(row, statuses, currency)
        except ValueError:
            unread.append(values.text(row, "invoiceNumber") or values.identity(row) or "?")
            continue
        if invoice.date >= first:
            invoices.append(invoice)
    return InvoicePage(tuple(invoices), len(found) >= PAGE_SIZE, tuple(unread))


def _invoice(row: Row, statuses: Mapping[str, bool], currency: str) -> InvoiceInPsa:
    record, date = values.identity(row), values.date(row, "date")
    if not record or date is None:
        raise ValueError("An invoice has an id and a date.")
    total, tax, rest = (cents(values.amount(row, name)) for name in ("total", "salesTax", "balance"))
    if values.text(row, "type").replace(" ", "").lower() == "creditmemo":
        total, tax, rest = -abs(total), -abs(tax), -abs(rest)  # a credit whichever sign it carries
    party, status = values.part(row, "billToCompany") or values.part(row, "company"), values.part(row, "status")
    return InvoiceInPsa(
        record=record,
        number=values.text(row, "invoiceNumber"),
        psa_type=values.text(row, "type"),
        party_id=values.identity(party),
        party=values.text(party, "name", "identifier"),
        date=date,
        currency=values.currency(row, currency),
        total=total,
        tax=tax,
        open=rest,
        tax_code=values.text(values.part(row, "taxCode"), "name"),
        status=values.text(status, "name"),
        closed=statuses.get(values.identity(status), bool(status.get("isClosed"))),
        batch=values.text(values.part(row, "glBatch"), "name", "id"),
        agreement_id=values.identity(values.part(row, "agreement")),
    )


def agreements(client: Client, currency: str) -> list[AgreementInPsa]:
    """Every agreement that can be read, without its additions, which are a call each."""
    return [agreement for row in _readable(client, AGREEMENTS) if (agreement := _agreement(row, currency))]


def additions(client: Client, agreement: str, first: dt.date, last: dt.date) -> Decimal:
    """What the additions that are in force in these days bill: quantity above what is included, by price."""
    rows = _readable(client, f"{AGREEMENTS}/{agreement}/additions") if values.is_number(agreement) else []
    return sum((_billed(row, first, last) for row in rows), Decimal(0))


def _billed(row: Row, first: dt.date, last: dt.date) -> Decimal:
    try:
        begins, ends = values.date(row, "effectiveDate"), values.date(row, "cancelledDate")
        quantity, included, price = (values.amount(row, name) for name in ("quantity", "lessIncluded", "unitPrice"))
    except ValueError:
        return Decimal(0)
    runs = (begins is None or begins <= last) and (ends is None or ends >= first)
    billable = values.text(row, "billCustomer") == "Billable"
    return cents(max(quantity - included, Decimal(0)) * price) if runs and billable else Decimal(0)


def _readable(client: Client, path: str) -> Sequence[Row]:
    """Nothing where the role or this version does not offer it."""
    try:
        return client.pages(path)
    except PsaError as error:
        if error.code in {"role_too_weak", "not_found", "bad_request"}:
            return []
        raise


def _agreement(row: Row, currency: str) -> AgreementInPsa | None:
    company = values.part(row, "billToCompany") or values.part(row, "company")
    ident = values.identity(row)
    try:
        return AgreementInPsa(
            agreement=ident,
            name=values.text(row, "name"),
            party_id=values.identity(company),
            party=values.text(company, "name", "identifier"),
            currency=values.currency(row, currency),
            amount=cents(values.amount(row, "billAmount")),
            cycle=values.text(values.part(row, "billingCycle"), "name"),
            starts=values.date(row, "billStartDate") or values.date(row, "startDate"),
            ends=None if row.get("noEndingDateFlag") else values.date(row, "endDate"),
            cancelled=bool(row.get("cancelledFlag")),
        ) if ident else None  # fmt: skip
    except ValueError:
        return None
