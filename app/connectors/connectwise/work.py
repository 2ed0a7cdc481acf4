"""Time entries behind the lines of a Detailed export.

The export's own text of a line may hold internal notes; so Detailed lines are worded here from the time entries, which
costs one more call for about every hundred of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app.connectors.connectwise import values
from app.connectors.connectwise.client import Client
from app.connectors.connectwise.values import Row
from app.domain.documents import Work

ENTRIES = "/time/entries"


def entries(client: Client, transactions: Iterable[Row]) -> dict[str, Row]:
    """The time entries that lines of these transactions name, by id; none where the role may not read them."""
    wanted = {
        ident
        for transaction in transactions
        for detail in values.rows(transaction, "detail")
        if (ident := values.identity(values.part(detail, "timeEntry")))
    }
    rows = client.optional_rows(ENTRIES, "id", sorted(wanted)) if wanted else []
    return {values.identity(row): row for row in rows}


def of(detail: Row, known: dict[str, Row]) -> tuple[Work, ...]:
    """The work of one line; nothing where its entry is not known, or can't be read."""
    row = known.get(values.identity(values.part(detail, "timeEntry")))
    try:
        return (_work(row),) if row else ()
    except ValueError:
        return ()


def _work(row: Row) -> Work:
    ticket, project = values.part(row, "ticket"), values.part(row, "project")
    hours = _first(row, ("hoursBilled", "invoiceHours", "actualHours"))
    return Work(
        entry_id=values.identity(row),
        date=values.date(row, "timeStart"),
        ticket=values.identity(ticket),
        summary=values.text(ticket, "summary"),
        project=values.text(project, "name"),
        phase=values.text(values.part(row, "phase"), "name"),
        member=values.text(values.part(row, "member"), "name", "identifier"),
        work_role=values.text(values.part(row, "workRole"), "name"),
        work_type=values.text(values.part(row, "workType"), "name"),
        hours=values.maybe_amount(row, hours) if hours else None,
        rate=values.maybe_amount(row, "hourlyRate"),
        notes=values.text(row, "notes"),
        internal_notes=values.text(row, "internalNotes"),
    )


def _first(row: Row, names: Sequence[str]) -> str:
    return next((name for name in names if row.get(name) is not None), "")
