"""Links: stored cross-references from the PSA to the ledger, and what a document needs of them.

By id. Names serve only to suggest, and to find the entry with exactly the same name.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from app.domain.documents import SALES, Basis, Document, DocumentKind, Line, Party, PartyRole, Reference
from app.domain.states import RecordKind


class LinkKind(StrEnum):
    """What can be linked. Accounts and tax codes are never created by us."""

    CUSTOMERS = "customers"
    VENDORS = "vendors"
    ITEMS = "items"
    ACCOUNTS = "accounts"
    TAX_CODES = "tax_codes"
    TERMS = "terms"
    CLASSES = "classes"
    LOCATIONS = "locations"


CREATABLE = (
    LinkKind.CUSTOMERS,
    LinkKind.VENDORS,
    LinkKind.ITEMS,
    LinkKind.TERMS,
    LinkKind.CLASSES,
    LinkKind.LOCATIONS,
)
#: Kinds whose names the ledger keeps in one namespace: a customer can't be named like a vendor.
NAMESPACE = (LinkKind.CUSTOMERS, LinkKind.VENDORS)
#: A document goes without these where they are not linked and the Book's policy is never.
DISPENSABLE = (LinkKind.TERMS, LinkKind.CLASSES, LinkKind.LOCATIONS)

#: One of each, in the words of pages and sentences.
NOUNS = {
    LinkKind.CUSTOMERS: "customer",
    LinkKind.VENDORS: "vendor",
    LinkKind.ITEMS: "item",
    LinkKind.ACCOUNTS: "account",
    LinkKind.TAX_CODES: "tax code",
    LinkKind.TERMS: "term",
    LinkKind.CLASSES: "class",
    LinkKind.LOCATIONS: "location",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a ledger's list.

    Attributes:
        number: account number, SKU, or the customer's number, where the ledger has one.
        detail: the ledger's type in words, e.g. ``Income``, ``Inventory``; for people and for filters.
        account_id: an item's income account.
        cost_account_id, asset_account_id: what its cost is booked to, and an inventory item's asset account.
        rate: a tax code's combined rate in percent, as a plain string, where known.
        parts: a tax code's rates as ``id=percent``, separated by blanks, e.g. ``5=6.5 6=2``; where known. Rates that
            hold only for what is bought have ``p:`` before them.
        holder: for names that share one namespace: ``customer``, ``vendor`` or ``employee``.
        path: a sub-customer's name with those above it, ``Acme:Branch``.
    """

    kind: LinkKind
    ledger_id: str
    name: str
    active: bool = True
    number: str = ""
    detail: str = ""
    account_id: str = ""
    cost_account_id: str = ""
    asset_account_id: str = ""
    currency: str = ""
    rate: str = ""
    parts: str = ""
    email: str = ""
    holder: str = ""
    path: str = ""
    due_days: int | None = None

    @property
    def its_own(self) -> bool:
        """False for what only holds a name in the list's namespace: a vendor among customers."""
        return self.holder in ("", self.kind.removesuffix("s"))


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry to be created in the ledger for a PSA source id that has no counterpart.

    ``parent`` is the name of the customer that a sub-customer stands under, ``chosen`` a person's name for the entry.
    ``account`` is an item's income account as the PSA's GL account string, ``cost_account`` and ``inventory_account``
    likewise; ``since`` the day from which an inventory item must have stock.
    """

    kind: LinkKind
    source_id: str
    name: str
    party: Party | None = None
    parent: str = ""
    chosen: str = ""
    item_kind: str = ""
    description: str = ""
    taxable: bool = False
    account: str = ""
    due_days: int | None = None
    cost_account: str = ""
    inventory_account: str = ""
    category: str = ""
    currency: str = ""
    since: str = ""


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
        settings: every setting of the Book by its key, defaults filled in (see book_settings).
        extra: what else the company's preferences decide, e.g. ``classes``: ``off``, ``line`` or ``document``.
    """

    service_item_source: str = "service_gl_account"
    tax_mode: str = "manual"
    send_numbers: bool = True
    mark_custom_field: str = ""
    home_currency: str = "USD"
    multi_currency: bool = False
    close_date: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, key: str) -> str:
        """A setting of the Book; empty where it is not set and has no default."""
        return self.settings.get(key, "")


#: Before the name of a product category of the PSA: it is linked among items, which ledgers keep it with.
CATEGORY = "category:"


def is_category(entry: Entry) -> bool:
    """A heading among items: nothing is sold by it."""
    return entry.kind is LinkKind.ITEMS and entry.detail == "Category"


def above(draft: Draft, rules: Rules) -> list[Draft]:
    """What an entry stands under and which must be there before it: the outermost first."""
    if draft.kind in (LinkKind.CLASSES, LinkKind.LOCATIONS):
        levels = draft.name.split(":")
        before = draft.source_id.removesuffix(draft.name)
        paths = [":".join(levels[:n]) for n in range(1, len(levels))]
        return [Draft(draft.kind, before + path, path) for path in paths]
    if draft.kind is LinkKind.ITEMS and draft.category and rules["inventory.categories"] == "yes":
        return [Draft(LinkKind.ITEMS, CATEGORY + draft.category, draft.category, item_kind="Category")]
    return []


def party_key(document: Document) -> tuple[LinkKind, str] | None:
    """The link of the document's party; None where it has none."""
    party = document.party
    if not party.source_id:
        return None
    return (LinkKind.VENDORS if party.role is PartyRole.VENDOR else LinkKind.CUSTOMERS), party.source_id


def kinds_of(kind: RecordKind, rules: Rules) -> tuple[LinkKind, ...]:
    """The lists of the ledger that records of this kind can need, given the Book's settings."""
    found = [LinkKind.ITEMS, LinkKind.ACCOUNTS, LinkKind.TAX_CODES, LinkKind.TERMS]
    if kind is not RecordKind.INVOICES:
        found.append(LinkKind.VENDORS)
    if kind is RecordKind.INVOICES or "yes" in (rules["purchases.customer"], rules["purchases.billable"]):
        found.append(LinkKind.CUSTOMERS)
    if rules["categories.classes"] == "yes":
        found.append(LinkKind.CLASSES)
    if rules["categories.locations"] not in ("", "no"):
        found.append(LinkKind.LOCATIONS)
    return tuple(found)


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
    asked = (
        *_party_needs(document, rules), *_line_needs(document, rules), *_header_needs(document, rules),
        *_customer_needs(document, rules), *_category_needs(document, rules),
    )  # fmt: skip
    for need in asked:
        found.setdefault((need.kind, need.source_id), need)
    return list(found.values())


def item_key(line: Line, links: Links, rules: Rules) -> tuple[LinkKind, str]:
    """The link of a line's item: of its variant where the Book wants one for an account that the item doesn't book to.

    A variant is an item of its own, ``SKU – account``, linked under the product and the account: ``501@4000``.
    """
    key = (LinkKind.ITEMS, item_source_id(line))
    if rules["sales.account_conflict"] != "variant" or line.product is None or not books_elsewhere(line, links):
        return key
    return LinkKind.ITEMS, f"{key[1]}@{line.account}"


def books_elsewhere(line: Line, links: Links) -> bool:
    """Whether the line's item earns to another account than the PSA says for the line."""
    item = links.get((LinkKind.ITEMS, item_source_id(line)))
    account = links.get((LinkKind.ACCOUNTS, line.account))
    own = item.account_id if item and line.basis is Basis.ITEM else ""
    return bool(own and account and own != account.ledger_id)


def variants(document: Document, links: Links, rules: Rules) -> list[Need]:
    """What a document needs beside ``needs``, which only its links can tell: items for other accounts."""
    if document.kind not in SALES or rules["sales.account_conflict"] != "variant":
        return []
    found: dict[str, Need] = {}
    for number, line in enumerate(document.lines, 1):
        kind, source_id = item_key(line, links, rules)
        if line.product is None or source_id == item_source_id(line):
            continue
        name = f"{line.product.identifier} – {line.account}"
        draft = _item_draft(document, line, rules)
        draft = replace(draft, source_id=source_id, name=name, account=line.account)
        found.setdefault(source_id, Need(kind, source_id, name, f"line {number}", draft))
    return list(found.values())


def location_of(document: Document, rules: Rules, line: Line | None = None) -> Reference | None:
    """What the Book's settings make the document's location; of an entry's line its own account's class segment."""
    match rules["categories.locations"]:
        case "class":
            named = (line.gl_class if line else "") or document.header_class
            return Reference(f"class:{named}", named) if named else None
        case "territory" | "sales_rep" | "project" | "agreement" as fact:
            named = document.category(fact)
            return Reference(f"{fact}:{named}", named) if named else None
        case "location":
            return document.location
    return None


def names_customer(line: Line, rules: Rules) -> bool:
    """Whether a cost's line says for whom it was made. A billable line must."""
    billable = line.billable and rules["purchases.billable"] == "yes"
    return line.customer is not None and (billable or rules["purchases.customer"] == "yes")


def _customer_needs(document: Document, rules: Rules) -> Iterable[Need]:
    if document.kind in SALES or document.kind is DocumentKind.INVENTORY_ADJUSTMENT:
        return
    for number, line in enumerate(document.lines, 1):
        if line.customer and names_customer(line, rules):
            party = Party(line.customer.source_id, line.customer.name)
            draft = _party_draft(LinkKind.CUSTOMERS, party, document, rules)
            own = rules.home_currency if rules.multi_currency else ""  # a cost says nothing of what it is sold in
            draft = replace(draft, currency=own)
            yield Need(LinkKind.CUSTOMERS, party.source_id, party.name, f"line {number}", draft)


def _category_needs(document: Document, rules: Rules) -> Iterable[Need]:
    """Classes of lines and locations, where the Book's settings use them."""
    lines = document.lines
    if rules["categories.classes"] == "yes":
        for number, line in enumerate(lines, 1):
            if line.gl_class:
                draft = Draft(LinkKind.CLASSES, line.gl_class, line.gl_class)
                yield Need(LinkKind.CLASSES, line.gl_class, line.gl_class, f"line {number}", draft)
    per_line = lines if document.kind is DocumentKind.JOURNAL_ENTRY else ()
    for found in (location_of(document, rules), *(location_of(document, rules, line) for line in per_line)):
        if found:
            draft = Draft(LinkKind.LOCATIONS, found.source_id, found.name)
            yield Need(LinkKind.LOCATIONS, found.source_id, found.name, "location", draft)


def _party_needs(document: Document, rules: Rules) -> Iterable[Need]:
    key, party = party_key(document), document.party
    if key:
        yield Need(key[0], party.source_id, party.name, "party", _party_draft(key[0], party, document, rules))


def _party_draft(kind: LinkKind, party: Party, document: Document, rules: Rules) -> Draft:
    """By the Book's rules for names: what stands before the colon is the parent, the account number goes behind."""
    parent, name = "", party.name
    if kind is LinkKind.CUSTOMERS and rules["contacts.sub_customers"] == "yes":
        parent, _, name = (part.strip() for part in party.name.rpartition(":"))
    name = name or party.name
    if rules["contacts.append_account"] == "yes" and party.account_number:
        name = f"{name} ({party.account_number})"
    currency = document.currency if rules.multi_currency else ""
    return Draft(kind, party.source_id, name, party=party, parent=parent, currency=currency)


def _line_needs(document: Document, rules: Rules) -> Iterable[Need]:
    for number, line in enumerate(document.lines, 1):
        if not line.account:
            continue  # Check holds such a document for its missing GL mapping
        yield Need(LinkKind.ACCOUNTS, line.account, line.account, f"line {number}")
        if line.basis is Basis.ACCOUNT:
            continue
        draft = _item_draft(document, line, rules)
        yield Need(LinkKind.ITEMS, draft.source_id, draft.name, f"line {number}", draft)


def _item_draft(document: Document, line: Line, rules: Rules) -> Draft:
    product = line.product
    return Draft(
        LinkKind.ITEMS,
        item_source_id(line),
        item_name(line, rules),
        item_kind=product.kind if product else "Service",
        description=product.description if product else "",
        taxable=line.taxable,
        account=_income_account(document, line),
        cost_account=cost_account(document, line) if product else "",
        inventory_account=product.inventory_account if product else "",
        category=product.category if product else "",
        since=document.date.isoformat(),
    )


def _income_account(document: Document, line: Line) -> str:
    """What a sale of the line's item earns: the line's own account on a sale; bought or counted, its product's."""
    if document.kind in SALES or line.product is None:
        return line.account
    return line.product.income_account


def cost_account(document: Document, line: Line) -> str:
    """What a purchase of the line's item costs: its product's account, else that of the line where it is bought."""
    own = line.product.cost_account if line.product else ""
    return own or ("" if document.kind in SALES else line.account)


def _header_needs(document: Document, rules: Rules) -> Iterable[Need]:
    if document.paid_from:
        yield Need(LinkKind.ACCOUNTS, document.paid_from, document.paid_from, "paid from")
    if document.header_account and document.kind is DocumentKind.INVENTORY_ADJUSTMENT:
        yield Need(LinkKind.ACCOUNTS, document.header_account, document.header_account, "adjustment account")
    if document.tax_code and document.tax.amount and rules.tax_mode in ("manual", "per_line"):
        yield Need(LinkKind.TAX_CODES, document.tax_code.source_id, document.tax_code.name, "tax")
    if document.terms:
        draft = Draft(LinkKind.TERMS, document.terms.source_id, document.terms.name, due_days=document.terms_due_days)
        known = None if _from_month_end(document) else draft
        yield Need(LinkKind.TERMS, document.terms.source_id, document.terms.name, "terms", known)


def _from_month_end(document: Document) -> bool:
    """Terms that don't count from the document's date: ledgers let nobody create them from outside."""
    if document.due_date is None or document.terms_due_days is None:
        return False
    return document.due_date != document.date + dt.timedelta(days=document.terms_due_days)
