"""Both sides of one record, row by row: the PSA's document on the left, the ledger's picture of it on the right.

Pure. What the ledger's ids are called comes in as entries; where a name is not known, the id stands.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import zip_longest

from app.domain.documents import Address, Basis, Document, DocumentKind, Line, PartyRole
from app.domain.links import Entry, LinkKind, Rules, item_name, item_source_id, party_key
from app.domain.money import cents
from app.domain.pictures import Named, Picture, PicturedLine

#: Stands in a body for what will be created before it is sent.
TO_COME = "0"
Value = str | dt.date


class Agreement(StrEnum):
    """What the spine between the sides says. LEFT_OUT: the ledger doesn't get it; ADDED: it has it from us alone."""

    SAME = "same"
    DIFFERS = "differs"
    LINKED = "linked"
    ADDED = "added"
    LEFT_OUT = "left_out"


@dataclass(frozen=True, slots=True)
class Fact:
    """One row of the heads."""

    label: str
    psa: Value
    mark: Agreement
    books: Value


@dataclass(frozen=True, slots=True)
class LinePair:
    """One line on both sides; ``differing`` names what does not agree: ``amount``, ``quantity``, ``account``."""

    psa: Line | None
    books: PicturedLine | None
    item: str
    account: str
    tax: str
    differing: frozenset[str]

    @property
    def mark(self) -> Agreement:
        return Agreement.DIFFERS if self.differing else Agreement.SAME

    @property
    def price(self) -> Decimal | None:
        """The PSA's amount per unit; None where there is no quantity to divide by."""
        return cents(self.psa.amount.amount / self.psa.quantity) if self.psa and self.psa.quantity else None


@dataclass(frozen=True, slots=True)
class FootRow:
    """One row under the lines; None where a side doesn't say it."""

    label: str
    psa: Decimal | None
    mark: Agreement
    books_label: str
    books: Decimal | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """The whole page's middle. The last row of ``foot`` is the total."""

    facts: tuple[Fact, ...]
    lines: tuple[LinePair, ...]
    foot: tuple[FootRow, ...]

    @property
    def rows(self) -> int:
        return len(self.facts) + len(self.lines) + len(self.foot)

    @property
    def differing(self) -> int:
        """How many rows do not agree."""
        every = [row.mark for part in (self.facts, self.lines, self.foot) for row in part]
        return every.count(Agreement.DIFFERS)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of ids: the ledger's entries by (kind, ledger id), and where PSA ids are linked to."""

    entries: Mapping[tuple[LinkKind, str], Entry]
    links: Mapping[tuple[LinkKind, str], str]

    def name(self, kind: LinkKind, named: Named) -> str:
        """The ledger's own name, else the list's, else the id."""
        entry = self.entries.get((kind, named.ledger_id))
        return named.name or (entry.name if entry else "") or named.ledger_id


def compare(document: Document, picture: Picture, known: Known, rules: Rules) -> Comparison:
    """Row by row, lines in their order."""
    sale = document.kind in (DocumentKind.INVOICE, DocumentKind.CREDIT_MEMO)
    return Comparison(
        facts=tuple(fact for fact in _facts(document, picture, known) if fact.psa or fact.books),
        lines=tuple(
            _pair(psa, books, known, rules, sale=sale) for psa, books in zip_longest(document.lines, picture.lines)
        ),
        foot=(*_sums(document, picture), *_taxes(document, picture), _total(document, picture)),
    )


# ── heads ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _facts(document: Document, picture: Picture, known: Known) -> list[Fact]:
    terms, code = document.terms, document.tax_code
    return [
        _party(document, picture, known),
        Fact("Number", document.own_number, _number(document.number, picture.number), picture.number),
        _plain("Date", document.date, picture.date),
        _plain("Due date", document.due_date, picture.due_date),
        _linked("Terms", LinkKind.TERMS, terms.source_id if terms else "", terms.name if terms else "",
                picture.terms, known),
        _linked("Tax code", LinkKind.TAX_CODES, code.source_id if code else "", code.name if code else "",
                picture.tax_code, known),
        Fact("Location", document.location.name if document.location else "", Agreement.LEFT_OUT, ""),
        _order(document.po_number, picture.note),
        Fact("Bill to", one_line(document.party.billing_address), Agreement.LEFT_OUT, ""),
        Fact("Memo", document.memo, Agreement.ADDED, picture.note),
    ]  # fmt: skip


def _party(document: Document, picture: Picture, known: Known) -> Fact:
    party, vendor = document.party, document.party.role is PartyRole.VENDOR
    kind = LinkKind.VENDORS if vendor else LinkKind.CUSTOMERS
    return _linked(str(party.role).capitalize(), kind, party.source_id, party.name, picture.party, known)


def _plain(label: str, psa: Value | None, books: Value | None) -> Fact:
    if psa and not books:
        return Fact(label, psa, Agreement.LEFT_OUT, "")
    if books and not psa:  # a bill's due date comes of its terms
        return Fact(label, "", Agreement.ADDED, books)
    return Fact(label, psa or "", Agreement.SAME if psa == books else Agreement.DIFFERS, books or "")


def _linked(label: str, kind: LinkKind, source_id: str, name: str, books: Named, known: Known) -> Fact:
    if not books:
        return Fact(label, name, Agreement.LEFT_OUT, "")
    if books.ledger_id == TO_COME:
        return Fact(label, _with_id(name, source_id), Agreement.ADDED, f"{name} · will be created")
    expected = known.links.get((kind, source_id), "")
    mark = Agreement.LINKED if expected in ("", books.ledger_id) and name else Agreement.DIFFERS
    return Fact(label, _with_id(name, source_id), mark, _with_id(known.name(kind, books), books.ledger_id))


def _with_id(name: str, ident: str) -> str:
    return f"{name} · {ident}" if name and ident and name != ident else name or ident


def _number(psa: str, books: str) -> Agreement:
    """A ledger that numbers by itself gets none; one with a short field gets the end of it."""
    if psa == books:
        return Agreement.SAME
    return Agreement.LEFT_OUT if not books or psa.endswith(books) else Agreement.DIFFERS


def _order(po_number: str, note: str) -> Fact:
    there = bool(po_number) and po_number in note
    return Fact("PO number", po_number, Agreement.SAME if there else Agreement.LEFT_OUT,
                f"{po_number} · in the memo" if there else "")  # fmt: skip


def one_line(address: Address) -> str:
    """``1401 Dock St, Tacoma WA 98402``."""
    town = " ".join(part for part in (address.city, address.region, address.postal_code) if part)
    return ", ".join(part for part in (*address.lines, town, address.country) if part)


# ── lines ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _pair(psa: Line | None, books: PicturedLine | None, known: Known, rules: Rules, *, sale: bool) -> LinePair:
    account = _account(books, known, sale=sale) if books else Named()
    return LinePair(
        psa,
        books,
        item=_item(psa, books, known, rules),
        account=known.name(LinkKind.ACCOUNTS, account),
        tax=known.name(LinkKind.TAX_CODES, books.tax) if books else "",
        differing=frozenset(_differing(psa, books, known, account.ledger_id)),
    )


def _item(psa: Line | None, books: PicturedLine | None, known: Known, rules: Rules) -> str:
    if books is None:
        return ""
    if books.item.ledger_id == TO_COME:
        return f"{item_name(psa, rules)} (will be created)" if psa else ""
    return known.name(LinkKind.ITEMS, books.item)


def _account(books: PicturedLine, known: Known, *, sale: bool) -> Named:
    """Where the line is booked: as the ledger says, else by its item: sales have another account than purchases."""
    if books.account:
        return books.account
    item = known.entries.get((LinkKind.ITEMS, books.item.ledger_id))
    if item is None:
        return Named()
    account = item.account_id if sale else item.asset_account_id or item.cost_account_id
    return Named(account) if account not in ("", TO_COME) else Named()


def _differing(psa: Line | None, books: PicturedLine | None, known: Known, booked: str) -> list[str]:
    if psa is None or books is None:
        return ["amount"]
    found = []
    if cents(psa.amount.amount) != cents(books.amount):
        found.append("amount")
    if books.quantity is not None and abs(books.quantity) != abs(psa.quantity):
        found.append("quantity")
    wanted = known.links.get((LinkKind.ACCOUNTS, psa.account), "")
    if wanted and booked and wanted != booked:
        found.append("account")
    return found


def needed(document: Document) -> set[tuple[LinkKind, str]]:
    """Every PSA id whose link the comparison asks for."""
    key = party_key(document)
    found = {key} if key else set()
    found |= {(LinkKind.ITEMS, item_source_id(line)) for line in document.lines if line.basis is Basis.ITEM}
    found |= {(LinkKind.ACCOUNTS, line.account) for line in document.lines}
    if document.terms:
        found.add((LinkKind.TERMS, document.terms.source_id))
    if document.tax_code:
        found.add((LinkKind.TAX_CODES, document.tax_code.source_id))
    return found


# ── foot ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _foot(label: str, psa: Decimal, books_label: str, books: Decimal) -> FootRow:
    same = Agreement.SAME if cents(psa) == cents(books) else Agreement.DIFFERS
    return FootRow(label, cents(psa), same, books_label, cents(books))


def _sums(document: Document, picture: Picture) -> list[FootRow]:
    return [_foot("Subtotal", document.subtotal.amount, "Subtotal", picture.subtotal)]


def _taxes(document: Document, picture: Picture) -> list[FootRow]:
    """Level beside rate where there are as many of each, else one after the other; then what they come to."""
    levels = [(f"{level.name or 'Tax'}{_percent(level.rate)}", level.amount.amount) for level in document.tax_levels]
    parts = [(f"Rate{_percent(part.percent)}", part.amount) for part in picture.tax_parts]
    if len(levels) == 1 and not parts and levels[0][1] == document.tax.amount:
        return [_foot(*levels[0], "Tax", picture.tax or Decimal(0))]
    if len(levels) == len(parts):
        rows = [_foot(a, psa, b, books) for (a, psa), (b, books) in zip(levels, parts, strict=True)]
    else:
        rows = [FootRow(label, cents(amount), Agreement.LEFT_OUT, "", None) for label, amount in levels]
        rows += [FootRow("", None, Agreement.ADDED, label, cents(amount)) for label, amount in parts]
    if len(rows) == 1 and rows[0].books is not None:
        return rows
    return [*rows, _foot("Tax", document.tax.amount, "Tax", picture.tax or Decimal(0))]


def _percent(rate: Decimal | None) -> str:
    return f" {rate.normalize():f} %" if rate is not None else ""


def _total(document: Document, picture: Picture) -> FootRow:
    label = f"Total, {document.currency}"
    return _foot(label, document.total.amount, label, picture.whole)
