"""How a batch stands: status, sections, feet and problem groups, all derived from rows. Nothing here is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import case, func
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from app.domain.links import LinkKind
from app.domain.problems import STOPS, Problem, Severity
from app.domain.states import IN_BOOKS, PostingState, RecordKind, Role, SectionKey, Status
from app.models.batches import Batch, Section
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.postings import Posting, PostingProblem
from app.services.batches import afterwards
from app.services.batches.feet import Foot, Tally, feet
from app.services.batches.problem_groups import Group, groups
from app.services.payments import tally as payment_tally
from app.services.posting import creating, posting_problems

S = PostingState
TITLES = {
    SectionKey.READ: "Read from ConnectWise",
    SectionKey.CHECK: "Check",
    SectionKey.PARTIES: "Customers",
    SectionKey.ITEMS: "Products & services",
    SectionKey.DOCUMENTS: "Invoices & credit memos",
    SectionKey.CLOSE: "Close in ConnectWise",
    SectionKey.ATTACHMENTS: "Attach PDFs",
    SectionKey.EMAIL: "Queue mail to customers",
    SectionKey.PROVE: "Prove",
}
#: What those kinds of batches name otherwise.
OTHER_TITLES = {
    (RecordKind.EXPENSES, SectionKey.PARTIES): "Vendors",
    (RecordKind.EXPENSES, SectionKey.DOCUMENTS): "Bills & expenses",
    (RecordKind.EXPENSES, SectionKey.ATTACHMENTS): "Attach receipts",
    (RecordKind.INVENTORY, SectionKey.PARTIES): "Vendors",
    (RecordKind.INVENTORY, SectionKey.DOCUMENTS): "Purchases & stock",
    (RecordKind.INVENTORY, SectionKey.ATTACHMENTS): "Attach files",
}
SECTION_KINDS = dict(creating.SECTIONS)


@dataclass(frozen=True, slots=True)
class SectionView:
    """One line of the sections table. ``seconds`` is None until it has begun."""

    key: str
    title: str
    status: str
    total: int
    done: int
    failed: int
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class BatchView:
    """Everything that the live page shows, but for the table of documents."""

    batch: Batch
    book: str
    status: str
    sections: list[SectionView]
    feet: list[Foot]
    groups: list[Group]
    waiting: Mapping[str, Any] | None
    failure: Problem | None
    rev: int
    states: Mapping[str, int] = field(default_factory=dict)

    @property
    def moving(self) -> bool:
        """True while the page has a reason to ask again."""
        return self.status in (Status.QUEUED, Status.RUNNING)

    @property
    def watched(self) -> bool:
        """True while it may change by somebody else's deed: a batch that waits for approval is followed too."""
        return self.moving or self.status == Status.AWAITING_APPROVAL


def view(session: Session, batch: Batch) -> BatchView:
    """The batch as it stands now."""
    if batch.kind == payment_tally.KIND:
        return _of_payments(session, batch)
    facts = _facts(session, batch)
    facts.creations = creating.tally(session, batch.id or 0)
    stored = session.exec(select(Section).where(Section.batch_id == batch.id)).all()
    facts.after = afterwards.tally(session, batch.id or 0, {section.key for section in stored})
    failure = posting_problems.from_json(batch.failure) if batch.failure else None
    return BatchView(
        batch=batch,
        book=session.get_one(Book, batch.book_id).name,
        status=_status(batch, facts),
        sections=[v for section in stored if (v := _section(batch, section, facts)) is not None],
        feet=feet(facts.tallies, facts.in_books),
        groups=groups(session, batch, doubts=bool(facts.state(S.IN_DOUBT))),
        waiting=batch.waiting,
        failure=failure,
        rev=batch.rev,
        states=facts.states,
    )


def status(session: Session, batch: Batch) -> str:
    """The batch's status, as JSON says it."""
    if batch.kind == payment_tally.KIND:
        return payment_tally.status(batch, payment_tally.of(session, batch))
    return _status(batch, _facts(session, batch))


def _of_payments(session: Session, batch: Batch) -> BatchView:
    """A batch of payments has no documents: its counts are those of invoices and entries."""
    tally = payment_tally.of(session, batch)
    stored = session.exec(select(Section).where(Section.batch_id == batch.id).order_by(col(Section.id))).all()
    sections = []
    for section in stored:
        key = SectionKey(section.key)
        total, done, failed = tally.section(key)
        warned = key is SectionKey.PROVE and bool(tally.warnings)
        now = _section_status(batch, section, total=total, done=done, failed=failed, warned=warned)
        title = payment_tally.TITLES[key]
        sections.append(SectionView(key, title, now, total, done, failed, _seconds(batch, section)))
    failure = posting_problems.from_json(batch.failure) if batch.failure else None
    book = session.get_one(Book, batch.book_id).name
    return BatchView(
        batch, book, payment_tally.status(batch, tally), sections, [], [], batch.waiting, failure, batch.rev
    )


# ── what the rows say ────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Facts:
    """Counts of a batch's postings and problems, from a handful of grouped queries."""

    tallies: dict[tuple[str, str, str], Tally] = field(default_factory=dict)
    in_books: dict[tuple[str, str], Tally] = field(default_factory=dict)
    states: dict[str, int] = field(default_factory=dict)
    read: int = 0
    checked: int = 0
    proved: int = 0
    problems: dict[tuple[str, str], int] = field(default_factory=dict)
    held_by_section: dict[str, int] = field(default_factory=dict)
    blocked: int = 0
    creations: Mapping[str, Counter[str]] = field(default_factory=dict)
    after: Mapping[SectionKey, tuple[int, int, int]] = field(default_factory=dict)

    def state(self, *states: str) -> int:
        return sum(self.states.get(state, 0) for state in states)

    @property
    def count(self) -> int:
        return sum(self.states.values())


def _facts(session: Session, batch: Batch) -> Facts:
    facts = Facts()
    query = (
        columns(
            col(Posting.currency),
            col(Posting.kind),
            col(Posting.state),
            col(Posting.role),
            func.count(),
            func.coalesce(func.sum(Posting.cents), 0),
            func.coalesce(func.sum(Posting.ledger_cents), 0),
            func.sum(case((col(Posting.checked), 1), else_=0)),
            func.sum(case((col(Posting.proved), 1), else_=0)),
        )
        .where(col(Posting.batch_id) == batch.id)
        .group_by(col(Posting.currency), col(Posting.kind), col(Posting.state), col(Posting.role))
    )
    for currency, kind, state, role, count, amount, ledger, checked, proved in session.execute(query):
        facts.states[state] = facts.states.get(state, 0) + count
        facts.read += count
        facts.checked += int(checked)
        facts.proved += int(proved)
        if role != Role.MAIN:  # what stands beside a document is no part of what was selected
            continue
        facts.tallies[currency, kind, state] = Tally(count, int(amount))
        if state in IN_BOOKS:
            held = facts.in_books.get((currency, kind), Tally())
            facts.in_books[currency, kind] = held + Tally(count, int(ledger))
    unread = columns(func.count()).where(col(Posting.batch_id) == batch.id, col(Posting.document).is_(None))
    facts.read -= int(session.execute(unread).scalar_one())
    _problem_facts(session, batch, facts)
    return facts


def _problem_facts(session: Session, batch: Batch, facts: Facts) -> None:
    query = (
        columns(
            col(PostingProblem.section),
            col(PostingProblem.severity),
            col(Posting.state),
            func.count(func.distinct(PostingProblem.posting_id)),
        )
        .join(Posting, col(Posting.id) == col(PostingProblem.posting_id))
        .where(col(PostingProblem.batch_id) == batch.id)
        .group_by(col(PostingProblem.section), col(PostingProblem.severity), col(Posting.state))
    )
    for section, severity, state, count in session.execute(query):
        key = (section, severity)
        facts.problems[key] = facts.problems.get(key, 0) + count
        if state in IN_BOOKS and severity in STOPS:
            facts.blocked += count
        if state == S.HELD and severity == Severity.ERROR:
            facts.held_by_section[section] = facts.held_by_section.get(section, 0) + count


def _status(batch: Batch, facts: Facts) -> str:
    if batch.failure:
        return Status.FAILED
    if batch.stopped:
        return Status.STOPPED
    if batch.approval == "wanted" and batch.ended_at is None:
        return Status.AWAITING_APPROVAL
    if batch.ended_at is None:
        return Status.RUNNING if batch.started_at else Status.QUEUED
    unfinished = () if batch.mode == "dry" else (S.READY, S.POSTED, S.UNDOING)
    if facts.state(S.HELD, S.REFUSED, S.IN_DOUBT, S.SENDING, *unfinished) or facts.blocked:
        return Status.COMPLETED_WITH_ERRORS
    if any(severity == Severity.WARNING for _, severity in facts.problems):
        return Status.COMPLETED_WITH_WARNINGS
    return Status.COMPLETED


# ── sections ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _section(batch: Batch, section: Section, facts: Facts) -> SectionView | None:
    """One section; None for one that this batch doesn't need."""
    key = SectionKey(section.key)
    if key in SECTION_KINDS:
        total, done, failed = _creations(facts, SECTION_KINDS[key])
        if not total:
            return None
    elif key in facts.after:
        total, done, failed = facts.after[key]
        if not total and batch.ended_at is not None:
            return None
    else:
        total, done, failed = _counts(key, facts)
    warned = bool(facts.problems.get((key, Severity.WARNING)))
    return SectionView(
        key,
        _title(RecordKind(batch.kind), key, facts),
        _section_status(batch, section, total=total, done=done, failed=failed, warned=warned),
        total,
        done,
        failed,
        _seconds(batch, section),
    )


def _title(kind: RecordKind, key: SectionKey, facts: Facts) -> str:
    title = OTHER_TITLES.get((kind, key), TITLES[key])
    return f"{title} & terms" if key is SectionKey.PARTIES and facts.creations.get(LinkKind.TERMS) else title


def _creations(facts: Facts, kinds: Collection[LinkKind]) -> tuple[int, int, int]:
    """Total, done, failed."""
    states = sum((facts.creations.get(kind, Counter()) for kind in kinds), Counter[str]())
    return states.total(), states["done"], states["refused"]


def _counts(key: SectionKey, facts: Facts) -> tuple[int, int, int]:
    """Total, done, failed."""
    held_read = facts.held_by_section.get(SectionKey.READ, 0)
    passed = facts.count - facts.state(S.HELD, S.SKIPPED, S.CLEARED, S.UNDONE)
    in_books = facts.state(*IN_BOOKS)
    match key:
        case SectionKey.READ:
            return facts.count, min(facts.count, facts.read + held_read), held_read
        case SectionKey.CHECK:
            held = facts.held_by_section.get(SectionKey.CHECK, 0)
            return facts.count - held_read, min(facts.count - held_read, facts.checked + held), held
        case SectionKey.DOCUMENTS:
            return passed, in_books + facts.state(S.REFUSED), facts.state(S.REFUSED, S.IN_DOUBT)
        case SectionKey.CLOSE:
            wrong = facts.problems.get((SectionKey.CLOSE, Severity.ERROR), 0)
            return passed - facts.state(S.REFUSED) + facts.state(S.CLEARED), facts.state(S.CLOSED, S.CLEARED), wrong
        case _:
            return in_books, facts.proved, facts.problems.get((SectionKey.PROVE, Severity.ERROR), 0)


def _section_status(batch: Batch, section: Section, *, total: int, done: int, failed: int, warned: bool) -> str:
    over = batch.ended_at is not None or batch.stopped
    if section.started_at is None:
        return Status.SKIPPED if over and not (batch.failure or batch.stopped) else Status.NOT_STARTED
    if section.ended_at is None or (not over and done < total):
        return Status.RUNNING if not over else Status.FAILED if batch.failure else Status.STOPPED
    if failed or done < total:
        return Status.COMPLETED_WITH_ERRORS
    return Status.COMPLETED_WITH_WARNINGS if warned else Status.COMPLETED


def _seconds(batch: Batch, section: Section) -> float | None:
    if section.started_at is None:
        return None
    return ((section.ended_at or batch.ended_at or utcnow()) - section.started_at).total_seconds()


def worked(session: Session, batches: Collection[Batch]) -> dict[int, float]:
    """Seconds that each ended batch was at work: from its beginning to its end, but no more than its sections took.

    So the hours before a retry, or before an undo, do not count.
    """
    ended = {batch.id or 0: batch for batch in batches if batch.started_at and batch.ended_at}
    spent = dict.fromkeys(ended, 0.0)
    once = col(Section.key) != SectionKey.CLOSE  # it goes on beside the documents
    for section in session.exec(select(Section).where(col(Section.batch_id).in_(ended), once)):
        spent[section.batch_id] += _seconds(ended[section.batch_id], section) or 0.0
    return {ident: min(elapsed(batch), spent[ident]) for ident, batch in ended.items()}


def elapsed(batch: Batch) -> float:
    """Seconds from the beginning of the batch's first run to the end of its last; 0 before that."""
    return (batch.ended_at - batch.started_at).total_seconds() if batch.started_at and batch.ended_at else 0.0
