"""Mails to customers: to whom, and what they say, by the Book's or the customer's templates."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass

from app.domain import templates
from app.domain.documents import Document, DocumentKind
from app.domain.line_text import template_for
from app.domain.links import Rules
from app.domain.mail_addresses import is_address

#: What a subject and a text may name.
MAIL_FIELDS = (
    "document", "number", "date", "due_date", "total", "customer", "attention", "company", "po_number", "sales_rep",
    "territory", "project", "agreement", "attached", "pay_link",
)  # fmt: skip
#: What a rule for recipients may name.
RECIPIENT_FIELDS = ("psa_address", "books_address", "customer")
#: As the text of a rule: this customer gets no mail.
NEVER = "never"
MOST_RECIPIENTS = 5

SUBJECT = "{{ document }} {{ number }} from {{ company }}"
#: Each line becomes a paragraph; empty ones are left out.
TEXT = """\
Hello{% if attention %} {{ attention }}{% endif %},

{% if attached %}
Please find attached our {{ document | lower }} {{ number }} of {{ date }} for {{ total }}.
{% else %}
This is about our {{ document | lower }} {{ number }} of {{ date }} for {{ total }}.
{% endif %}
{% if due_date %}
It is due on {{ due_date }}.
{% endif %}
Thank you for your business.
{{ company }}"""
WORDS = {DocumentKind.INVOICE: "Invoice", DocumentKind.CREDIT_MEMO: "Credit memo"}


@dataclass(frozen=True, slots=True)
class Recipients:
    """Who gets the mail. ``never``: the customer opted out; ``wrong``: texts that are no addresses."""

    addresses: tuple[str, ...] = ()
    never: bool = False
    wrong: tuple[str, ...] = ()


def recipients(rules: Rules, customer_id: str, customer: str, *, psa: str, books: str) -> Recipients:
    """By the customer's own rule, else the Book's, else its setting. Raises ValidationError for a broken template."""
    rule = template_for(rules, "email.recipients", customer_id).strip()
    if rule.casefold() == NEVER:
        return Recipients(never=True)
    if rule:
        text = templates.render(rule, {"psa_address": psa, "books_address": books, "customer": customer})
    else:
        text = {"psa": psa, "books": books, "books_psa": books or psa}.get(rules["email.to"], psa or books)
    found = list(dict.fromkeys(one for part in re.split(r"[,;\s]+", text) if (one := part.strip("<>"))))
    wrong = tuple(one for one in found if not is_address(one))
    right = tuple(one for one in found if is_address(one))
    return Recipients(right[:MOST_RECIPIENTS], wrong=wrong)


def needs(rules: Rules, customer_id: str) -> tuple[bool, bool]:
    """Whether the PSA's and the ledger's address are needed at all: each costs a call."""
    rule, to = template_for(rules, "email.recipients", customer_id), rules["email.to"]
    if rule:
        return "psa_address" in rule, "books_address" in rule
    return to != "books", to != "psa"


def subject(rules: Rules, document: Document, company: str) -> str:
    """One line of at most 250 characters. Raises ValidationError."""
    text = templates.render(
        template_for(rules, "email.subject", document.party.source_id) or SUBJECT, values(document, company)
    )
    return " ".join(text.split())[:250]


def text(rules: Rules, document: Document, company: str, *, attached: bool, pay_link: str) -> tuple[str, ...]:
    """The paragraphs. Raises ValidationError."""
    template = template_for(rules, "email.text", document.party.source_id) or TEXT
    filled = templates.render(template, values(document, company, attached=attached, pay_link=pay_link))
    return tuple(filled.splitlines())


def values(document: Document, company: str, *, attached: bool = False, pay_link: str = "") -> dict[str, str]:
    """Every field of a mail's template."""
    return {
        "document": word(document.kind),
        "number": document.own_number,
        "date": day(document.date),
        "due_date": due(document),
        "total": f"{document.currency} {document.total.amount:,.2f}",
        "customer": document.party.name,
        "attention": document.attention,
        "company": company,
        "po_number": document.po_number,
        "sales_rep": document.sales_rep,
        "territory": document.territory,
        "project": document.project,
        "agreement": document.agreement,
        "attached": "yes" if attached else "",
        "pay_link": pay_link,
    }


def facts(document: Document) -> Mapping[str, str]:
    """What stands in the mail's little table."""
    found = {
        word(document.kind): document.own_number,
        "Date": day(document.date),
        "Due": due(document),
        "PO number": document.po_number,
        "Total": f"{document.currency} {document.total.amount:,.2f}",
    }
    return {name: value for name, value in found.items() if value}


def due(document: Document) -> str:
    """The day it is due, as ``day`` says it; empty for whatever nobody pays, such as a credit memo."""
    return day(document.due_date) if document.due_date and document.kind is DocumentKind.INVOICE else ""


def word(kind: DocumentKind) -> str:
    """``Invoice``."""
    return WORDS.get(kind, "Document")


def day(date: dt.date) -> str:
    """``31 March 2026``: read alike on both sides of the ocean."""
    return f"{date.day} {date:%B %Y}"
