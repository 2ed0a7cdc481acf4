"""Numbers of receipts: a ledger takes a vendor's invoice number once, but its goods may come in several deliveries.

The first receipt of ``NW-55722`` becomes a bill of that number, the next ones ``NW-55722-2``, ``NW-55722-3`` in the
order in which they were taken; those of a batch are one bill where the Book wants that. A number is given at Check,
before marks and duplicates are looked for, and a posting keeps it over every retry, unless another one has taken it
since.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, or_, select

from app.domain.codec import to_json
from app.domain.documents import SALES, Document
from app.domain.shaping import PURCHASE
from app.domain.states import PostingState, RecordKind
from app.models.postings import Posting, PostingRecord
from app.services.posting import posting_rows
from app.services.posting.reading import document_of
from app.services.posting.run import Run

#: What a number belongs to: kind of document, vendor, and the number as QuickBooks compares it.
Taken = set[tuple[str, str, str]]


def assign(run: Run) -> None:
    """Number every receipt of the batch that has been read and not yet checked."""
    if run.kind is not RecordKind.INVENTORY:
        return
    with run.database.session() as session:
        run.hold_on(session)
        receipts = [(posting, document) for posting in _unchecked(session, run) if (document := _receipt(posting))]
        if not receipts:
            return
        taken = _taken(session, run, [document.number for _, document in receipts])
        changed = [posting for posting, document in receipts if _number(posting, document, taken)]
        session.add_all(changed)
        run.changed(session, *changed)


def free(number: str, before: str, taken: Container[str]) -> str:
    """``before`` where the posting had one of these already, else the first of ``V``, ``V-2``, ``V-3`` … not taken."""
    if before.removeprefix(f"{number}-").isdigit() and before.casefold() not in taken:
        return before
    place, found = 1, number
    while found.casefold() in taken:
        place += 1
        found = f"{number}-{place}"
    return found


def _unchecked(session: Session, run: Run) -> Sequence[Posting]:
    query = select(Posting).where(Posting.batch_id == run.batch_id, Posting.state == PostingState.READY)
    query = query.where(col(Posting.checked).is_(False), col(Posting.document).is_not(None))
    return session.exec(query.order_by(col(Posting.id)).options(*posting_rows.WITH_DOCUMENT)).all()


def _receipt(posting: Posting) -> Document | None:
    document = document_of(posting)
    return document if document.psa_type == PURCHASE and document.number else None


def _number(posting: Posting, document: Document, taken: Taken) -> bool:
    """Give the posting its number; whether that differs from what it had."""
    own = {number for kind, party, number in taken if (kind, party) == (posting.kind, posting.party)}
    found = free(document.number, posting.number, own)
    taken.add((posting.kind, posting.party, found.casefold()))
    if found == document.number:
        return False
    posting.document, posting.number = to_json(replace(document, number=found)), found
    return True


def one(session: Session, posting: Posting, number: str) -> str:
    """The number for one posting alone, e.g. for a bill that is in the books without one."""
    taken = _held(session, posting.book_id, [number], col(Posting.id) != posting.id)
    return free(number, "", {held for kind, party, held in taken if (kind, party) == (posting.kind, posting.party)})


def proposed(session: Session, posting: Posting, document: Document) -> str:
    """The first free ``10404-2``, ``10404-3`` … for a sale whose number is taken; empty where it has none to go on."""
    own = document.own_number
    if document.kind not in SALES or not own:
        return ""
    held = {number for _, _, number in _held(session, posting.book_id, [own], col(Posting.id) != posting.id)}
    return free(own, "", held | {own.casefold(), posting.number.casefold()})


def _taken(session: Session, run: Run, numbers: Sequence[str]) -> Taken:
    """Without those of the batch's own that are yet to be numbered."""
    others = or_(Posting.batch_id != run.batch_id, Posting.state != PostingState.READY, col(Posting.checked))
    return _held(session, run.book_id, numbers, others)


def _held(session: Session, book_id: int, numbers: Sequence[str], which: ColumnElement[bool]) -> Taken:
    """Numbers that postings of the Book hold, or have in the books; dry runs and what was undone hold none."""
    others = select(Posting.kind, Posting.party, Posting.number).where(
        Posting.book_id == book_id,
        which,
        col(Posting.id).in_(select(PostingRecord.posting_id).where(col(PostingRecord.live))),
        col(Posting.state).not_in((PostingState.UNDONE, PostingState.SKIPPED)),
    )
    found: Taken = set()
    names = sorted(set(numbers))
    for start in range(0, len(names), 100):
        some = names[start : start + 100]
        alike = [col(Posting.number).startswith(f"{name}-", autoescape=True) for name in some]
        rows = session.exec(others.where(or_(col(Posting.number).in_(some), *alike)))
        found |= {(kind, party, number.casefold()) for kind, party, number in rows}
    return found
