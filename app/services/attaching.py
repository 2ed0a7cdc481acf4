"""Attachments: the PSA's PDF beside each invoice in the books, once.

One row per document and ledger id. Before a file goes out the ledger is asked for one of its name, then the intent is
committed. An answer that was lost is looked up by the name; only what is absent twice, once the call cannot be running
any more, goes again. A PDF that can't be had is a warning beside the posting, never a failed invoice.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import update
from sqlmodel import Session, col, func, select

from app.connectors.ledger_changes import Attached, Attaching, AttachOutcome
from app.connectors.protocols import ConnectionFailedError, Slot, Wait
from app.connectors.source_abilities import GivesPdf
from app.domain.documents import SALES, DocumentKind
from app.domain.outcomes import InDoubt, NotDone, Refused
from app.domain.problems import Problem, Severity
from app.domain.states import SectionKey
from app.models.attachments import Attachment
from app.models.columns import utcnow
from app.models.postings import Posting, PostingRecord
from app.services import afterwards, posting_problems, posting_rows
from app.services.run import Lanes, Run, SystemicError

#: With nothing to do for longer than this, the worker is given back.
PATIENCE = 25.0
#: Sends without any answer after which a person is told instead.
MOST_SENDS = 3
#: The first look after a lost answer comes so soon; a file that is there ends the doubt.
EARLY = dt.timedelta(seconds=1)
NAMES = {DocumentKind.INVOICE: "Invoice", DocumentKind.CREDIT_MEMO: "Credit memo"}


@dataclass(slots=True)
class Task:
    """One file on its way: whose it is, and its content once the PSA has given it."""

    ident: int
    doubt: bool
    kind: DocumentKind
    ledger_id: str
    name: str
    record: str
    content: bytes = field(default=b"", repr=False)


def name_of(kind: DocumentKind, number: str) -> str:
    """``Invoice 10482.pdf``: under this name the file is sent and looked for. No path, no line break."""
    shown = "".join(char if char.isprintable() and char not in '/\\:"' else "-" for char in number)
    return f"{NAMES[kind]} {shown}.pdf"


def work(run: Run) -> float | None:
    """Attach what this batch's documents want; answers seconds until the next doubt is looked up, None if done."""
    psa, ledger = run.source, run.destination
    if not (isinstance(psa, GivesPdf) and isinstance(ledger, Attaching)):
        return None
    if not afterwards.has_section(run.database, run.batch_id, SectionKey.ATTACHMENTS):
        return None
    _want(run)
    if not _due(run, set(), later=True):
        return None
    run.begin(SectionKey.ATTACHMENTS)
    _recover(run)
    wake = _Work(run, psa, ledger).through()
    if wake is None and not run.stopping():
        run.end(SectionKey.ATTACHMENTS)
    return wake


def _want(run: Run) -> None:
    """An intent for every invoice of the batch that is in the books and has none."""
    have = select(Attachment.id).where(
        Attachment.posting_id == Posting.id, Attachment.ledger_id == Posting.ledger_id
    )  # fmt: skip
    with run.database.session() as session:
        run.hold_on(session)
        query = select(Posting).where(
            Posting.batch_id == run.batch_id, Posting.role == "main", col(Posting.kind).in_(SALES),
            col(Posting.state).in_(afterwards.STANDING), Posting.ledger_id != "", ~have.exists(),
        )  # fmt: skip
        rows = session.exec(query.options(*posting_rows.BARE)).all()
        session.add_all(
            Attachment(
                posting_id=posting.id or 0, batch_id=run.batch_id, ledger_id=posting.ledger_id,
                name=name_of(DocumentKind(posting.kind), posting.number),
            )
            for posting in rows
        )  # fmt: skip
        session.commit()


def _recover(run: Run) -> None:
    """What an earlier run left on the wire is in doubt."""
    with run.database.session() as session:
        run.hold_on(session)
        left = (col(Attachment.batch_id) == run.batch_id, col(Attachment.state) == "sending")
        session.exec(update(Attachment).where(*left).values(state="in_doubt", look_at=utcnow()))
        session.commit()


def _due(run: Run, under_way: set[int], *, later: bool = False, limit: int = 8) -> list[Task]:
    """Files to be attached or looked up now (or ``later`` too), of documents that still stand in the books."""
    open_ones = col(Attachment.state).in_(("wanted", "sending", "in_doubt") if later else ("wanted", "in_doubt"))
    query = (
        select(Attachment, Posting.kind, func.min(PostingRecord.record))
        .join(Posting, col(Posting.id) == Attachment.posting_id)
        .join(PostingRecord, col(PostingRecord.posting_id) == Posting.id)
        .where(Attachment.batch_id == run.batch_id, open_ones, Attachment.ledger_id == Posting.ledger_id)
        .where(col(Posting.state).in_(afterwards.STANDING), col(Attachment.id).not_in(under_way))
        .group_by(col(Attachment.id), col(Posting.kind))
        .order_by(col(Attachment.id))
        .limit(limit)
    )
    if not later:
        query = query.where((col(Attachment.look_at).is_(None)) | (col(Attachment.look_at) <= utcnow()))
    with run.database.reading() as session:
        return [
            Task(row.id or 0, row.state == "in_doubt", DocumentKind(kind), row.ledger_id, row.name, record)
            for row, kind, record in session.exec(query)
        ]


class _Work:
    """One run's work on them: looks, PDFs and uploads side by side, rows only in this thread."""

    def __init__(self, run: Run, psa: GivesPdf, ledger: Attaching) -> None:
        self._run, self._psa, self._ledger = run, psa, ledger
        self._ready: list[Task] = []
        self._under_way: set[int] = set()

    def through(self) -> float | None:
        """Until nothing is left, or what is left has time."""
        lanes_each = self._run.destination.lanes
        with Lanes(looks=lanes_each, uploads=lanes_each) as lanes:
            while not self._run.stopping():
                pause = self._start(lanes)
                if not lanes.busy and not self._ready:
                    if pause is None or pause > PATIENCE:
                        return pause
                    self._run.lost.wait(min(pause, 0.5))
                    continue
                lanes.settle(min(pause or 0.5, 0.5))
        return None

    def _start(self, lanes: Lanes) -> float | None:
        """Begin what there is room for; answers when there is more to do, None where that is never."""
        while self._ready and lanes.free("uploads"):
            slot = self._run.destination.reserve(0)
            if isinstance(slot, Wait):
                return slot.seconds
            self._upload(lanes, self._ready.pop(0), slot)
        room = lanes.room("looks") - len(self._ready)
        for task in _due(self._run, self._under_way, limit=room) if room > 0 else []:
            self._under_way.add(task.ident)
            lanes.go("looks", self._look(task), lambda seen, task=task: self._looked(task, seen))  # type: ignore[misc]
        return self._next_look()

    def _next_look(self) -> float | None:
        with self._run.database.reading() as session:
            query = (
                select(func.min(Attachment.look_at))
                .join(Posting, col(Posting.id) == Attachment.posting_id)
                .where(Attachment.batch_id == self._run.batch_id, Attachment.ledger_id == Posting.ledger_id)
                .where(col(Attachment.state).in_(("wanted", "in_doubt")), col(Posting.state).in_(afterwards.STANDING))
            )
            moment = session.exec(query).one()
        if moment is None:
            return None
        aware = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
        return max(0.05, (aware - utcnow()).total_seconds())

    # ── look ──

    def _look(self, task: Task) -> Callable[[], str | bytes | ConnectionFailedError]:
        """In a lane: the id of the file that is there already, else the PSA's PDF; empty bytes for a doubt."""

        def look() -> str | bytes | ConnectionFailedError:
            try:
                there = self._ledger.attachment(task.kind, task.ledger_id, task.name)
                if there is not None:
                    return there
                return b"" if task.doubt else self._psa.pdf(self._run.kind, task.record)
            except ConnectionFailedError as error:
                return error

        return look

    def _looked(self, task: Task, seen: str | bytes | ConnectionFailedError) -> None:
        if isinstance(seen, bytes) and not task.doubt:
            task.content = seen
            self._ready.append(task)
            return
        self._under_way.discard(task.ident)
        if isinstance(seen, str):
            self._done(task, seen)
        elif isinstance(seen, bytes):
            self._absent(task)
        elif seen.systemic or seen.code == "redis_gone":
            raise seen
        elif task.doubt:
            self._set(task, look_at=self._later(self._run.waits.between))
        else:
            self._failed(task, Problem(seen.code, seen.message, seen.remedy))

    def _absent(self, task: Task) -> None:
        """In doubt, and not there: believed only when the call cannot be running any more, and twice."""
        with self._run.database.reading() as session:
            row = session.get_one(Attachment, task.ident)
        ended = (row.sent_at or utcnow()) + dt.timedelta(seconds=self._run.waits.running)
        if utcnow() < ended:
            self._set(task, look_at=ended)
        elif row.absent == 0:
            self._set(task, absent=1, look_at=self._later(self._run.waits.between))
        elif row.sends < MOST_SENDS:
            self._set(task, state="wanted", absent=0, look_at=None)
        else:
            self._failed(task, NEVER_ANSWERED)

    # ── upload ──

    def _upload(self, lanes: Lanes, task: Task, slot: Slot) -> None:
        """The intent is committed, then the file leaves."""
        if not self._intend(task):
            slot.release(sent=False)
            self._under_way.discard(task.ident)
            return
        ledger = self._ledger
        lanes.go(
            "uploads",
            lambda: ledger.attach(task.kind, task.ledger_id, task.name, task.content, slot),
            lambda outcome: self._settle(task, outcome),
        )

    def _intend(self, task: Task) -> bool:
        with self._run.database.session() as session:
            ours = (col(Attachment.id) == task.ident, col(Attachment.state) == "wanted", self._run.still_ours())
            values = {"state": "sending", "sent_at": utcnow(), "sends": Attachment.sends + 1, "absent": 0}
            begun = session.exec(update(Attachment).where(*ours).values(**values)).rowcount == 1
            session.commit()
        return begun

    def _settle(self, task: Task, outcome: AttachOutcome) -> None:
        self._under_way.discard(task.ident)
        task.content = b""
        match outcome:
            case Attached(attachment_id):
                self._done(task, attachment_id)
            case Refused(problem):
                self._failed(task, problem)
            case NotDone(_, wait, systemic):
                self._set(task, state="wanted", look_at=self._later(wait) if wait else None)
                if systemic:
                    raise SystemicError(systemic)
            case InDoubt():
                self._set(task, state="in_doubt", look_at=utcnow() + EARLY)

    # ── rows: of a run that lost the batch only a success is written down ──

    def _later(self, seconds: float) -> dt.datetime:
        return utcnow() + dt.timedelta(seconds=seconds)

    def _set(self, task: Task, **values: object) -> None:
        with self._run.database.session() as session:
            self._run.hold_on(session)
            session.exec(update(Attachment).where(col(Attachment.id) == task.ident).values(**values))
            session.commit()

    def _done(self, task: Task, attachment_id: str) -> None:
        with self._run.database.session() as session:
            posting = self._ended(session, task, "done", attachment_id)
            posting_problems.clear(session, posting, afterwards.NOT_ATTACHED)
            self._run.log(session, f"{task.name} is attached in QuickBooks.", posting, attachment_id=attachment_id)
            self._run.changed(session)

    def _failed(self, task: Task, why: Problem) -> None:
        with self._run.database.session() as session:
            self._run.hold_on(session)
            posting = self._ended(session, task, "failed", "")
            problem = Problem(
                afterwards.NOT_ATTACHED,
                f"{task.name} was not attached: {why.message}",
                f"The invoice itself is posted. {why.remedy} Then retry.".replace("  ", " "),
                Severity.WARNING,
                technical={"cause": why.code, **why.technical},
            )
            posting_problems.add(session, posting, SectionKey.ATTACHMENTS, problem)
            self._run.log(session, problem.message, posting)
            self._run.changed(session)

    def _ended(self, session: Session, task: Task, state: str, attachment_id: str) -> Posting:
        row = session.get_one(Attachment, task.ident)
        row.state, row.attachment_id, row.look_at = state, attachment_id, None
        session.add(row)
        return session.get_one(Posting, row.posting_id, options=posting_rows.BARE)


NEVER_ANSWERED = Problem(
    "no_answer", "QuickBooks took the file several times without ever answering, and does not show it.",
    "Look at the invoice in QuickBooks.",
)  # fmt: skip
