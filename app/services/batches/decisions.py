"""Decisions: what only a person can say about a document, and what follows from it."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import replace

from sqlmodel import Session, col, select

from app.connectors.protocols import Destination
from app.database import Database
from app.domain import shaping
from app.domain.codec import from_json, to_json
from app.domain.documents import SALES, DocumentKind
from app.domain.marks import Mark, marks_in
from app.domain.outcomes import Receipt
from app.domain.problems import NotFoundError, Problem, Severity, ValidationError
from app.domain.states import STOPPED, PostingState, RecordKind, Role, SectionKey
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.connections import Book, SourceRow
from app.models.postings import Posting, PostingProblem, PostingRecord
from app.services.batches import approvals, batches
from app.services.mapping import wants
from app.services.people import audit
from app.services.posting import all_or_nothing, beside, numbering, posting_problems, receipts
from app.services.posting.reading import document_of

CHOICES = ("link", "post", "renumber", "skip", "keep")
#: Problems that ask "is this it?": link, post anyway and skip answer them; of a sale another number, too.
QUESTIONS = ("looks_already_posted", "several_in_books", "still_in_doubt")
#: What another number may solve.
CLASHES = frozenset({"looks_already_posted", "number_taken"})
#: A number as long as this is no number.
LONGEST = 60
DIFFERENCES = ("total_differs", "tax_differs")


def find(session: Session, batch: Batch, record: str) -> Posting:
    """The batch's posting of a record. Raises NotFoundError."""
    query = (
        select(Posting)
        .join(PostingRecord, col(PostingRecord.posting_id) == Posting.id)
        .where(Posting.batch_id == batch.id, PostingRecord.record == record)
    )
    posting = session.exec(query.order_by(col(Posting.id))).first()  # the document itself, not what stands beside it
    if posting is None:
        raise NotFoundError(f"Batch {batch.id} has no record {record}.", "`batch show` lists its records.")
    return posting


def choices(session: Session, posting: Posting) -> tuple[str, ...]:
    """What a person may decide about a posting now; empty when there is nothing to decide."""
    codes = posting_problems.codes(session, [posting.id or 0]).get(posting.id or 0, frozenset())
    return choices_of(posting.state, codes, posting.kind, needs_person=posting.needs_person, keep=posting.keep)


def choices_of(state: str, codes: Set[str], kind: str, *, needs_person: bool, keep: bool) -> tuple[str, ...]:
    """The same from what it depends on: state, kind, and the codes of all problems that stand beside the posting."""
    if state in STOPPED:
        asked = ("link", "post") if state == PostingState.HELD and codes & set(QUESTIONS) else ()
        other = ("renumber",) if codes & CLASHES and kind in SALES else ()
        return (*asked, *other, "skip")
    if state == PostingState.IN_DOUBT and needs_person:
        return ("link", "post")
    if state == PostingState.UNDONE and "undone_elsewhere" in codes:
        return ("skip",)
    if state == PostingState.POSTED and not keep:
        return ("keep",)
    if state == PostingState.CLOSED and codes & set(DIFFERENCES) and not keep:
        return ("keep",)  # posted again by a rerun while its PSA batch stood
    if state == PostingState.SKIPPED and "nothing_to_post" in codes:
        return ("keep",)
    return ()


def decide(
    database: Database,
    batch_id: int,
    record: str,
    choice: str,
    *,
    by: str,
    ledger_id: str = "",
    number: str = "",
    destination: Destination | None = None,
) -> None:
    """Carry out a decision and commit; the caller rings the doorbell.

    ``link`` needs the destination, to read what is linked; and ``ledger_id`` where several documents are offered.
    ``renumber`` takes ``number``, which goes on from the PSA's, as 10404-2; without one the first free.

    Raises:
        NotFoundError: the batch has no such record. ConnectionFailedError: the ledger can't be asked.
        ValidationError: the choice is unknown, or doesn't fit the posting as it stands now.
    """
    if choice not in CHOICES:
        raise ValidationError(f"“{choice}” is not a decision.", f"Choose {', '.join(CHOICES)}.")
    receipt = None
    if choice == "link":  # the vendor is asked before the transaction begins
        with database.reading() as session:
            posting = _fitting(session, batches.find(session, batch_id), record, choice)
            wanted = _wanted(session, posting, ledger_id)
        receipt = _receipt(posting, wanted, destination)
    with database.session() as session:
        batch = batches.find(session, batch_id)
        session.refresh(batch, with_for_update=True)
        posting = _fitting(session, batch, record, choice)
        if receipt is not None:
            _free(session, batch, posting, receipt)
        _carry_out(session, posting, choice, receipt, number)
        session.add(posting)
        audit.record(session, by, f"decide.{choice}", f"posting:{posting.id}", record=record, ledger_id=ledger_id)
        batches.log(session, posting.batch_id, f"{posting.number}: {choice}.", posting=posting, by=by)
        alone = posting.beside is None and not all_or_nothing.waits(session, batch_id)
        if choice == "skip" and alone:
            batches.touch(session, batch_id)
        else:
            batches.go_on(session, batch)
            approvals.void(session, batch, f"“{choice}” was decided for {posting.number}", by=by)
        session.commit()


def _fitting(session: Session, batch: Batch, record: str, choice: str) -> Posting:
    """The posting, or the one beside it, to which the choice applies as it stands now."""
    posting = find(session, batch, record)
    allowed = choices(session, posting)
    for other in beside.of(session, [posting], list(PostingState)):
        if choice not in allowed and choice in choices(session, other):
            return other
    if choice not in allowed:
        raise ValidationError(
            f"{posting.number} is {posting.state.replace('_', ' ')}: “{choice}” does not apply to it.",
            f"Possible now: {', '.join(allowed)}." if allowed else "Nothing is to be decided about it.",
        )
    return posting


def _carry_out(session: Session, posting: Posting, choice: str, receipt: Receipt | None, number: str) -> None:
    match choice:
        case "link" if receipt:
            _link(session, posting, receipt)
        case "post":
            _post_anyway(session, posting)
        case "renumber":
            _renumber(session, posting, number)
        case "skip":
            _skip(session, posting)
        case _:
            _keep(session, posting)


def candidates(session: Session, posting: Posting) -> list[Receipt]:
    """Documents of the books that a question offers."""
    rows = posting_problems.of(session, [posting.id or 0]).get(posting.id or 0, [])
    found = {}
    for row in rows:
        for data in (row.technical or {}).get("candidates", []):
            receipt = from_json(Receipt, data)
            found[receipt.ledger_id] = receipt
    return list(found.values())


def number_for(session: Session, posting: Posting, choices: Sequence[str]) -> str:
    """The free number that ``renumber`` offers; empty where it is no choice, or where no number is in the way."""
    if "renumber" not in choices:
        return ""
    document = document_of(posting)
    held = {receipt.number.casefold() for receipt in candidates(session, posting)}
    clash = "post" not in choices or document.number.casefold() in held
    return numbering.proposed(session, posting, document) if clash else ""


def _wanted(session: Session, posting: Posting, ledger_id: str) -> str:
    offered = [receipt.ledger_id for receipt in candidates(session, posting)]
    if not ledger_id and len(offered) != 1:
        raise ValidationError(
            "It must be said which QuickBooks document it is.", f"Give one of: {', '.join(offered) or 'its id'}."
        )
    return ledger_id.strip() or offered[0]


def _receipt(posting: Posting, wanted: str, destination: Destination | None) -> Receipt:
    receipt = destination.read(DocumentKind(posting.kind), wanted) if destination else None
    if receipt is None or receipt.voided:
        raise ValidationError(
            f"QuickBooks has no {posting.kind.replace('_', ' ')} with the id {wanted}.",
            "Give the id of one that exists.",
        )
    return receipt


def _free(session: Session, batch: Batch, posting: Posting, receipt: Receipt) -> None:
    """It stands for no other record: none is linked to it, at this moment neither, and it has no other's mark.

    Raises ValidationError.
    """
    session.exec(select(Book.id).where(Book.id == batch.book_id).with_for_update()).one()  # two links go one by one
    theirs = (Posting.book_id == batch.book_id, Posting.ledger_id == receipt.ledger_id, Posting.id != posting.id)
    records = session.exec(select(PostingRecord.record).where(PostingRecord.posting_id == posting.id)).all()
    code = session.get_one(SourceRow, batch.source_id).code
    own = tuple(Mark(RecordKind(batch.kind), record, 1, code, posting.role).stem for record in records)
    marks = marks_in(receipt.note)
    another = marks and not any(mark.startswith(own) for mark in marks)
    if another or session.exec(select(Posting.id).where(*theirs)).first():
        raise ValidationError(
            f"QuickBooks document {receipt.number or receipt.ledger_id} stands for another record already.",
            "Choose another one.",
        )


def _link(session: Session, posting: Posting, receipt: Receipt) -> None:
    document = document_of(posting)
    posting_problems.clear(session, posting)
    posting.state, posting.needs_person = receipts.booked_state(posting), False
    posting.ledger_id, posting.ledger_number = receipt.ledger_id, receipt.number
    posting.ledger_cents = receipts.booked_cents(document, receipt)
    posting.receipt, posting.posted_at = to_json(receipt), utcnow()
    posting.looked_anyway = posting.checked = True
    for problem, _ in receipts.differences(document, receipt):
        blocks = problem.code == "total_differs"  # a person chose this document: only another total is asked about
        shown = problem if blocks else replace(problem, severity=Severity.WARNING)
        posting_problems.add(session, posting, SectionKey.DOCUMENTS, shown, blocks_close=blocks)
    if (party := wants.ledger_party(posting.party_key)) and receipt.party_id and receipt.party_id != party:
        posting_problems.add(session, posting, SectionKey.DOCUMENTS, _another_party(receipt), blocks_close=True)


def _another_party(receipt: Receipt) -> Problem:
    return Problem(
        "party_differs",
        f"QuickBooks has {receipt.number or receipt.ledger_id} on another customer or vendor than this record’s.",
        "Keep and close if it is the same all the same; or correct it in QuickBooks, then retry.",
        field="party",
    )


def _post_anyway(session: Session, posting: Posting) -> None:
    """A new generation: an old answer, or an old document, can never stand for this one."""
    posting_problems.clear(session, posting)
    posting.generation += 1
    posting.state, posting.needs_person = PostingState.READY, False
    posting.looked_anyway, posting.checked = True, False
    if posting.closing != "done" and posting.role != Role.BILL:
        posting.document = None  # a record that is closed in the PSA can't be read again


def _renumber(session: Session, posting: Posting, number: str) -> None:
    """Another number in the books; the note keeps the PSA's. Check looks whether it is free there."""
    document = document_of(posting)
    own, wanted = document.own_number, number.strip() or numbering.proposed(session, posting, document)
    if not wanted.startswith(f"{own}-") or len(wanted) > LONGEST or not wanted.isprintable() or wanted == f"{own}-":
        raise ValidationError(f"“{wanted}” does not go on from {own}.", f"Give a number like {own}-2.")
    if wanted == posting.number:
        raise ValidationError(f"It has the number {wanted} already.", "Give another one.")
    posting_problems.clear(session, posting)
    posting.document = to_json(shaping.renumbered(document, wanted, posting.number))
    posting.number, posting.generation = wanted, posting.generation + 1
    posting.state, posting.needs_person = PostingState.READY, False
    posting.looked_anyway = posting.checked = False


def _skip(session: Session, posting: Posting) -> None:
    """Not posted, and not asked about again: the record is let go, on hold until a person asks for it by name."""
    posting_problems.clear(session, posting)
    posting.state = PostingState.SKIPPED
    beside.let_go(session, beside.of(session, [posting], beside.LOOSE))
    for link in session.exec(select(PostingRecord).where(PostingRecord.posting_id == posting.id)):
        link.live = False
        session.add(link)


def _keep(session: Session, posting: Posting) -> None:
    """What the books hold is right: close it as it is."""
    posting.keep, posting.proved = True, False
    closing_codes = [
        row.code
        for row in session.exec(select(PostingProblem).where(PostingProblem.posting_id == posting.id))
        if row.blocks_close or row.section in (SectionKey.CLOSE, SectionKey.PROVE)
    ]
    if closing_codes:
        posting_problems.clear(session, posting, *closing_codes)
