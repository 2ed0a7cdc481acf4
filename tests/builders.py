"""The fixed cast: documents, records and list entries that tests say only the interesting part of."""

from __future__ import annotations

import datetime as dt
import hashlib
from decimal import Decimal

from app.connectors.protocols import Exported, UnpostedRecord
from app.domain.documents import Document, DocumentKind, Line, Party, Product, Reference
from app.domain.links import Entry, LinkKind
from app.domain.money import Money
from app.domain.states import RecordKind

THE_DAY = dt.date(2026, 11, 22)
ACME = Party("77", "Acme Dental", email="ap@acme.example")
BOLT = Party("78", "Bolt & Nut Co", email="ap@bolt.example")


def money(amount: str, currency: str = "USD") -> Money:
    return Money(Decimal(amount), currency)


def a_line(amount: str = "200.00", account: str = "4100", product: Product | None = None) -> Line:
    return Line("Managed services", Decimal(1), money(amount), account, product=product, taxable=True)


def a_document(
    record: str = "39005",
    *,
    number: str = "",
    party: Party = ACME,
    lines: tuple[Line, ...] = (),
    tax: str = "14.00",
    kind: DocumentKind = DocumentKind.INVOICE,
    total: str | None = None,
    terms: Reference | None = None,
    tax_code: Reference | None = None,
) -> Document:
    """Crossfoots unless ``total`` says otherwise. Without lines: one of 200.00 on account 4100."""
    lines = lines or (a_line(),)
    right = sum((line.amount.amount for line in lines), Decimal(tax))
    return Document(
        kind=kind,
        records=(record,),
        number=number or _number(record),
        psa_type="Standard",
        party=party,
        currency="USD",
        date=THE_DAY,
        due_date=THE_DAY + dt.timedelta(days=30),
        terms=terms,
        terms_due_days=30 if terms else None,
        lines=lines,
        tax=money(tax),
        tax_levels=(),
        tax_code=tax_code,
        total=Money(Decimal(total) if total else right, "USD"),
    )


def a_record(document: Document, *, location: str = "1", location_name: str = "Springfield") -> UnpostedRecord:
    """The row of the PSA's list that belongs to a document."""
    total = document.signed_total.amount
    facts = f"{document.number}|{document.date}|{document.party.source_id}|{total}|{document.tax.amount}"
    return UnpostedRecord(
        record=document.records[0],
        kind=RecordKind.INVOICES,
        number=document.number,
        psa_type=document.psa_type,
        party_id=document.party.source_id,
        party=document.party.name,
        date=document.date,
        due_date=document.due_date,
        currency=document.currency,
        total=total,
        tax=document.tax.amount,
        location_id=location,
        location=location_name,
        terms_id=document.terms.source_id if document.terms else "",
        terms=document.terms.name if document.terms else "",
        date_closed="",
        fingerprint=hashlib.sha256(facts.encode()).hexdigest(),
    )


def an_export(document: Document, gl_ids: tuple[int, ...] = ()) -> Exported:
    record = document.records[0]
    return Exported(record, document, gl_ids or (int(record) * 10, int(record) * 10 + 1), snapshot={"id": record})


def an_entry(kind: LinkKind, ledger_id: str, name: str, **rest: object) -> Entry:
    return Entry(kind, ledger_id, name, **rest)  # type: ignore[arg-type]  # the test's own keywords


def _number(record: str) -> str:
    return str(int(record) - 28523)
