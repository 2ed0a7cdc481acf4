"""Documents in bulk: pages of a query, lists of ids, and change data capture.

A page holds 1,000 documents; change data capture tells at most 1,000 objects in all, of the last 30 days, and none of
adjustments. Where it may have left something out, it is not believed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence, Set
from decimal import Decimal
from typing import Any

from app.connectors.overviews import Held, HeldPage, LedgerChanges, Loose
from app.connectors.quickbooks_online import queries
from app.connectors.quickbooks_online.client import Client
from app.connectors.quickbooks_online.forms import party_name, party_of
from app.connectors.quickbooks_online.members import amount_of, currency, identity, part, ref, rows, text, unreadable
from app.connectors.quickbooks_online.receipts import ENTITIES, to_receipt
from app.domain.documents import DocumentKind

Row = Mapping[str, Any]
#: Change data capture doesn't know it.
NOT_FOLLOWED = (DocumentKind.INVENTORY_ADJUSTMENT,)
#: It goes back so far, less a day for clocks; and tells so many objects an answer.
REACH = dt.timedelta(days=29)
MOST = 1000
ZERO = Decimal(0)


def page(client: Client, kind: DocumentKind, first: dt.date, number: int, home: str) -> HeldPage:
    """One page of a kind, by date."""
    statement = queries.select(ENTITIES[kind], f"TxnDate >= '{first}'")
    found = client.page(statement, number)
    return HeldPage(tuple(_held(kind, row, home) for row in found), len(found) >= queries.PAGE)


def by_id(client: Client, kind: DocumentKind, ids: Sequence[str], home: str) -> list[Held]:
    """Those of the ids that exist."""
    statement = queries.select(ENTITIES[kind], queries.one_of("Id", ids))
    return [_held(kind, row, home) for row in client.page(statement, 0)]


# https://developer.intuit.com/app/developer/qbo/docs/learn/explore-the-quickbooks-online-api/change-data-capture
def changes(
    client: Client, since: dt.datetime, kinds: Sequence[DocumentKind], home: str, now: dt.datetime
) -> LedgerChanges | None:
    """None where the moment is out of reach or the answer is full, which means that some may be missing."""
    if now - since > REACH:
        return None
    wanted = {ENTITIES[kind]: kind for kind in kinds}
    documents: list[Held] = []
    gone: list[tuple[DocumentKind, str]] = []
    for entity, row in _changed(client.changes(list(wanted), since)):
        if entity not in wanted:
            continue
        if row.get("status") == "Deleted":
            gone.append((wanted[entity], _id(row)))
        else:
            documents.append(_held(wanted[entity], row, home))
    full = len(documents) + len(gone) >= MOST
    return None if full else LedgerChanges(tuple(documents), tuple(gone))


def _changed(answer: Row) -> list[tuple[str, Row]]:
    """``{"CDCResponse": [{"QueryResponse": [{"Invoice": […]}, {}]}]}`` as entity and object."""
    parts = rows(answer, "CDCResponse")
    if not parts:
        raise unreadable("the question for changes")
    return [
        (entity, row)
        for one in parts
        for listed in rows(one, "QueryResponse")
        for entity in listed
        if isinstance(listed[entity], list)
        for row in rows(listed, entity)
    ]


def loose(client: Client, first: dt.date, home: str) -> list[Loose]:
    """Payments with something left, and journal entries on a customer's receivables.

    What can't be read of one is a failure: a sum without it would be wrong.
    """
    since = f"TxnDate >= '{first}'"
    found = client.query(queries.select("Payment", since, "UnappliedAmt > '0'"))
    entries = [row for row in client.query(queries.select("JournalEntry", since)) if _names_customer(row)]
    accounts = client.query(queries.select("Account", "AccountType = 'Accounts Receivable'")) if entries else []
    try:
        receivable = {identity(row) for row in accounts}
        money = [_unapplied(row, home) for row in found]
        return [*money, *(one for row in entries for one in _journal(row, receivable, home))]
    except ValueError as error:
        raise unreadable("the question for payments and journal entries") from error


def _unapplied(row: Row, home: str) -> Loose:
    rest: Decimal = amount_of(row.get("UnappliedAmt", 0))
    code, number = currency(row, "CurrencyRef", home), text(row, "PaymentRefNum")
    return Loose("payment", identity(row), number, party_of(row), _name(row), _date(row), code, -rest)


def _date(row: Row) -> dt.date:
    return dt.date.fromisoformat(str(row.get("TxnDate"))[:10])


def _names_customer(row: Row) -> bool:
    return any(text(part(_detail(line), "Entity"), "Type") == "Customer" for line in rows(row, "Line"))


def _detail(line: Row) -> Row:
    return part(line, "JournalEntryLineDetail")


def _journal(row: Row, receivable: Set[str], home: str) -> list[Loose]:
    """One for each customer whose receivables it moves; the other side is told where that is one customer."""
    moved: dict[str, Decimal] = {}
    names: dict[str, str] = {}
    rest: dict[str, Decimal] = {}
    for line in rows(row, "Line"):
        if not (detail := _detail(line)):
            continue  # a line of words
        amount = amount_of(line.get("Amount", 0)) * (1 if text(detail, "PostingType") == "Debit" else -1)
        account, entity = ref(detail, "AccountRef"), part(detail, "Entity")
        if account in receivable and text(entity, "Type") == "Customer":
            party = ref(entity, "EntityRef")
            moved[party], names[party] = moved.get(party, ZERO) + amount, text(part(entity, "EntityRef"), "name")
        else:
            rest[account] = rest.get(account, ZERO) - amount
    ident, number, code = identity(row), text(row, "DocNumber"), currency(row, "CurrencyRef", home)
    single = len(moved) == 1
    return [
        Loose("journal", ident if single else f"{ident}.{party}", number, party, names[party], _date(row), code, amount,
              rest if single else None)
        for party, amount in moved.items()
        if amount
    ]  # fmt: skip


def _held(kind: DocumentKind, row: Row, home: str) -> Held:
    try:
        return Held(kind, to_receipt(row, home), _name(row))
    except ValueError as error:
        raise unreadable("the question for documents") from error


def _id(row: Row) -> str:
    try:
        return identity(row)
    except ValueError as error:
        raise unreadable("the question for changes") from error


def _name(row: Row) -> str:
    return text(part(row, party_name(row)), "name")
