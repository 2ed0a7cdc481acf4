"""Doubts: sent, and nobody has said what became of it. Looked up in the books, never resent blindly.

A look comes soon after the lost answer, because finding the document ends the doubt at once. "Absent" means something
only when the call cannot be running any more: then two looks, some time apart, let the identical call go again, with
the same request id. Where only a part of a call is absent, that part goes in a new call with a new generation.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from app.connectors.protocols import ConnectionFailedError, Probe
from app.domain.documents import Document
from app.domain.outcomes import Absent, CannotTell, Finding, Found, LooksAlike, Several
from app.domain.problems import Problem, Severity
from app.domain.states import PostingState, SectionKey
from app.models.columns import utcnow
from app.models.postings import Call, CallMember, Posting, PostingRecord
from app.services.mapping import wants
from app.services.posting import posting_problems, receipts, settling
from app.services.posting.checking import finding_problem, looks_posted
from app.services.posting.reading import document_of
from app.services.posting.run import Run

#: Looks while the call may still be running: 2 s after the lost answer, then after these, then when it must have ended.
EARLY = (dt.timedelta(seconds=5), dt.timedelta(seconds=15), dt.timedelta(seconds=40))
#: After so many sends without an answer a person decides.
MOST_SENDS = 4
#: After so many looks that the ledger did not answer it counts as silent: twenty minutes.
MOST_LOOKS = 40
#: A member of a call with its posting and the record that names its mark; and one whose doubt is not over.
Doubted = tuple[CallMember, Posting, str]
OpenEnd = tuple[CallMember, Posting, Finding]


def recover(run: Run) -> None:
    """Calls that a dead or frozen worker left open: perhaps on the wire, perhaps booked. All of them are in doubt.

    So are those that were to go again: this database may be a copy from before they did.
    """
    with run.database.session() as session:
        run.hold_on(session)
        query = select(Call).where(Call.batch_id == run.batch_id, col(Call.state).in_(("open", "paused")))
        calls = session.exec(query).all()
        for call in calls:
            call.state, call.due_at = "in_doubt", utcnow()
            session.add(call)
            members = select(CallMember.posting_id).where(CallMember.call_id == call.id)
            session.exec(
                update(Posting)
                .where(col(Posting.id).in_(members), col(Posting.state) == PostingState.SENDING)
                .values(state=PostingState.IN_DOUBT)
            )
            run.log(session, "An earlier run left a call under way: looking it up.", request_id=call.request_id)
        if calls:
            run.changed(session)


def look(run: Run) -> float | None:
    """Look up every doubt that is due; answers the seconds until the next one, None when there is none.

    Raises ConnectionFailedError where the ledger has not said for long whether it holds a document.
    """
    for call in _due(run):
        _look_up(run, call)
    with run.database.reading() as session:
        query = select(func.min(Call.due_at)).where(Call.batch_id == run.batch_id, Call.state == "in_doubt")
        due: dt.datetime | None = session.exec(query).one()
    return None if due is None else max(0.0, (due - utcnow()).total_seconds())


def _due(run: Run) -> list[Call]:
    with run.database.reading() as session:
        query = select(Call).where(
            Call.batch_id == run.batch_id, Call.state == "in_doubt", col(Call.due_at) <= utcnow()
        )
        return list(session.exec(query.order_by(col(Call.due_at)).limit(20)))


def _look_up(run: Run, call: Call) -> None:
    with run.database.reading() as session:
        doubted = _doubted(session, call)
        probes = [_probe(run, call, member, posting, record) for member, posting, record in doubted]
    findings: Sequence[Finding] = run.destination.find(probes) if probes else []
    with run.database.session() as session:
        run.hold_on(session)
        fresh = session.get_one(Call, call.id)
        touched, open_ends = _settled(session, run, fresh, doubted, findings)
        _next_step(session, run, fresh, open_ends)
        session.add(fresh)
        run.changed(session, *touched)
    unsaid = [finding.reason for _, _, finding in open_ends if isinstance(finding, CannotTell)]
    if unsaid and fresh.looks % MOST_LOOKS == 0:
        message = f"QuickBooks does not say whether it holds what was sent: {unsaid[0].rstrip('.')}."
        raise ConnectionFailedError(message, "Resume the batch when QuickBooks answers again: it is looked up first.")


def _settled(
    session: Session, run: Run, call: Call, doubted: Sequence[Doubted], findings: Sequence[Finding]
) -> tuple[list[Posting], list[OpenEnd]]:
    """What is still in doubt, each by what was found of it: all that were touched, and those that stay open."""
    touched, open_ends = list[Posting](), list[OpenEnd]()
    for (member, posting, _), finding in zip(doubted, findings, strict=True):
        row = session.get_one(Posting, posting.id)
        if row.state != PostingState.IN_DOUBT or row.generation != member.generation or row.needs_person:
            continue
        if not _settle(session, run, call, member, row, finding):
            open_ends.append((session.get_one(CallMember, member.id), row, finding))
        touched.append(row)
    return touched, open_ends


def _doubted(session: Session, call: Call) -> list[Doubted]:
    query = (
        select(CallMember, Posting, func.min(PostingRecord.record))
        .join(Posting, col(Posting.id) == CallMember.posting_id)
        .join(PostingRecord, col(PostingRecord.posting_id) == Posting.id)
        .where(CallMember.call_id == call.id, Posting.state == PostingState.IN_DOUBT)
        .where(col(Posting.needs_person).is_(False))
        .group_by(col(CallMember.id), col(Posting.id))
        .order_by(col(CallMember.place))
    )
    return list(session.exec(query).all())


def _probe(run: Run, call: Call, member: CallMember, posting: Posting, record: str) -> Probe:
    document = document_of(posting)
    return Probe(
        mark=run.mark(record, member.generation, posting.role),
        kind=document.kind,
        number=document.number,
        party_id=wants.ledger_party(posting.party_key),
        date=document.date,
        total=document.ledger_total.amount,
        exact=True,
        since=call.sent_at,
    )


def _settle(session: Session, run: Run, call: Call, member: CallMember, posting: Posting, finding: Finding) -> bool:
    """True when the doubt is over, or is a person's now."""
    document = document_of(posting)
    match finding:
        case Found(receipt):
            member.outcome = "posted"
            receipts.post(session, run, posting, document, receipt)
            session.add(member)
            return True
        case Several():
            _ask(session, run, posting, finding_problem(finding))
            return True
        case LooksAlike(candidates):
            return _look_alikes(session, run, call, member, posting, LooksAlike(candidates))
        case Absent() if member.outcome == "duplicate":
            settling.refuse(session, run, posting, _number_taken(document))
            return True
        case Absent() | CannotTell():
            return False


def _look_alikes(
    session: Session, run: Run, call: Call, member: CallMember, posting: Posting, finding: LooksAlike
) -> bool:
    """Something without our mark looks the same. Made since the call went out, it may be ours, its memo edited."""
    if member.outcome == "duplicate":
        posting_problems.hold(session, posting, SectionKey.DOCUMENTS, [looks_posted(finding.candidates)])
        return True
    newer = tuple(c for c in finding.candidates if c.created_at and c.created_at >= call.sent_at - settling.SKEW)
    if newer:
        _ask(session, run, posting, looks_posted(newer))
    return bool(newer)


def _ask(session: Session, run: Run, posting: Posting, problem: Problem | None) -> None:
    posting.needs_person = True
    session.add(posting)
    if problem:
        posting_problems.add(session, posting, SectionKey.DOCUMENTS, problem)
        run.log(session, f"{posting.number} needs a decision: {problem.message}", posting)


def _number_taken(document: Document) -> Problem:
    return Problem(
        "number_taken",
        f"QuickBooks already uses the number {document.number} for another document.",
        "Change that number in QuickBooks, then retry; or post a sale under another number.",
        field="number",
    )


def _next_step(session: Session, run: Run, call: Call, open_ends: Sequence[OpenEnd]) -> None:
    """Nothing open: answered. Otherwise look again; or, absent twice after it must have ended, let it go again."""
    now = utcnow()
    if not open_ends:
        call.state = "answered"
        call.due_at = None
        return
    ended_by = call.ended_by or now
    call.looks += 1
    if now < ended_by:
        early = EARLY[call.looks - 1] if call.looks <= len(EARLY) else None
        call.due_at = min(now + early, ended_by) if early else ended_by
        return
    if any(isinstance(finding, CannotTell) for _, _, finding in open_ends):
        call.due_at = now + dt.timedelta(seconds=run.waits.between)
        return
    call.absent += 1
    if call.absent < 2:
        call.due_at = now + dt.timedelta(seconds=run.waits.between)
    else:
        _send_again(session, run, call, open_ends)


def _send_again(session: Session, run: Run, call: Call, open_ends: Sequence[OpenEnd]) -> None:
    count = session.exec(select(func.count()).select_from(CallMember).where(CallMember.call_id == call.id)).one()
    call.due_at = utcnow()
    if call.sends >= MOST_SENDS:
        call.state = "answered"
        for _, posting, _ in open_ends:
            _ask(session, run, posting, NO_ANSWER)
    elif len(open_ends) == count and not call.technical.get("replayed"):
        call.state = "paused"
        run.log(session, f"Twice not in QuickBooks: the same call goes again, {count} documents.",
                request_id=call.request_id)  # fmt: skip
    else:
        call.state = "answered"
        for member, posting, _ in open_ends:
            member.outcome = "absent"
            posting.state = PostingState.READY
            posting.generation += 1
            session.add(member)
            session.add(posting)
            run.log(session, f"{posting.number} is not in QuickBooks: it goes again, anew.", posting)


NO_ANSWER = Problem(
    "still_in_doubt",
    "QuickBooks was asked several times and never answered; the document could not be found there.",
    "Look in QuickBooks: link the document if it is there, post anyway if it is not.",
    Severity.DOUBT,
)
