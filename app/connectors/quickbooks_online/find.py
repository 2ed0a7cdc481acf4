"""Looks for our documents in the books, with as few queries as the query language allows.

QuickBooks can't search private notes, so candidates come by number, by date and by moment of creation, and the marks
in them are compared by us. Numbers alone can't be trusted: a company may number by itself, people edit.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from app.connectors.protocols import ConnectionFailedError, Probe
from app.connectors.quickbooks_online import queries
from app.connectors.quickbooks_online.forms import party_of, total_of
from app.connectors.quickbooks_online.header import doc_number
from app.connectors.quickbooks_online.receipts import ENTITIES, is_voided, to_receipt
from app.domain.documents import SALES, DocumentKind
from app.domain.marks import marks_in
from app.domain.money import cents
from app.domain.outcomes import Absent, CannotTell, Finding, Found, LooksAlike, Several

Row = Mapping[str, Any]
Query = Callable[[str], Iterable[dict[str, Any]]]
#: QuickBooks' clock and ours may differ, and its times of creation are taken before the work ends.
CLOCKS_DIFFER = dt.timedelta(minutes=5)
#: Their numbers are the vendors': two vendors may well have the same one.
THEIR_NUMBERS = (DocumentKind.BILL, DocumentKind.VENDOR_CREDIT, DocumentKind.PURCHASE)


def find(query: Query, probes: Sequence[Probe], home_currency: str, *, our_numbers: bool) -> list[Finding]:
    """One finding per probe, in order. A failing query makes the probes that needed it CannotTell.

    ``our_numbers`` is False where QuickBooks numbers by itself: then an equal number alone is chance.
    """
    books: dict[DocumentKind, _Books | CannotTell] = {}
    for kind in {probe.kind for probe in probes}:
        try:
            asked = [probe for probe in probes if probe.kind is kind]
            books[kind] = _Books(_candidates(query, asked), asked)
        except ConnectionFailedError as error:
            books[kind] = CannotTell(error.message)
        except (KeyError, AttributeError, TypeError, ValueError) as error:
            books[kind] = CannotTell(f"QuickBooks’ answer has another form than expected: {error!r}")
    return [_finding(probe, books[probe.kind], home_currency, our_numbers=our_numbers) for probe in probes]


def statements(kind: DocumentKind, probes: Sequence[Probe]) -> list[str]:
    """What is asked for these probes of one kind."""
    entity = ENTITIES[kind]
    named = (name for probe in probes for name in (probe.number, probe.bare_number))
    numbers = sorted({number for name in named if (number := doc_number(name))})
    asked = [queries.select(entity, queries.one_of("DocNumber", some)) for some in queries.chunks(numbers)]
    for first, last in queries.date_ranges(probe.date for probe in probes):
        asked.append(queries.select(entity, f"TxnDate >= '{first}'", f"TxnDate <= '{last}'"))
    if moments := [probe.since for probe in probes if probe.since]:
        since = queries.moment(min(moments) - CLOCKS_DIFFER)
        asked.append(queries.select(entity, f"MetaData.CreateTime >= {since}"))
    return asked


def _candidates(query: Query, probes: Sequence[Probe]) -> Iterator[Row]:
    seen: set[str] = set()
    for statement in statements(probes[0].kind, probes):
        for row in query(statement):
            ident = str(row["Id"])
            if ident not in seen and not is_voided(row):
                yield row
            seen.add(ident)


class _Books:
    """Documents that may be the ones looked for, in lists by what they are recognised by, for batches of thousands.

    What carries the mark of another record only is none of them, and is not kept.
    """

    def __init__(self, rows: Iterable[Row], probes: Iterable[Probe]) -> None:
        wanted = {name for probe in probes for name in (str(probe.mark), probe.mark.stem)}
        self._marked: dict[str, list[Row]] = defaultdict(list)
        self._numbered: dict[str, list[Row]] = defaultdict(list)
        self._dated: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in rows:
            if marks := _marks(row):
                # By every generation alike, too: a mark without its number is its stem.
                for name in wanted.intersection((*marks, *(mark.rstrip("0123456789") for mark in marks))):
                    self._marked[name].append(row)
            else:
                self._numbered[_number(row)].append(row)
                self._dated[party_of(row), str(row.get("TxnDate"))].append(row)

    def ours(self, probe: Probe) -> list[Row]:
        """What carries the probe's mark."""
        return self._marked.get(str(probe.mark) if probe.exact else probe.mark.stem, [])

    def look_alikes(self, probe: Probe, *, our_numbers: bool) -> list[Row]:
        """Same number, or same party, total and date; what carries a mark of another record is explained by it."""
        ours = our_numbers if probe.kind in SALES else probe.kind not in THEIR_NUMBERS
        numbers = {doc_number(probe.number).casefold(), probe.number.strip().casefold()} - {""}
        alike = {
            str(row["Id"]): row
            for number in sorted(numbers)
            for row in self._numbered.get(number, ())
            if ours or party_of(row) == (probe.party_id or None) or _same_total(probe, row)
        }
        for row in self._numbered.get(doc_number(probe.bare_number).casefold(), ()) if probe.bare_number else ():
            if party_of(row) == (probe.party_id or None) or _same_total(probe, row):  # else QuickBooks' own number
                alike[str(row["Id"])] = row
        dated = self._dated.get((probe.party_id, probe.date.isoformat()), ()) if probe.party_id else ()
        return [*alike.values(), *(row for row in dated if str(row["Id"]) not in alike and _same_total(probe, row))]


def _finding(probe: Probe, books: _Books | CannotTell, home_currency: str, *, our_numbers: bool) -> Finding:
    if isinstance(books, CannotTell):
        return books
    try:
        ours = [to_receipt(row, home_currency) for row in books.ours(probe)]
        if len(ours) == 1:
            return Found(ours[0])
        if ours:
            return Several(tuple(ours))
        alike = books.look_alikes(probe, our_numbers=our_numbers) if probe.look_alikes else []
        return LooksAlike(tuple(to_receipt(row, home_currency) for row in alike)) if alike else Absent()
    except ValueError as error:
        return CannotTell(f"QuickBooks’ answer has another form than expected: {error}")


def _number(row: Row) -> str:
    return str(row.get("DocNumber") or "").strip().casefold()


def _same_total(probe: Probe, row: Row) -> bool:
    return total_of(row) == cents(probe.total)


def _marks(row: Row) -> list[str]:
    texts: Iterable[Any] = [
        row.get("PrivateNote"),
        *(field.get("StringValue") for field in row.get("CustomField") or ()),
    ]
    return [mark for text in texts if text for mark in marks_in(str(text))]
