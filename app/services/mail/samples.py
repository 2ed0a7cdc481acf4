"""What a template makes of a real document: the newest one with time entries, else one that shows every field."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from sqlmodel import Session, col, select

from app.domain import book_settings, codec, line_text, mail_text, templates
from app.domain.documents import SALES, Document, DocumentKind, Line, Party, Work
from app.domain.links import Rules
from app.domain.money import Money
from app.models.connections import Book
from app.models.postings import Posting
from app.services.connections import books
from app.services.mail import customer_mail

#: How many of the newest documents are looked at for one with time entries.
NEWEST = 50


def tried(session: Session, book: Book, key: str, text: str) -> tuple[str, str]:
    """What is shown, and the template's result. An empty template says what stands there without one.

    Raises ValidationError for a template that can't be used.
    """
    if key.startswith("email."):
        return _mail_part(session, book, key, text)
    document, what = _document(session, book)
    rules = books.rules_of(book)
    rules = replace(rules, settings={**rules.settings, key: text})
    if key == "sales.memo_text":
        return what, templates.render(text, line_text.memo_values(document)) if text else document.memo
    worded = line_text.worded(document, rules)
    return what, worded.lines[0].description


def _mail_part(session: Session, book: Book, key: str, text: str) -> tuple[str, str]:
    document, what = _newest(session, book)
    rules = books.rules_of(book)
    rules = replace(rules, settings={**rules.settings, key: text, f"{key}@{document.party.source_id}": ""})
    if key == "email.recipients":
        to = mail_text.recipients(rules, "", document.party.name, psa="ap@psa.example", books="ap@books.example")
        said = "no mail" if to.never else ", ".join([*to.addresses, *(f"{one} (no address)" for one in to.wrong)])
        return "With ap@psa.example in ConnectWise and ap@books.example in QuickBooks:", said or "nobody"
    if key == "email.subject":
        return what, mail_text.subject(rules, document, book.name)
    attached = rules["email.pdf"] != "none"
    return what, "\n\n".join(mail_text.text(rules, document, book.name, attached=attached, pay_link=_link(rules)))


def mailed(session: Session, book: Book) -> dict[str, str]:
    """The mail of the newest invoice, by the company's settings. Raises ValidationError."""
    document, _ = _newest(session, book)
    rules = books.rules_of(book)
    return customer_mail.dressed(
        rules, book, document, attached=rules["email.pdf"] != "none", pay_link=_link(rules)
    )  # fmt: skip


def _link(rules: Rules) -> str:
    return "https://connect.intuit.com/t/…" if rules["email.pay_link"] == "yes" else ""


def _newest(session: Session, book: Book) -> tuple[Document, str]:
    found = session.exec(
        select(Posting.document)
        .where(Posting.book_id == book.id, col(Posting.kind).in_(mail_text.WORDS), col(Posting.document).is_not(None))
        .order_by(col(Posting.id).desc())
    ).first()
    if found is None:
        return SAMPLE, "With made-up values, until an invoice has been read:"
    document = codec.from_json(Document, found)
    return document, f"With {document.number}:"


def _document(session: Session, book: Book) -> tuple[Document, str]:
    query = (
        select(Posting.document)
        .where(Posting.book_id == book.id, col(Posting.kind).in_(SALES), col(Posting.document).is_not(None))
        .order_by(col(Posting.id).desc())
        .limit(NEWEST)
    )
    found = [codec.from_json(Document, data) for data in session.exec(query).all()]
    best = next((document for document in found if any(line.work for line in document.lines)), None)
    if best is None:
        return SAMPLE, "With made-up values, until a Detailed batch has been read:"
    first = next(line for line in best.lines if line.work)
    return replace(best, lines=(first,)), f"With a line of {best.number}:"


SAMPLE = Document(
    kind=DocumentKind.INVOICE,
    records=("0",),
    number="10482",
    psa_type="Standard",
    party=Party("0", "Acme Dental"),
    currency="USD",
    date=dt.date(2026, 3, 31),
    due_date=dt.date(2026, 4, 30),
    terms=None,
    terms_due_days=None,
    lines=(
        Line(
            "48100 / Printer offline",
            Decimal("1.5"),
            Money(Decimal("180.00"), "USD"),
            "4000",
            unit="Hour",
            work=(
                Work(
                    "1", dt.date(2026, 3, 12), "48100", "Printer offline", "", "", "Ana Ortiz", "Technician", "Remote",
                    Decimal("1.5"), Decimal(120), "Cleared the queue, updated the driver.", "Second time this month.",
                ),
            ),
        ),
    ),
    tax=Money(Decimal(0), "USD"),
    tax_levels=(),
    tax_code=None,
    total=Money(Decimal("180.00"), "USD"),
    po_number="PO-7731",
    attention="Jo Reyes",
    sales_rep="K. Grant",
    territory="West",
    agreement="Managed Services",
)  # fmt: skip


def own_texts(settings: Mapping[str, str], names: Mapping[str, str]) -> list[dict[str, str]]:
    """The templates of single customers: key, customer's name, what it is for, text."""
    found = []
    for key, text in settings.items():
        name, _, customer = key.partition("@")
        if customer:
            label = book_settings.setting(key).label
            found.append({"key": key, "customer": names.get(customer, customer), "label": label, "text": text,
                          "setting": name})  # fmt: skip
    return found
