"""Outcomes: what became of a call, written down. A success is recorded whatever happened meanwhile."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from app.connectors.protocols import ConnectionFailedError
from app.domain.documents import DocumentKind
from app.domain.links import LinkKind, party_key
from app.domain.outcomes import InDoubt, NotDone, Outcome, Posted, Receipt, Refused
from app.domain.problems import Problem
from app.domain.states import PostingState, SectionKey
from app.models.columns import utcnow
from app.models.postings import Call, CallMember, Posting, PostingRecord
from app.services.mapping import lists
from app.services.posting import posting_problems, posting_rows, receipts
from app.services.posting.reading import document_of
from app.services.posting.run import Run, SystemicError

#: A ledger's clock may run behind ours by this much before an answer counts as a replay.
SKEW = dt.timedelta(minutes=2)
#: What QuickBooks refuses because of whom the document is for.
ABOUT_PARTY = ("customer_gone", "currency_differs")
#: Refusals because of an entry that is inactive or deleted, though the lists have it.
GONE = ("customer_gone", "reference_gone")
#: The first look after a lost answer comes soon: finding the document ends the doubt at once.
FIRST_LOOK = dt.timedelta(seconds=2)
#: So often a ledger may say "not now" to one document before a person is told.
MOST_REPEATS = 6


def members_of(call_id: int | None) -> Any:
    """SQL: the postings of a call."""
    return select(CallMember.posting_id).where(CallMember.call_id == call_id)


def settle(run: Run, call_id: int, sends: int, outcomes: Sequence[Outcome]) -> None:
    """Write down what became of a call.

    A success is recorded whatever happened to the posting meanwhile. Anything else only counts for the send that it
    answers (``sends``): a worker that was frozen may bring it when another one has sent the call again.
    """
    outcomes = _verified(run, call_id, outcomes)
    systemic = None
    with run.database.session() as session:
        run.lock(session)
        call = session.get_one(Call, call_id)
        ours = call.state == "open" and call.sends == sends
        if ours and all(isinstance(outcome, NotDone) for outcome in outcomes):
            systemic = _pause(session, run, call, outcomes[0])
        else:
            _write_down(session, run, call, outcomes, ours=ours)
    if systemic:
        raise SystemicError(systemic)


def _write_down(session: Session, run: Run, call: Call, outcomes: Sequence[Outcome], *, ours: bool) -> None:
    """Member by member; what is not ``ours`` any more only where it is a success."""
    members = _members(session, call.id or 0)
    postings = posting_rows.of(session, [member.posting_id for member in members], posting_rows.WITH_DOCUMENT)
    for member in members:
        outcome = outcomes[member.place]
        if ours or isinstance(outcome, Posted):
            _settle_one(session, run, call, member, postings[member.posting_id], outcome)
    if ours:
        _close_call(call, outcomes, run)
    if any(isinstance(outcome, InDoubt) and outcome.technical.get("replay") for outcome in outcomes):
        call.technical = {**call.technical, "replayed": True}
    session.add(call)
    run.changed(session, *(postings[member.posting_id] for member in members))


def _members(session: Session, call_id: int) -> list[CallMember]:
    query = select(CallMember).where(CallMember.call_id == call_id).order_by(col(CallMember.place))
    return list(session.exec(query))


def _verified(run: Run, call_id: int, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Successes that may be replays of an old answer are read by id before they are believed."""
    with run.database.reading() as session:
        call = session.get_one(Call, call_id)
        members = _members(session, call_id)
        records = {ident: (record, role) for ident, record, role in session.exec(_first_records(call_id))}
        named = {m.place: (records[m.posting_id], m.generation) for m in members}
        marks = {place: str(run.mark(record, gen, role)) for place, ((record, role), gen) in named.items()}
    verified = list(outcomes)
    for member in members:
        outcome = outcomes[member.place]
        if isinstance(outcome, Posted) and _suspect(call, outcome.receipt, marks[member.place]):
            verified[member.place] = _read_again(run, call, member.place, marks[member.place], outcome)
    return verified


def _first_records(call_id: int) -> Any:
    """SQL: posting, and the record and role that its mark is made of, of a call's members."""
    return (
        select(PostingRecord.posting_id, func.min(PostingRecord.record), func.min(PostingRecord.role))
        .where(col(PostingRecord.posting_id).in_(members_of(call_id)))
        .group_by(col(PostingRecord.posting_id))
    )


def _suspect(call: Call, receipt: Receipt, mark: str) -> bool:
    old = receipt.created_at is not None and receipt.created_at < call.sent_at - SKEW
    return call.sends > 1 or old or receipt.voided or mark not in receipt.note


def _read_again(run: Run, call: Call, place: int, mark: str, outcome: Posted) -> Outcome:
    kind = DocumentKind(call.kinds[place])
    try:
        receipt = run.destination.read(kind, outcome.receipt.ledger_id)
    except ConnectionFailedError as error:
        return InDoubt(f"the answer may be an old one, and QuickBooks can't be asked: {error.message}")
    if receipt is None or receipt.voided or mark not in receipt.note:
        return InDoubt("QuickBooks repeated an old answer: that document is not in the books", True, {"replay": True})
    return Posted(receipt)


def _settle_one(session: Session, run: Run, call: Call, member: CallMember, posting: Posting, outcome: Outcome) -> None:
    current = posting.generation == member.generation and posting.state == PostingState.SENDING
    match outcome:
        case Posted(receipt) if _taken_out(posting, receipt):
            run.log(session, f"{posting.number}: an old answer came in; it is being undone since.", posting)
            return
        case Posted(receipt):
            member.outcome = "posted"
            receipts.post(session, run, posting, document_of(posting), receipt)
        case Refused(problem, duplicate_number) if current:
            member.outcome = "duplicate" if duplicate_number else "refused"
            if duplicate_number:  # perhaps it is our own document that holds the number: look before believing it
                posting.state = PostingState.IN_DOUBT
            else:
                refuse(session, run, posting, problem)
        case NotDone() if current:
            member.outcome = "not_done"
            _later(session, run, member, posting, outcome)
        case InDoubt(reason, _, technical) if current:
            member.outcome = "in_doubt"
            posting.state = PostingState.IN_DOUBT
            tid = technical.get("intuit_tid", "")
            run.log(
                session, f"{posting.number} is in doubt: {reason}.", posting, request_id=call.request_id, intuit_tid=tid
            )
        case _:
            return
    session.add(posting)
    session.add(member)


def _taken_out(posting: Posting, receipt: Receipt) -> bool:
    """The very document of a late answer has been undone since, or is being undone: the answer is no news."""
    undone = posting.state in (PostingState.UNDOING, PostingState.UNDONE)
    return undone and posting.ledger_id == receipt.ledger_id


def _later(session: Session, run: Run, member: CallMember, posting: Posting, outcome: NotDone) -> None:
    """Provably not booked: it goes again anew, when the ledger's wait is over; not for ever."""
    session.add(member)
    query = select(func.count()).select_from(CallMember)
    times = session.exec(query.where(CallMember.posting_id == posting.id, CallMember.outcome == "not_done")).one()
    if times % MOST_REPEATS == 0:
        refuse(session, run, posting, not_taken(outcome.reason, MOST_REPEATS))
        return
    posting.state = PostingState.READY
    posting.generation += 1
    posting.send_at = utcnow() + dt.timedelta(seconds=max(outcome.wait, 1))
    run.log(session, f"{posting.number} was not taken ({outcome.reason}): it goes again later.", posting)


def not_taken(reason: str, times: int) -> Problem:
    """The ledger said "not now" again and again."""
    return Problem(
        "not_taken",
        f"QuickBooks did not take it {times} times, the last time because of “{reason}”; it is not in the books.",
        "See whether somebody works on that customer in QuickBooks, then retry.",
        technical={"reason": reason},
    )


def refuse(session: Session, run: Run, posting: Posting, problem: Problem) -> None:
    """The ledger said no, finally."""
    posting.state = PostingState.REFUSED
    session.add(posting)
    posting_problems.add(session, posting, SectionKey.DOCUMENTS, _about(posting, problem))
    if problem.code in GONE:
        lists.mistrust(session, run.book_id)
    run.log(session, f"{posting.number} was refused: {problem.message}", posting, **problem.technical)


def _about(posting: Posting, problem: Problem) -> Problem:
    """A refusal for its party or its tax code says which, so that another can be linked where it stands."""
    key: tuple[LinkKind, str] | None = None
    if problem.code in ABOUT_PARTY and not problem.subject:
        key = party_key(document_of(posting))
    elif problem.code == "tax_not_taken" and (code := document_of(posting).tax_code):
        key = LinkKind.TAX_CODES, code.source_id
    return replace(problem, subject=f"{key[0]}:{key[1]}") if key else problem


def _close_call(call: Call, outcomes: Sequence[Outcome], run: Run) -> None:
    """Answered, or in doubt as long as one of its members is."""
    now = utcnow()
    doubts = [o for o in outcomes if isinstance(o, InDoubt)]
    duplicates = [o for o in outcomes if isinstance(o, Refused) and o.duplicate_number]
    if call.state not in ("open", "in_doubt"):
        return
    if not doubts and not duplicates:
        call.state = "answered"
        return
    call.state = "in_doubt"
    call.due_at = now if duplicates and not doubts else now + FIRST_LOOK
    if all(doubt.ended for doubt in doubts):
        call.ended_by = now
    elif len(outcomes) > 1:
        run.size = max(1, run.size // 2)  # time-outs: smaller calls from now on


def _pause(session: Session, run: Run, call: Call, outcome: Outcome) -> Problem | None:
    """Provably not executed: the identical call waits for its time; or, where none can succeed, all are let go."""
    if not isinstance(outcome, NotDone):
        return None
    if outcome.systemic or outcome.reason == "late":
        void(session, call)
    else:
        call.state = "paused"
        call.due_at = utcnow() + dt.timedelta(seconds=max(outcome.wait, 1))
        session.add(call)
    run.log(session, f"A call was not carried out: {outcome.reason}.", None, request_id=call.request_id)
    run.changed(session)
    return outcome.systemic


def void(session: Session, call: Call) -> None:
    """Give up a call that was provably never executed; its documents are ready again."""
    call.state = "void"
    session.add(call)
    session.exec(
        update(Posting)
        .where(col(Posting.id).in_(members_of(call.id)), col(Posting.state) == PostingState.SENDING)
        .values(state=PostingState.READY)
    )


def let_go(run: Run) -> None:
    """On the way out: calls that wait to be repeated after "not carried out" are given up, their documents ready.

    Raises LeaseLostError.
    """
    with run.database.session() as session:
        run.hold_on(session)
        query = select(Call).where(Call.batch_id == run.batch_id, Call.state == "paused")
        for call in session.exec(query).all():
            if _all_sending(session, call):
                void(session, call)
        run.changed(session)


def _all_sending(session: Session, call: Call) -> bool:
    states = set(session.exec(select(Posting.state).where(col(Posting.id).in_(members_of(call.id)))))
    return states == {PostingState.SENDING}
