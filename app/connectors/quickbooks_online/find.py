"""Looks for our documents in the books, with as few queries as the query language allows.

QuickBooks can't search private notes, so candidates come by number, by date and by moment of creation, and the marks
in them are compared by us. Numbers alone can't be trusted: a company may number by itself, people edit.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from app.connectors.protocols import ConnectionFailedError, Probe
from app.connectors.quickbooks_online import queries
from app.connectors.quickbooks_online.receipts import ENTITIES, amount_of, is_voided, ref, to_receipt
from app.connectors.quickbooks_online.translate import doc_number
from app.domain.documents import DocumentKind
from app.domain.marks import marks_in
from app.domain.money import cents
from app.domain.outcomes import Absent, CannotTell, Finding, Found, LooksAlike, Several

Row = Mapping[str, Any]
Query = Callable[[str], list[dict[str, Any]]]
#: QuickBooks' clock and ours may differ, and its times of creation are taken before the work ends.
CLOCKS_DIFFER = dt.timedelta(minutes=5)


def find(query: Query, probes: Sequence[Probe], home_currency: str, *, our_numbers: bool) -> list[Finding]:
    """One finding per probe, in order. A failing query makes the probes that needed it CannotTell.

    ``our_numbers`` is False where QuickBooks numbers by itself: then an equal number alone is chance.
    """
    rows: dict[DocumentKind, list[Row] | CannotTell] = {}
    for kind in {probe.kind for probe in probes}:
        try:
            rows[kind] = _candidates(query, [probe for probe in probes if probe.kind is kind])
        except ConnectionFailedError as error:
            rows[kind] = CannotTell(error.message)
        except (KeyError, AttributeError, TypeError, ValueError) as error:
            rows[kind] = CannotTell(f"QuickBooks’ answer has another form than expected: {error!r}")
    return [_finding(probe, rows[probe.kind], home_currency, our_numbers=our_numbers) for probe in probes]


def statements(kind: DocumentKind, probes: Sequence[Probe]) -> list[str]:
    """What is asked for these probes of one kind."""
    entity = ENTITIES[kind]
    numbers = sorted({number for probe in probes if (number := doc_number(probe.number))})
    asked = [queries.select(entity, queries.one_of("DocNumber", some)) for some in queries.chunks(numbers)]
    for first, last in queries.date_ranges(probe.date for probe in probes):
        asked.append(queries.select(entity, f"TxnDate >= '{first}'", f"TxnDate <= '{last}'"))
    if moments := [probe.since for probe in probes if probe.since]:
        since = queries.moment(min(moments) - CLOCKS_DIFFER)
        asked.append(queries.select(entity, f"MetaData.CreateTime >= {since}"))
    return asked


def _candidates(query: Query, probes: Sequence[Probe]) -> list[Row]:
    found = {str(row["Id"]): row for statement in statements(probes[0].kind, probes) for row in query(statement)}
    return [row for row in found.values() if not is_voided(row)]


def _finding(probe: Probe, rows: list[Row] | CannotTell, home_currency: str, *, our_numbers: bool) -> Finding:
    if isinstance(rows, CannotTell):
        return rows
    try:
        ours = [to_receipt(row, home_currency) for row in rows if _is_ours(probe, row)]
        if len(ours) == 1:
            return Found(ours[0])
        if ours:
            return Several(tuple(ours))
        wanted = rows if probe.look_alikes else []
        alike = [row for row in wanted if _looks_alike(probe, row, our_numbers=our_numbers)]
        return LooksAlike(tuple(to_receipt(row, home_currency) for row in alike)) if alike else Absent()
    except ValueError as error:
        return CannotTell(f"QuickBooks’ answer has another form than expected: {error}")


def _is_ours(probe: Probe, row: Row) -> bool:
    marks = _marks(row)
    if probe.exact:
        return str(probe.mark) in marks
    stem = probe.mark.stem
    return any(mark.startswith(stem) and mark[len(stem) :].isdigit() for mark in marks)


def _looks_alike(probe: Probe, row: Row, *, our_numbers: bool) -> bool:
    """Same number, or same customer, total and date; what carries a mark of another record is explained by it."""
    if _marks(row):
        return False
    number = str(row.get("DocNumber") or "").strip().casefold()
    same_number = bool(number) and number in {doc_number(probe.number).casefold(), probe.number.strip().casefold()}
    same_party = bool(probe.party_id) and ref(row, "CustomerRef") == probe.party_id
    same_total = amount_of(row.get("TotalAmt")) == cents(probe.total)
    if same_number and (our_numbers or same_party or same_total):
        return True
    return same_party and same_total and str(row.get("TxnDate")) == probe.date.isoformat()


def _marks(row: Row) -> list[str]:
    texts: Iterable[Any] = [
        row.get("PrivateNote"),
        *(field.get("StringValue") for field in row.get("CustomField") or ()),
    ]
    return [mark for text in texts if text for mark in marks_in(str(text))]
