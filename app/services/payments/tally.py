"""How a batch of payments stands: counts, status, its invoices one by one, JSON; all from rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_
from sqlalchemy import select as columns
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from app.domain.problems import STOPS, WORST_FIRST, Problem, Severity
from app.domain.states import SectionKey, Status
from app.models.batches import Batch
from app.models.payments import PaymentEntry, PaymentRun, PaymentTarget
from app.services.batches.feet import cents_text
from app.services.posting import posting_problems
from app.services.records import paging

KIND = "payments"
PAGE = 100
TITLES = {
    SectionKey.READ: "Read from QuickBooks",
    SectionKey.CHECK: "Compare with ConnectWise",
    SectionKey.DOCUMENTS: "Payments",
    SectionKey.PROVE: "Prove",
}
#: Which invoices a page shows.
VIEWS = ("changes", "problems", "same")
SORTS: Mapping[str, Any] = {
    "number": PaymentTarget.number,
    "party": PaymentTarget.party,
    "before": func.coalesce(col(PaymentTarget.before_cents), 0),
    "books": func.coalesce(col(PaymentTarget.books_cents), 0),
}


@dataclass(frozen=True, slots=True)
class Currency:
    """Over all invoices of a batch in one currency, in hundredths: paid before, in the books, planned, afterwards."""

    currency: str
    count: int
    before: int
    books: int
    planned: int
    after: int


@dataclass(slots=True)
class Tally:
    """Counts of a batch's rows. ``written``: entries by ``total``, ``done``, ``refused``, ``in_doubt``."""

    run: PaymentRun | None = None
    states: dict[str, int] = field(default_factory=dict)
    severities: dict[str, int] = field(default_factory=dict)
    written: dict[str, int] = field(default_factory=dict)
    changes: int = 0
    currencies: list[Currency] = field(default_factory=list)

    @property
    def targets(self) -> int:
        return sum(self.states.values())

    @property
    def notes(self) -> list[Problem]:
        """What stands beside no invoice."""
        return [posting_problems.from_json(note) for note in self.run.notes] if self.run else []

    @property
    def errors(self) -> int:
        return self.severities.get(Severity.ERROR, 0) + self.severities.get(Severity.DOUBT, 0)

    @property
    def warnings(self) -> int:
        return self.severities.get(Severity.WARNING, 0)

    def section(self, key: SectionKey) -> tuple[int, int, int]:
        """Total, done, failed."""
        match key:
            case SectionKey.READ:
                done = self.run.changed if self.run else 0
                return done, done, 0
            case SectionKey.CHECK:
                return self.targets, self.targets - self.states.get("open", 0), 0
            case SectionKey.DOCUMENTS:
                wrong = self.written.get("refused", 0) + self.written.get("in_doubt", 0)
                return self.written.get("total", 0), self.written.get("done", 0) + self.written.get("refused", 0), wrong
            case _:
                wrong = self.errors
                return self.targets, self.states.get("proved", 0) + self.states.get("moved", 0), wrong


def of(session: Session, batch: Batch) -> Tally:
    """The counts of a batch."""
    tally = Tally(session.get(PaymentRun, batch.id))
    mine = col(PaymentTarget.batch_id) == batch.id
    query = columns(col(PaymentTarget.state), col(PaymentTarget.severity), func.count()).where(mine)
    for state, severity, count in session.execute(query.group_by(PaymentTarget.state, PaymentTarget.severity)):
        tally.states[state] = tally.states.get(state, 0) + count
        tally.severities[severity] = tally.severities.get(severity, 0) + count
    differs = col(PaymentTarget.planned_cents) != col(PaymentTarget.before_cents)
    tally.changes = int(session.execute(columns(func.count()).where(mine, differs)).scalar_one())
    tally.written = _written(session, batch, tally.run)
    tally.currencies = _currencies(session, batch)
    return tally


def _written(session: Session, batch: Batch, run: PaymentRun | None) -> dict[str, int]:
    """What was written; of an ended batch as it was then, for later runs go on with the same rows."""
    if run is not None and run.written is not None:
        return {str(name): int(count) for name, count in run.written.items()}
    return count_written(session, batch.id or 0)


def count_written(session: Session, batch_id: int) -> dict[str, int]:
    """Entries of the batch by what became of them."""
    query = columns(col(PaymentEntry.state), func.count()).where(
        col(PaymentEntry.batch_id) == batch_id, col(PaymentEntry.verb) != ""
    )
    found: dict[str, int] = {"total": 0, "done": 0, "refused": 0, "in_doubt": 0}
    for state, count in session.execute(query.group_by(PaymentEntry.state)):
        name = "done" if state in ("done", "gone") else state
        found[name] = found.get(name, 0) + count
        found["total"] += count
    return found


def _currencies(session: Session, batch: Batch) -> list[Currency]:
    names = ("before_cents", "books_cents", "planned_cents", "after_cents")
    sums = [func.coalesce(func.sum(getattr(PaymentTarget, name)), 0) for name in names]
    query = columns(col(PaymentTarget.currency), func.count(), *sums).where(col(PaymentTarget.batch_id) == batch.id)
    rows = session.execute(query.group_by(PaymentTarget.currency).order_by(PaymentTarget.currency))
    return [Currency(row[0], row[1], *(int(amount) for amount in row[2:])) for row in rows]


def status(batch: Batch, tally: Tally) -> str:
    """The batch's status, as JSON says it."""
    if batch.failure:
        return Status.FAILED
    if batch.stopped:
        return Status.STOPPED
    if batch.ended_at is None:
        waits = batch.approval == "wanted"
        return Status.AWAITING_APPROVAL if waits else Status.RUNNING if batch.started_at else Status.QUEUED
    if tally.errors or batch.approval == "rejected":
        return Status.COMPLETED_WITH_ERRORS
    return Status.COMPLETED_WITH_WARNINGS if tally.warnings or tally.notes else Status.COMPLETED


def wrote(tally: Tally) -> bool:
    """Whether anything came, or may have come, into the PSA."""
    return bool(tally.written.get("done") or tally.written.get("in_doubt") or tally.written.get("sending"))


# ── the invoices ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Rows:
    """Up to 100 invoices; ``next`` is the key of the following page, empty on the last."""

    rows: Sequence[PaymentTarget]
    next: str


def rows(session: Session, batch: Batch, *, state: str = "", sort: str = "number", after: str = "") -> Rows:
    """One page of the batch's invoices; ``state`` is one of VIEWS."""
    name, down = sort.lstrip("-"), sort.startswith("-")
    name = name if name in SORTS else "number"
    column = SORTS[name]
    query = select(PaymentTarget).where(PaymentTarget.batch_id == batch.id, *_view(state))
    if after:
        query = query.where(paging.beyond(column, col(PaymentTarget.id), after, down=down, read=_reader(name)))
    order = column.desc() if down else column.asc()
    found = list(session.exec(query.order_by(order, col(PaymentTarget.id)).limit(PAGE + 1)))
    last = found[PAGE - 1] if len(found) > PAGE else None
    key = {"before": "before_cents", "books": "books_cents"}.get(name, name)
    return Rows(found[:PAGE], f"{getattr(last, key) or 0}|{last.id}" if last else "")


def _reader(name: str) -> Any:
    return int if name in ("before", "books") else str


def _view(state: str) -> list[Any]:
    changed = col(PaymentTarget.planned_cents) != col(PaymentTarget.before_cents)
    worse = col(PaymentTarget.severity) != ""
    return {"changes": [changed], "problems": [worse], "same": [~changed]}.get(state, [])


def counts(session: Session, batch: Batch) -> dict[str, int]:
    """How many invoices each view has; the whole under an empty name."""
    return {
        state: int(
            session.execute(
                columns(func.count()).where(col(PaymentTarget.batch_id) == batch.id, *_view(state))
            ).scalar_one()
        )
        for state in ("", *VIEWS)
    }


@dataclass(slots=True)
class Cause:
    """Problems of one code: ``sample`` is the first, ``lines`` say each with its invoice."""

    sample: Problem
    lines: list[str] = field(default_factory=list)


def causes(session: Session, batch: Batch, tally: Tally) -> list[Cause]:
    """What stands beside the invoices and beside none, by cause, the worst and largest first."""
    worse = select(PaymentTarget).where(PaymentTarget.batch_id == batch.id, PaymentTarget.severity != "")
    found: dict[str, Cause] = {}
    beside = [(f"{row.number}: ", problem) for row in session.exec(worse) for problem in problems_of(row)]
    for number, problem in [*beside, *(("", note) for note in tally.notes)]:
        found.setdefault(problem.code, Cause(problem)).lines.append(number + problem.message)
    return sorted(found.values(), key=lambda cause: (WORST_FIRST.index(cause.sample.severity), -len(cause.lines)))


def problems_of(target: PaymentTarget) -> list[Problem]:
    """What stands beside an invoice of the run, the worst first."""
    found = [posting_problems.from_json(problem) for problem in target.problems]
    return sorted(found, key=lambda problem: WORST_FIRST.index(problem.severity))


# ── JSON ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def sync_json(session: Session, batch: Batch) -> dict[str, Any]:
    """What ``payments sync`` prints: ``{"batch", "status", "changed", "problems", …}``."""
    tally = of(session, batch)
    targets = session.exec(
        select(PaymentTarget).where(PaymentTarget.batch_id == batch.id).order_by(col(PaymentTarget.id))
    ).all()
    return {
        "batch": batch.id,
        "status": str(status(batch, tally)),
        "mode": batch.mode,
        "changed": tally.changes,
        "written": tally.written.get("done", 0),
        "payments_read": tally.run.changed if tally.run else 0,
        "problems": _problems_json(targets, tally),
        "invoices": [invoice_json(target) for target in targets],
        "failure": posting_problems.from_json(batch.failure).to_json() if batch.failure else None,
    }


def _problems_json(targets: Sequence[PaymentTarget], tally: Tally) -> list[dict[str, Any]]:
    beside = [
        {"record": target.record, "number": target.number, **problem.to_json()}
        for target in targets
        for problem in problems_of(target)
    ]
    return [*beside, *({"record": None, "number": None, **note.to_json()} for note in tally.notes)]


def invoice_json(target: PaymentTarget) -> dict[str, Any]:
    """One invoice of a run; an amount is null where it is not known yet."""
    return {
        "record": target.record,
        "number": target.number,
        "party": target.party,
        "currency": target.currency,
        "total": cents_text(target.cents),
        "before": _amount(target.before_cents),
        "books": _amount(target.books_cents),
        "planned": _amount(target.planned_cents),
        "after": _amount(target.after_cents),
        "steps": target.steps,
    }


def _amount(cents: int | None) -> str | None:
    return None if cents is None else cents_text(cents)


def exit_status(batch: Batch, tally: Tally) -> int:
    """Of a command that waited: 0 done, 1 something needs a person, 2 nothing was written."""
    now = status(batch, tally)
    if now == Status.FAILED:
        return 1 if wrote(tally) else 2
    return 1 if now in (Status.COMPLETED_WITH_ERRORS, Status.STOPPED) else 0


def unsettled() -> ColumnElement[bool]:
    """SQL, about a batch: its company's newest sync, and it failed, is stopped, or left an invoice that differs."""
    later = aliased(Batch)
    newer = columns(col(later.id)).where(
        col(later.book_id) == col(Batch.book_id), col(later.kind) == KIND, col(later.mode) == "post",
        col(later.id) > col(Batch.id),
    )  # fmt: skip
    wrong = columns(col(PaymentTarget.id)).where(
        col(PaymentTarget.batch_id) == col(Batch.id),
        col(PaymentTarget.state) == "proved",
        col(PaymentTarget.severity).in_(STOPS),
    )
    stands = or_(col(Batch.failure).is_not(None), col(Batch.stopped), wrong.exists())
    return and_(col(Batch.kind) == KIND, col(Batch.mode) == "post", stands, ~newer.correlate(Batch).exists())
