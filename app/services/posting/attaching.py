"""Attachments: the PSA's PDF beside each invoice in the books, and receipts beside each expense, once.

One row per document and ledger id; several files go one after the other, the row's name says which is on its way.
Before a file goes out the ledger is asked for one of its name, then the intent is committed. An answer that was lost is
looked up by the name; only what is absent twice, once the call cannot be running any more, goes again. A file that
can't be had is a warning beside the posting, never a failed document.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy import update
from sqlmodel import Session, col, func, select

from app.connectors.ledger_changes import Attached, Attaching, AttachOutcome
from app.connectors.protocols import ConnectionFailedError, Slot, Wait
from app.domain.outcomes import InDoubt, NotDone, Refused
from app.domain.problems import Problem, Severity
from app.domain.states import STANDING, SectionKey
from app.models.attachments import Attachment
from app.models.columns import utcnow
from app.models.postings import Posting
from app.services.batches import afterwards
from app.services.posting import papers, posting_problems, posting_rows, wanted_files
from app.services.posting.run import Lanes, Run, SystemicError
from app.services.posting.wanted_files import Task

#: With nothing to do for longer than this, the worker is given back.
PATIENCE = 25.0
#: Sends without any answer after which a person is told instead.
MOST_SENDS = 3
#: Files of one document that a sentence tells of.
MOST_TOLD = 3
#: The first look after a lost answer comes so soon; a file that is there ends the doubt.
EARLY = dt.timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that the books have not, under the name that it gets there."""

    name: str
    content: bytes = field(repr=False)


Seen = str | Fetched | ConnectionFailedError | None


def work(run: Run) -> float | None:
    """Attach what this batch's documents want; answers seconds until the next doubt is looked up, None if done."""
    ledger = run.destination
    if not isinstance(ledger, Attaching):
        return None
    if not afterwards.has_section(run.database, run.batch_id, SectionKey.ATTACHMENTS):
        return None
    wanted_files.want(run)
    if not wanted_files.due(run, set(), later=True):
        return None
    run.begin(SectionKey.ATTACHMENTS)
    wanted_files.recover(run)
    wake = _Work(run, ledger).through()
    if wake is None and not run.stopping():
        run.end(SectionKey.ATTACHMENTS)
    return wake


class _Work:
    """One run's work on them: looks, PDFs and uploads side by side, rows only in this thread."""

    def __init__(self, run: Run, ledger: Attaching) -> None:
        self._run, self._ledger = run, ledger
        self._ready: list[Task] = []
        self._under_way: set[int] = set()
        self._failures: dict[int, dict[str, Problem]] = {}

    def through(self) -> float | None:
        """Until nothing is left, or what is left has time."""
        lanes_each = self._run.destination.lanes
        with Lanes(looks=lanes_each, uploads=lanes_each) as lanes:
            while not self._run.stopping():
                pause = self._start(lanes)
                if lanes.busy or self._ready:
                    lanes.settle(min(pause or 0.5, 0.5))
                elif pause is None or pause > PATIENCE:
                    return pause
                else:
                    self._run.lost.wait(min(pause, 0.5))
        return None

    def _start(self, lanes: Lanes) -> float | None:
        """Begin what there is room for; answers when there is more to do, None where that is never."""
        while self._ready and lanes.free("uploads"):
            slot = self._run.destination.reserve(0)
            if isinstance(slot, Wait):
                return slot.seconds
            self._upload(lanes, self._ready.pop(0), slot)
        room = lanes.room("looks") - len(self._ready)
        for task in wanted_files.due(self._run, self._under_way, limit=room) if room > 0 else []:
            self._under_way.add(task.ident)
            task.failed = self._failures.setdefault(task.ident, {})
            lanes.go("looks", partial(self._look, task), partial(self._looked, task))
        return self._next_look()

    def _next_look(self) -> float | None:
        with self._run.database.reading() as session:
            query = (
                select(func.min(Attachment.look_at))
                .join(Posting, col(Posting.id) == Attachment.posting_id)
                .where(Attachment.batch_id == self._run.batch_id, Attachment.ledger_id == Posting.ledger_id)
                .where(col(Attachment.state).in_(("wanted", "in_doubt")), col(Posting.state).in_(STANDING))
            )
            moment = session.exec(query).one()
        if moment is None:
            return None
        return max(0.05, (moment - utcnow()).total_seconds())

    # ── look ──

    def _look(self, task: Task) -> Seen:
        """In a lane: the first file that is not there yet; the id of the last one where all are; None for a doubt."""
        try:
            return self._doubted(task) if task.doubt else self._missing(task)
        except ConnectionFailedError as error:
            return error

    def _doubted(self, task: Task) -> str | None:
        return self._ledger.attachment(task.kind, task.ledger_id, task.name)

    def _missing(self, task: Task) -> str | Fetched:
        run, last = self._run, ""
        files, task.left_out = papers.wanted(run.source, task.kind, run.kind, task.record, task.name, task.papers)
        for file in files:
            if file.name in task.failed:
                continue
            there = self._ledger.attachment(task.kind, task.ledger_id, file.name)
            if there is not None:
                last = there
                continue
            try:
                content = file.read()
            except ConnectionFailedError as error:
                if error.systemic or error.code == "redis_gone":
                    raise
                task.failed[file.name] = Problem(error.code, error.message, error.remedy)
                continue
            if content:
                return Fetched(file.name, content)
            task.failed[file.name] = EMPTY
        return last

    def _looked(self, task: Task, seen: Seen) -> None:
        if isinstance(seen, Fetched):
            task.name, task.content = seen.name, seen.content
            self._ready.append(task)
            return
        self._under_way.discard(task.ident)
        if isinstance(seen, str):
            if task.failed and not task.doubt:
                self._failed(task)
            else:
                (self._attached if task.doubt else self._done)(task, seen)
        elif seen is None:
            self._absent(task)
        elif seen.systemic or seen.code == "redis_gone":
            raise seen
        elif task.doubt:
            self._set(task, look_at=self._later(self._run.waits.between))
        else:
            task.failed[task.name] = Problem(seen.code, seen.message, seen.remedy)
            self._failed(task)

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
            self._cannot(task, NEVER_SAID)

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
            values = {
                "state": "sending",
                "name": task.name,
                "sent_at": utcnow(),
                "sends": Attachment.sends + 1,
                "absent": 0,
            }
            begun = session.exec(update(Attachment).where(*ours).values(**values)).rowcount == 1
            session.commit()
        return begun

    def _settle(self, task: Task, outcome: AttachOutcome) -> None:
        self._under_way.discard(task.ident)
        task.content = b""
        match outcome:
            case Attached(attachment_id):
                self._attached(task, attachment_id)
            case Refused(problem):
                self._cannot(task, problem)
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

    def _attached(self, task: Task, attachment_id: str) -> None:
        """One file is there; of a document that may have several, the next one is looked for."""
        if not papers.has_many(task.kind):
            self._done(task, attachment_id)
            return
        with self._run.database.session() as session:
            posting = self._ended(session, task, "wanted", attachment_id)
            session.exec(update(Attachment).where(col(Attachment.id) == task.ident).values(sends=0, absent=0))
            self._run.log(session, f"{task.name} is attached in QuickBooks.", posting, attachment_id=attachment_id)
            self._run.changed(session)

    def _done(self, task: Task, attachment_id: str) -> None:
        with self._run.database.session() as session:
            posting = self._ended(session, task, "done", attachment_id)
            posting_problems.clear(session, posting, afterwards.NOT_ATTACHED)
            posting_problems.clear(session, posting, papers.LEFT_OUT)
            if task.left_out:
                posting_problems.add(session, posting, SectionKey.ATTACHMENTS, papers.left_out(task.left_out))
            if not papers.has_many(task.kind):
                self._run.log(session, f"{task.name} is attached in QuickBooks.", posting, attachment_id=attachment_id)
            self._run.changed(session)

    def _cannot(self, task: Task, why: Problem) -> None:
        """One file can't go; of a document that may have several, the next one is looked for."""
        task.failed[task.name] = why
        self._set(task, state="wanted", sends=0, absent=0, look_at=None)

    def _failed(self, task: Task) -> None:
        """Nothing is left but what could not be attached: a person is told of each."""
        why = next(iter(task.failed.values()))
        with self._run.database.session() as session:
            self._run.hold_on(session)
            posting = self._ended(session, task, "failed", "")
            problem = Problem(
                afterwards.NOT_ATTACHED,
                " ".join(
                    f"{name} was not attached: {one.message}" for name, one in list(task.failed.items())[:MOST_TOLD]
                ),
                f"The {papers.noun(task.kind)} itself is posted. {why.remedy} Then retry.".replace("  ", " "),
                Severity.WARNING,
                technical={"cause": why.code, "files": [*task.failed], **why.technical},
            )
            task.failed.clear()
            posting_problems.add(session, posting, SectionKey.ATTACHMENTS, problem)
            self._run.log(session, problem.message, posting)
            self._run.changed(session)

    def _ended(self, session: Session, task: Task, state: str, attachment_id: str) -> Posting:
        row = session.get_one(Attachment, task.ident)
        row.state, row.attachment_id, row.look_at = state, attachment_id, None
        session.add(row)
        return session.get_one(Posting, row.posting_id, options=posting_rows.BARE)


EMPTY = Problem("file_empty", "It is empty in ConnectWise.", "Put it there anew.")
NEVER_SAID = Problem(
    "no_answer", "It was sent several times; QuickBooks never said that it has it, and does not show it.",
    "Look at the document in QuickBooks.",
)  # fmt: skip
