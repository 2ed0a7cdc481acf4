"""Why isn't it here? A number, and each test that decides whether its record is offered, with its answer."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, false
from sqlmodel import Session, col, or_, select

from app.connectors.protocols import Connectors
from app.connectors.source_abilities import Eligibility, Explains
from app.database import Database
from app.domain.problems import NotFoundError
from app.domain.states import RecordKind, Role
from app.models.connections import Book
from app.models.postings import Posting, PostingRecord
from app.models.records import UnpostedRow
from app.services.connections import connections
from app.services.records import outlook, previews, records

WOULD_POST = "Would it post as it is?"
LISTED = "Does ConnectWise list it as unposted?"


@dataclass(frozen=True, slots=True)
class Explanation:
    """``offered`` says whether it can be selected now; ``record`` is empty where the PSA does not list it.

    ``batch_id`` is the batch that had it last, where the person may see that.
    """

    number: str
    record: str
    offered: bool
    tests: tuple[Eligibility, ...]
    batch_id: int | None = None

    @property
    def answer(self) -> str:
        """The first test that failed, in a sentence; what to know where none did.

        That ConnectWise does not list it is only the answer where no other test says why it doesn't.
        """
        failed = [test for test in self.tests if test.passed is False]
        if failed:
            told = next((test.answer for test in failed if test.question != LISTED), failed[0].answer).removeprefix(
                "No: "
            )
            return told[:1].upper() + told[1:]
        if self.offered:
            return "It is offered: it is on the list of unposted records."
        return "No test failed, yet it is not offered; those that can’t be told may hold the reason."

    def to_json(self) -> dict[str, object]:
        """``{"number", "record", "offered", "answer", "tests": [{"question", "passed", "answer", "remedy"}]}``."""
        tests = [
            {"question": t.question, "passed": t.passed, "answer": t.answer, "remedy": t.remedy} for t in self.tests
        ]
        return {"number": self.number, "record": self.record, "offered": self.offered, "answer": self.answer,
                "tests": tests}  # fmt: skip


def explain(database: Database, connectors: Connectors, book: Book, kind: RecordKind, number: str) -> Explanation:
    """Refresh the list and run every test. Raises NotFoundError without a PSA, ConnectionFailedError."""
    if book.source_id is None:
        raise NotFoundError("No PSA is connected.", "Connect ConnectWise under Settings ▸ Connections.")
    number = number.strip()
    source = connections.open_source(database, connectors, book.source_id)
    records.refresh(database, source, book.source_id, kind)
    with database.reading() as session:
        row = _row(session, book.source_id, kind, number)
    if row is None:
        with database.reading() as session:
            ours = _ours(session, book.source_id, kind, number)
        theirs = source.explain(kind, number) if isinstance(source, Explains) else []
        return Explanation(number, "", False, (_unlisted(), _left_alone(ours), *theirs), ours.batch_id)
    previews.fill(database, source, book.source_id, kind, only=[row.record])
    with database.reading() as session:
        standing = records.standings(session, book.source_id, kind, [row.record]).get(row.record, records.FREE)
        fresh = _row(session, book.source_id, kind, number) or row
        ready = _ready(session, book, fresh)
        asked = outlook.questions(session, book.source_id, kind, [row.record]).get(row.record)
    listed = Eligibility(LISTED, True, f"Yes, dated {row.date:%m/%d/%Y}.")
    tests = (listed, _free(standing), _held(standing), _place(row), *([_asked(standing, asked)] if asked else ready))
    offered = standing.offered and not standing.only_by_name
    return Explanation(row.number, row.record, offered, tests, standing.batch_id)


def _row(session: Session, source_id: int, kind: RecordKind, number: str) -> UnpostedRow | None:
    query = select(UnpostedRow).where(UnpostedRow.source_id == source_id, UnpostedRow.kind == kind)
    found = session.exec(query.where(or_(UnpostedRow.number == number, UnpostedRow.record == number))).first()
    if found or kind is not RecordKind.INVENTORY:
        return found
    receipts = query.where(col(UnpostedRow.number).startswith(f"{number}/", autoescape=True))  # of a purchase order
    return session.exec(receipts.order_by(col(UnpostedRow.id))).first()


def _unlisted() -> Eligibility:
    return Eligibility(LISTED, False, "ConnectWise does not list it as unposted.")


def _ours(session: Session, source_id: int, kind: RecordKind, number: str) -> records.Standing:
    """Where it stands with us, by any number that it may be known by."""
    query = (
        select(PostingRecord.record)
        .join(Posting, col(Posting.id) == col(PostingRecord.posting_id))
        .where(PostingRecord.source_id == source_id, PostingRecord.kind == kind, PostingRecord.role == Role.MAIN)
        .where(or_(col(Posting.number) == number, col(PostingRecord.record) == number, _receipts(kind, number)))
        .order_by(col(Posting.id).desc())
    )
    found = session.exec(query).first()
    return records.standings(session, source_id, kind, [found]).get(found, records.FREE) if found else records.FREE


def _left_alone(standing: records.Standing) -> Eligibility:
    """What a batch let go again is no reason why the PSA would not list it."""
    question = "Has Crossfoot left it alone so far?"
    if not standing.state:
        return Eligibility(question, True, "Yes: no batch ever had it.")
    state = standing.state.replace("_", " ")
    if standing.offered:
        return Eligibility(question, None, f"It was {state} in batch {standing.batch}, which let it go again.")
    return Eligibility(
        question, False, f"It is {state} in batch {standing.batch}.", "Open that batch, or its record page."
    )


def _receipts(kind: RecordKind, number: str) -> ColumnElement[bool]:
    """A bill bears the vendor's number; that of the order, or of order and packing slip, begins the record's id.

    A sale may have been given a number that goes on from its own: ``10404-2``.
    """
    if kind is RecordKind.INVOICES:
        return col(Posting.number).startswith(f"{number}-", autoescape=True)
    if kind is not RecordKind.INVENTORY:
        return false()
    return col(PostingRecord.record).startswith(f"{number.replace('/', '-')}-", autoescape=True)


def _free(standing: records.Standing) -> Eligibility:
    question = "Is it in no batch of Crossfoot’s?"
    if standing.offered:
        return Eligibility(question, True, "Yes.")
    state = standing.state.replace("_", " ")
    return Eligibility(question, False, f"It is {state} in batch {standing.batch}.", "Open that batch.")


def _held(standing: records.Standing) -> Eligibility:
    question = "Is it not on hold?"
    if not standing.only_by_name:
        return Eligibility(question, True, "It is not.")
    if standing.reason:
        return Eligibility(question, False, f"{standing.held_by} put it on hold: {standing.reason}.", "Release it.")
    return Eligibility(
        question, False, f"It was undone or skipped in batch {standing.batch}.", "Tick it by itself: that releases it."
    )


def _place(row: UnpostedRow) -> Eligibility:
    where = row.location or row.location_id or "no location"
    question = "Do the list’s filters let it through?"
    return Eligibility(
        question, None, f"Its location is {where}, its date {row.date:%m/%d/%Y}; compare the filters above the list."
    )


def _asked(standing: records.Standing, asked: outlook.Question) -> Eligibility:
    """A batch has found it in the books, or something like it, and waits for an answer."""
    answer = f"It would be held again, as in batch {standing.batch}: {asked.message}"
    return Eligibility(WOULD_POST, None, answer, "Answer under Needs Attention.")


def _ready(session: Session, book: Book, row: UnpostedRow) -> list[Eligibility]:
    """What would hold it in a batch; offered it is all the same."""
    problems = previews.readiness(session, book, [row]).get(row.record)
    stops = [problem for problem in problems or () if problem.severity == "error"]
    if problems is None:
        return [Eligibility(WOULD_POST, None, "It has not been looked at yet.")]
    if not stops:
        return [Eligibility(WOULD_POST, True, "Yes.")]
    return [Eligibility(WOULD_POST, None, f"It would be held: {problem.message}", problem.remedy) for problem in stops]
