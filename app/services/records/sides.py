"""Both sides of a record with names instead of ids: what the proof page shows in its middle."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import tuple_
from sqlmodel import Session, col, select

from app.connectors.protocols import Destination
from app.domain import comparison
from app.domain.comparison import Comparison, Known
from app.domain.documents import Document
from app.domain.links import Entry, LinkKind, party_key
from app.domain.outcomes import Receipt
from app.domain.pictures import Picture
from app.models.connections import Book, Link, ListEntry
from app.services.connections import books
from app.services.mapping import lists
from app.services.records.proofs import Proof

Key = tuple[LinkKind, str]


def compared(session: Session, book: Book, proof: Proof, destination: Destination) -> Comparison | None:
    """The document beside what the ledger stored, or will get; None where one of them is not to be had."""
    fields = proof.receipt.stored if proof.receipt and proof.receipt.stored else proof.body
    if proof.document is None or not fields:
        return None
    return _compare(session, book, proof.document, destination.picture(fields))


def beside(
    session: Session, book: Book, document: Document, candidates: Iterable[Receipt], destination: Destination
) -> list[tuple[Receipt, Comparison]]:
    """The document beside each document of the books that may be the same."""
    return [
        (found, _compare(session, book, document, destination.picture(found.stored)))
        for found in candidates
        if found.stored
    ]


def _compare(session: Session, book: Book, document: Document, picture: Picture) -> Comparison:
    key, wanted = party_key(document), comparison.needed(document)
    own = (key[0], f"{key[1]}@{document.currency}") if key else None
    linked = _links(session, book, {*wanted, own} if own else wanted)
    if key and own in linked:
        linked[key] = linked[own]  # for documents in this currency
    entries = _entries(session, book, _ids(picture, key[0] if key else LinkKind.CUSTOMERS))
    accounts = {
        (LinkKind.ACCOUNTS, account)
        for entry in entries.values()
        for account in (entry.account_id, entry.cost_account_id, entry.asset_account_id)
        if account
    }
    entries |= _entries(session, book, accounts)
    return comparison.compare(document, picture, Known(entries, linked), books.rules_of(book))


def _ids(picture: Picture, party: LinkKind) -> set[Key]:
    """Every entry of the ledger's lists that the picture refers to."""
    found = {
        (party, picture.party.ledger_id),
        (LinkKind.TERMS, picture.terms.ledger_id),
        (LinkKind.TAX_CODES, picture.tax_code.ledger_id),
    }
    for line in picture.lines:
        found |= {
            (LinkKind.ITEMS, line.item.ledger_id),
            (LinkKind.ACCOUNTS, line.account.ledger_id),
            (LinkKind.TAX_CODES, line.tax.ledger_id),
        }
    return {key for key in found if key[1]}


def _entries(session: Session, book: Book, wanted: set[Key]) -> dict[Key, Entry]:
    found: dict[Key, Entry] = {}
    for kind, idents in _by_kind(wanted).items():
        query = select(ListEntry).where(ListEntry.book_id == book.id, ListEntry.kind == kind)
        for row in session.exec(query.where(col(ListEntry.ledger_id).in_(idents))):
            found[kind, row.ledger_id] = lists.to_entry(row)
    return found


def _by_kind(keys: set[Key]) -> dict[LinkKind, list[str]]:
    found: dict[LinkKind, list[str]] = defaultdict(list)
    for kind, ident in keys:
        found[kind].append(ident)
    return found


def _links(session: Session, book: Book, wanted: set[Key]) -> dict[Key, str]:
    query = select(Link.kind, Link.source_id, Link.ledger_id).where(Link.book_id == book.id, Link.ledger_id != "")
    rows = session.exec(query.where(tuple_(col(Link.kind), col(Link.source_id)).in_(list(wanted))))
    return {(LinkKind(kind), source_id): ledger_id for kind, source_id, ledger_id in rows}
