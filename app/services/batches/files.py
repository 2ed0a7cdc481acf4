"""What can be saved of a batch: its errors as CSV, its whole log as text. Nothing in them is secret or runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlmodel import Session, col, select

from app.domain import csv_text
from app.domain.money import plain
from app.models.batches import Batch, LogLine
from app.models.columns import dumps
from app.models.payments import PaymentTarget
from app.models.postings import Posting
from app.services.batches import batches
from app.services.batches.feet import cents_text
from app.services.payments import tally
from app.services.posting import posting_problems

HEAD = (
    "number", "record", "customer", "type", "date", "currency", "total", "state", "severity", "code", "message",
    "remedy", "field",
)  # fmt: skip
PAYMENTS = (
    "number", "record", "customer", "currency", "total", "paid_before", "paid_planned", "paid_after", "in_quickbooks",
    "steps", "problems",
)  # fmt: skip
#: Names of details that are never written down, should one ever get into a log line.
SECRET = ("token", "secret", "password", "authorization", "private_key", "cookie")


def errors_csv(session: Session, batch: Batch) -> str:
    """One line per problem of each document, in the order of their numbers."""
    postings = session.exec(
        select(Posting).where(Posting.batch_id == batch.id).order_by(col(Posting.number), col(Posting.id))
    ).all()
    problems = posting_problems.of(session, [posting.id or 0 for posting in postings])
    records = batches.records_of(session, batch)
    rows = (
        _line(posting, " ".join(records.get(posting.id or 0, [])), problem)
        for posting in postings
        for problem in problems.get(posting.id or 0, [])
    )
    return csv_text.lines([HEAD, *rows])


def payments_csv(session: Session, batch: Batch) -> str:
    """A payment sync invoice by invoice, in the order of their numbers; an amount that is not known is empty."""
    query = select(PaymentTarget).where(PaymentTarget.batch_id == batch.id)
    rows = session.exec(query.order_by(col(PaymentTarget.number), col(PaymentTarget.id)))
    return csv_text.lines([PAYMENTS, *map(_invoice, rows)])


def _invoice(row: PaymentTarget) -> list[str]:
    amounts = (row.cents, row.before_cents, row.planned_cents, row.after_cents, row.books_cents)
    steps = "; ".join(" ".join(filter(None, (step["verb"], step["what"], step["amount"]))) for step in row.steps)
    problems = " ".join(problem.message for problem in tally.problems_of(row))
    shown = ["" if cents is None else cents_text(cents) for cents in amounts]
    return [row.number, row.record, row.party, row.currency, *shown, steps, problems]


def _line(posting: Posting, record: str, problem: Any) -> tuple[str, ...]:
    return (
        posting.number, record, posting.party, posting.psa_type, posting.date.isoformat(), posting.currency,
        plain(posting.total), posting.state, problem.severity, problem.code, problem.message, problem.remedy,
        problem.field,
    )  # fmt: skip


def log_text(session: Session, batch: Batch) -> str:
    """The whole log, a line per event: moment, who, what, details."""
    head = f"Batch {batch.id} {batch.name}, submitted {batch.submitted_at.isoformat(timespec='seconds')} by {batch.by}"
    return "\n".join([head, *(_event(line) for line in batches.log_lines(session, batch))]) + "\n"


def _event(line: LogLine) -> str:
    parts = [line.at.isoformat(timespec="milliseconds"), line.by or "-", " ".join(line.text.split())]
    detail = without_secrets(line.detail)
    return "  ".join([*parts, *([dumps(detail)] if detail else [])])


def without_secrets(detail: Mapping[str, Any]) -> dict[str, Any]:
    """The same, with stars in the place of whatever has a name like a secret's."""
    return {
        name: "***" if any(word in name.lower() for word in SECRET) else _inside(value)
        for name, value in detail.items()
    }


def _inside(value: Any) -> Any:
    return without_secrets(value) if isinstance(value, Mapping) else value
