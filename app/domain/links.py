"""Links: stored cross-references from the PSA to the ledger, and what a document needs of them.

By id. Names serve only to suggest, and to find the entry with exactly the same name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from app.domain.documents import Document, Line, Party


class LinkKind(StrEnum):
    """What can be linked. Accounts and tax codes are never created by us."""

    CUSTOMERS = "customers"
    ITEMS = "items"
    ACCOUNTS = "accounts"
    TAX_CODES = "tax_codes"
    TERMS = "terms"


CREATABLE = (LinkKind.CUSTOMERS, LinkKind.ITEMS, LinkKind.TERMS)

#: One of each, in the words of pages and sentences.
NOUNS = {
    LinkKind.CUSTOMERS: "customer",
    LinkKind.ITEMS: "item",
    LinkKind.ACCOUNTS: "account",
    LinkKind.TAX_CODES: "tax code",
    LinkKind.TERMS: "term",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a ledger's list.

    Attributes:
        number: account number, SKU, or the customer's number, where the ledger has one.
        detail: the ledger's type in words, e.g. ``Income``, ``Inventory``; for people and for filters.
        account_id: an item's income account.
        rate: a tax code's combined rate in percent, as a plain string, where known.
        parts: a tax code's rates as ``id=percent``, separated by blanks, e.g. ``5=6.5 6=2``; where known.
        holder: for names that share one namespace: ``customer``, ``vendor`` or ``employee``.
    """

    kind: LinkKind
    ledger_id: str
    name: str
    active: bool = True
    number: str = ""
    detail: str = ""
    account_id: str = ""
    rate: str = ""
    parts: str = ""
    email: str = ""
    holder: str = ""
    due_days: int | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry to be created in the ledger for a PSA source id that has no counterpart."""

    kind: LinkKind
    source_id: str
    name: str
    party: Party | None = None
    item_kind: str = ""
    description: str = ""
    taxable: bool = False
    account: str = ""
    due_days: int | None = None


@dataclass(frozen=True, slots=True)
class Need:
    """A link that a document cannot be translated without. ``draft`` is None where nothing may be created."""

    kind: LinkKind
    source_id: str
    name: str
    field: str
    draft: Draft | None = None


Links = Mapping[tuple[LinkKind, str], Entry]


@dataclass(frozen=True, slots=True)
class Rules:
    """A Book's settings as translation needs them; a plain value, so that translate stays pure.

    Attributes:
        service_item_source: ``service_gl_account`` (``Service-4000``) or ``gl_account`` (``4000``).
        tax_mode: ``manual``, ``automated``, ``per_line`` (non-US) or ``off``: the company's own model.
        send_numbers: False where the company numbers by itself (CustomTxnNumbers off).
        mark_custom_field: id of a custom field that also carries the mark, or empty.
    """

    service_item_source: str = "service_gl_account"
    tax_mode: str = "manual"
    send_numbers: bool = True
    mark_custom_field: str = ""
    home_currency: str = "USD"
    multi_currency: bool = False
    close_date: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)


def item_source_id(line: Line) -> str:
    """The source id under which a line's item is linked: the product's, or that of its GL account."""
    return line.product.source_id if line.product else f"account:{line.account}"


def item_name(line: Line, rules: Rules) -> str:
    """The name that an item gets when it is created or looked for by exact name."""
    if line.product:
        return line.product.identifier
    return line.account if rules.service_item_source == "gl_account" else f"Service-{line.account}"


def needs(document: Document, rules: Rules) -> list[Need]:
    """Every link the document needs, each once, with the first field that asks for it."""
    found: dict[tuple[LinkKind, str], Need] = {}
    for need in (_party_need(document), *_line_needs(document, rules), *_header_needs(document, rules)):
        found.setdefault((need.kind, need.source_id), need)
    return list(found.values())


def _party_need(document: Document) -> Need:
    party = document.party
    draft = Draft(LinkKind.CUSTOMERS, party.source_id, party.name, party=party)
    return Need(LinkKind.CUSTOMERS, party.source_id, party.name, "party", draft)


def _line_needs(document: Document, rules: Rules) -> Iterable[Need]:
    for number, line in enumerate(document.lines, 1):
        if not line.account:
            continue  # Check holds such a document for its missing GL mapping
        yield Need(LinkKind.ACCOUNTS, line.account, line.account, f"line {number}")
        name = item_name(line, rules)
        kind = line.product.kind if line.product else "Service"
        draft = Draft(
            LinkKind.ITEMS,
            item_source_id(line),
            name,
            item_kind=kind,
            description=line.product.description if line.product else "",
            taxable=line.taxable,
            account=line.account,
        )
        yield Need(LinkKind.ITEMS, draft.source_id, name, f"line {number}", draft)


def _header_needs(document: Document, rules: Rules) -> Iterable[Need]:
    if document.tax_code and document.tax.amount and rules.tax_mode in ("manual", "per_line"):
        yield Need(LinkKind.TAX_CODES, document.tax_code.source_id, document.tax_code.name, "tax")
    if document.terms:
        draft = Draft(LinkKind.TERMS, document.terms.source_id, document.terms.name, due_days=document.terms_due_days)
        yield Need(LinkKind.TERMS, document.terms.source_id, document.terms.name, "terms", draft)
