"""What QuickBooks tells of payments (payments.TellsPayments): what changed, and what stands now.

Change data capture tells everything, deletions too, but only of the last 30 days and at most 1,000 objects an answer.
Beyond that queries by time of change take its place. They don't see what was deleted: a deleted payment shows only in
its invoices and credit memos, which changed by it and whose ``LinkedTxn`` no longer names it. So ``invoices`` holds
them, and ``payments_of`` says what pays them now. A payment that was deleted while it paid nothing is not seen at all;
it stood nowhere in the PSA either.

Deposits and refund receipts are not followed: money pays or leaves an invoice only by a payment, which changes with it.

https://developer.intuit.com/app/developer/qbo/docs/learn/explore-the-quickbooks-online-api/change-data-capture
https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/payment
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from app.connectors.payments import LedgerNews
from app.connectors.quickbooks_online import queries
from app.connectors.quickbooks_online.client import Client, FaultError
from app.connectors.quickbooks_online.forms import party_of
from app.connectors.quickbooks_online.members import (
    Members,
    amount_of,
    currency,
    identity,
    part,
    rows,
    text,
    unreadable,
    whole,
)
from app.domain.payments import Applied, Charge, LedgerPayment

log = logging.getLogger(__name__)

ZERO = Decimal(0)
PAYMENT = "Payment"
#: A payment's own changes, and the documents that it pays or draws from.
DOCUMENTS = ("Invoice", "CreditMemo")
ENTITIES = (PAYMENT, *DOCUMENTS)
#: Change data capture goes back 30 days and tells so many objects an answer; an hour is for clocks.
REACH = dt.timedelta(days=30) - dt.timedelta(hours=1)
MOST = 1000
#: Queries and change data capture may lag behind, and moments are stamped before the work ends.
OVERLAP = dt.timedelta(minutes=5)
#: Rows of one page that are asked for again with the next one: what changes meanwhile moves to the end.
STEP_BACK = 50
MOST_PAGES = 10_000
#: Versions are short numbers.
LONGEST_VERSION = 40
CHARGES = {"Invoice": Charge.INVOICE, "CreditMemo": Charge.CREDIT_MEMO, "Deposit": Charge.DEPOSIT}


def since(client: Client, moment: dt.datetime, home: str, now: dt.datetime) -> LedgerNews:
    """What changed since ``moment`` (aware). One call where little did."""
    news = _News(client, home, now)
    start = moment - OVERLAP
    if now - start > REACH:
        news.capture(ENTITIES, now - REACH)  # for what was deleted
        left: Sequence[str] = ENTITIES
    else:
        left = [entity for full in news.capture(ENTITIES, start) for entity in news.capture((full,), start)]
    for entity in left:
        news.query(entity, start)
    return LedgerNews(tuple(news.payments.values()), tuple(news.linked), news.until, news.calls, news.linked)


def by_id(client: Client, ids: Sequence[str], home: str, today: dt.date) -> list[LedgerPayment]:
    """These payments now. Queries may lag behind, so what they miss is read by its id before it counts as gone."""
    wanted = list(dict.fromkeys(ids))
    found: dict[str, LedgerPayment] = {}
    for row in _rows(client, PAYMENT, wanted):
        payment = to_payment(row, home)
        found[payment.ledger_id] = payment
    for ident in wanted:
        if ident not in found:
            read = _read(client, PAYMENT, ident)
            found[ident] = to_payment(read, home) if read else _gone(ident, home, today, None)
    return [found[ident] for ident in wanted]


def linked(client: Client, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Payments that each invoice or credit memo names. Their ids are of one sequence, so they are asked together."""
    wanted = list(dict.fromkeys(ids))
    found: dict[str, tuple[str, ...]] = {}
    for entity in DOCUMENTS:
        missing = [ident for ident in wanted if ident not in found]
        found.update((_id(row), _payments_of(row)) for row in _rows(client, entity, missing))
    for ident in wanted:
        if ident not in found:
            rows_ = (_read(client, entity, ident) for entity in DOCUMENTS)
            found[ident] = next((_payments_of(row) for row in rows_ if row), ())
    return {ident: found[ident] for ident in wanted}


class _News:
    """Gathers what is told, from answers of several calls that may overlap."""

    def __init__(self, client: Client, home: str, now: dt.datetime) -> None:
        self.payments: dict[str, LedgerPayment] = {}
        self.linked: dict[str, tuple[str, ...]] = {}
        self.until = now
        self.calls = 0
        self._client = client
        self._home = home

    def capture(self, entities: Sequence[str], start: dt.datetime) -> list[str]:
        """One call of change data capture; the entities of which it may not have told everything."""
        try:
            answer = self._client.changes(entities, start)
        except FaultError as error:
            if error.status != 400:
                raise
            log.warning("QuickBooks tells no changes of %s: %s", ", ".join(entities), error.message)
            return list(entities)
        self._called(answer)
        told = _captured(answer, entities)
        for entity in entities:
            for row in told[entity]:
                self._take(entity, row)
        full = sum(map(len, told.values())) >= MOST
        return [entity for entity in entities if full or told[entity].cut]

    def query(self, entity: str, start: dt.datetime) -> None:
        """Everything of a kind that was changed, page by page; only the page in hand is kept."""
        for found in self._pages(entity, start):
            for row in found:
                self._take(entity, row)

    def _pages(self, entity: str, start: dt.datetime) -> Iterator[list[dict[str, Any]]]:
        """By time of change.

        A row that changes meanwhile moves to the end, and all behind it move up. So that none slips over a border, the
        next page begins at the moment of the last row; within one moment, some places before it.
        """
        place, before = 1, None
        for _ in range(MOST_PAGES):
            answer, found = self._client.ask(_ordered(entity, start, place))
            self._called(answer)
            yield found
            if len(found) < queries.PAGE:
                return
            ids = [row.get("Id") for row in found]
            if ids == before:
                break  # the same page again: paging is not understood
            moments = [_moment(part(row, "MetaData").get("LastUpdatedTime")) for row in found]
            known = [moment for moment in moments if moment]
            last = known[-1].replace(microsecond=0) if len(known) == len(moments) and known == sorted(known) else start
            if last > start:
                start, place, before = last, 1, None
            else:
                place, before = place + queries.PAGE - STEP_BACK, ids
        raise unreadable("a query of what changed")

    def _called(self, answer: Members) -> None:
        """By QuickBooks' clock or ours, whichever is behind: the next look must begin before this one."""
        self.calls += 1
        if self.calls == 1 and (moment := _moment(answer.get("time"))):
            self.until = min(self.until, moment)

    def _take(self, entity: str, row: Members) -> None:
        if entity != PAYMENT:
            # The last one told is the newest; of a deleted one nothing is told, and nothing pays it.
            self.linked[_id(row)] = _payments_of(row)
            return
        payment = _deleted(row, self._home) if row.get("status") == "Deleted" else to_payment(row, self._home)
        before = self.payments.get(payment.ledger_id)
        if before is None or _number(payment.version) >= _number(before.version):
            self.payments[payment.ledger_id] = payment


class _Told(list[Members]):
    """Objects of one kind; ``cut`` where QuickBooks says that there are more."""

    cut = False


def _captured(answer: Members, entities: Sequence[str]) -> dict[str, _Told]:
    """``{"CDCResponse": [{"QueryResponse": [{"Payment": […], "totalCount": 3}, {}]}]}``, a part for each entity asked.

    Raises ConnectionFailedError for fewer parts: what is not told must not count as unchanged.
    """
    parts = [listed for one in rows(answer, "CDCResponse") for listed in rows(one, "QueryResponse")]
    if len(parts) < len(entities) or any("Fault" in listed for listed in parts):
        raise unreadable("the question for changes")
    told = {entity: _Told() for entity in entities}
    for listed in parts:
        for entity in told.keys() & listed.keys():
            found, objects = told[entity], rows(listed, entity)
            if not isinstance(listed[entity], list) or len(objects) != len(listed[entity]):
                raise unreadable("the question for changes")
            found.extend(objects)
            total = listed.get("totalCount")
            found.cut = found.cut or len(found) >= MOST or (isinstance(total, int) and total > len(objects))
    return told


def _ordered(entity: str, start: dt.datetime, place: int) -> str:
    statement = queries.select(entity, f"MetaData.LastUpdatedTime >= {queries.moment(start)}")
    return f"{statement} ORDERBY MetaData.LastUpdatedTime, Id STARTPOSITION {place} MAXRESULTS {queries.PAGE}"


def _rows(client: Client, entity: str, ids: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Those that a query shows, in as few calls as lists allow."""
    wanted = set(ids)
    for some in queries.chunks(ids):
        for row in client.page(queries.select(entity, queries.one_of("Id", some)), 0):
            if _id(row) in wanted:
                yield row


def _read(client: Client, entity: str, ident: str) -> Members | None:
    """One object by its id, which never lags behind; None when it is gone."""
    try:
        answer = client.get(f"{entity.lower()}/{quote(ident, safe='')}")
    except FaultError as error:
        if "610" in error.codes:
            return None
        raise
    return whole(answer, entity, "the question for a document")


def to_payment(row: Members, home: str) -> LedgerPayment:
    """A payment as QuickBooks shows it. Raises ConnectionFailedError for one that can't be read."""
    try:
        return _payment(row, home)
    except ValueError as error:
        raise unreadable("the question for payments") from error


def _payment(row: Members, home: str) -> LedgerPayment:
    lines = _lines(row)
    total, unapplied = amount_of(row.get("TotalAmt")), amount_of(row.get("UnappliedAmt", ZERO))
    method = part(row, "PaymentMethodRef")
    return LedgerPayment(
        ledger_id=identity(row),
        party_id=identity({"Id": party_of(row)}),
        date=dt.date.fromisoformat(text(row, "TxnDate")[:10]),
        currency=currency(row, "CurrencyRef", home),
        total=total,
        unapplied=unapplied,
        lines=lines,
        reference=text(row, "PaymentRefNum"),
        method=text(method, "name"),
        version=text(row, "SyncToken")[:LONGEST_VERSION],
        modified=_moment(part(row, "MetaData").get("LastUpdatedTime")),
        # A voided payment keeps existing without money or lines; one that links credits has no money, but lines.
        gone=not (total or unapplied or lines),
    )


def _lines(row: Members) -> tuple[Applied, ...]:
    """One entry for each document that a payment pays or draws from.

    A line that names several is told as ``other``: which of them gets how much is not said, and not guessed. One that
    names none pays nothing yet. Raises ValueError for one without an amount.
    """
    sums: dict[tuple[Charge, str], Decimal] = {}
    for line in _whole(row, "Line"):
        named = _whole(line, "LinkedTxn")
        amount = amount_of(line.get("Amount"))
        if not named or not amount:
            continue
        charge = CHARGES.get(text(named[0], "TxnType"), Charge.OTHER)
        key = (charge if len(named) == 1 and amount > 0 else Charge.OTHER, identity(named[0], "TxnId"))
        sums[key] = sums.get(key, ZERO) + amount
    return tuple(Applied(charge, ident, amount) for (charge, ident), amount in sums.items())


def _whole(row: Members, name: str) -> list[Members]:
    """A list of objects, or none. Raises ValueError for anything else: half a payment would look like another one."""
    found = rows(row, name)
    if name in row and row[name] is not None and (not isinstance(row[name], list) or len(found) != len(row[name])):
        raise ValueError(f"its {name} can’t be read")
    return found


def _deleted(row: Members, home: str) -> LedgerPayment:
    """``{"status": "Deleted", "Id": …, "MetaData": {"LastUpdatedTime": …}}``: nothing is told of what it was."""
    moment = _moment(part(row, "MetaData").get("LastUpdatedTime"))
    return _gone(_id(row), home, (moment or dt.datetime.now(dt.UTC)).date(), moment)


def _gone(ident: str, home: str, day: dt.date, moment: dt.datetime | None) -> LedgerPayment:
    # A version above every other: a deletion is the last that is told of an object.
    return LedgerPayment(ident, "", day, home, ZERO, ZERO, (), version="deleted", modified=moment, gone=True)


def _payments_of(row: Members) -> tuple[str, ...]:
    """Raises ConnectionFailedError for links that can't be read: less than all would look like a deletion."""
    try:
        named = [identity(one, "TxnId") for one in _whole(row, "LinkedTxn") if text(one, "TxnType") == PAYMENT]
    except ValueError as error:
        raise unreadable("the question for a document") from error
    return tuple(dict.fromkeys(named))


def _number(version: str) -> float:
    """Versions count up; a deletion comes after all of them."""
    return int(version) if version.isdecimal() else float("inf")


def _id(row: Members) -> str:
    try:
        return identity(row)
    except ValueError as error:
        raise unreadable("the question for payments") from error


def _moment(value: Any) -> dt.datetime | None:
    """An aware moment; None for none, and for what is none."""
    try:
        moment = dt.datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment.astimezone(dt.UTC) if moment and moment.tzinfo else None
