"""What AutoSync takes of the unposted list, and what it leaves parked where an earlier batch has held it.

A run every 15 minutes must not make a new problem of an old one. So a record that a batch parked (held by a problem,
or refused) stays there for a person, unless something has changed that can be seen before anything is tried:

- the record itself changed in the PSA (its fingerprint), or
- it was held for what the look ahead sees too (a missing link, an open approval, a closed period …), it was read again,
  and nothing stands in its way now, or
- it was held only for another document's sake (all or nothing): that one stays parked, so the next batch is without it.

For the same cause a record is taken again only once: if it comes back held for it, it waits for a person. What the
ledger refused, what asks a question, what a person put on hold, undid or skipped is never taken again by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select as columns
from sqlalchemy import update
from sqlmodel import Session, col, select

from app.connectors.protocols import Source
from app.database import Database
from app.domain.links import LinkKind
from app.domain.problems import STOPS
from app.domain.states import STOPPED, PostingState, RecordKind
from app.models.connections import Book
from app.models.postings import Posting, PostingProblem, PostingRecord
from app.models.records import UnpostedRow
from app.models.rounds import Round, RoundBatch
from app.services.posting import all_or_nothing
from app.services.records import forecasts, previews, records

#: What a document says of itself: the PSA, or a setting, cures it, and reading it again shows that.
SEEN_AGAIN = frozenset(
    {
        "currency_differs", "does_not_crossfoot", "gl_account_missing", "no_lines", "not_approved",
        "order_not_complete", "period_closed", "waiting_on_bill",
    }
)  # fmt: skip
CHUNK = 500


@dataclass(frozen=True, slots=True)
class Choice:
    """``again``: of those taken, what they were parked for before. ``parked``: left where they are."""

    taken: list[str]
    parked: list[str] = field(default_factory=list)
    again: dict[str, list[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Parked:
    """A record that an ended batch holds: for which causes, and for which it was taken again before."""

    changed: bool
    visible: bool
    causes: set[str]
    tried: set[str]
    for_others: bool = False

    @property
    def goes_again(self) -> bool:
        """Whatever it was parked for lay not in itself, or in what it was then."""
        return self.changed or (self.for_others and not self.causes)

    @property
    def may_be_solved(self) -> bool:
        return self.visible and bool(self.causes) and not self.causes & self.tried


def choose(
    database: Database, source: Source, book: Book, kind: RecordKind, wanted: records.Filter, *, accept: bool
) -> Choice:
    """What AutoSync takes now. The list must have been read; what is parked is read again where that can show a cure.

    ``accept``: exact names will be taken and missing entries created. Raises ConnectionFailedError.
    """
    source_id = book.source_id or 0
    with database.reading() as session:
        offered = records.matching(session, source_id, kind, wanted)
        standings = records.standings(session, source_id, kind, offered)
        listed = [r for r in offered if not standings.get(r, records.FREE).only_by_name]
        held = parked(session, source_id, kind, listed)
    hopeful = [record for record, one in held.items() if one.may_be_solved and not one.goes_again]
    _read_again(database, source, source_id, kind, {record: held[record] for record in hopeful})
    with database.reading() as session:
        clear = _clear(session, book, kind, hopeful, accept=accept)
    taken = [r for r in listed if r not in held or held[r].goes_again or r in clear]
    again = {record: sorted(held[record].causes | held[record].tried) for record in clear}
    return Choice(taken, [record for record in listed if record not in set(taken)], again)


def parked(session: Session, source_id: int, kind: RecordKind, wanted: Sequence[str]) -> dict[str, Parked]:
    """Those of the records that a batch has parked."""
    found: dict[str, Parked] = {}
    postings: dict[int, list[str]] = {}
    for start in range(0, len(wanted), CHUNK):
        what = (PostingRecord.record, PostingRecord.fingerprint, Posting.id, Posting.state)
        query = (
            columns(*map(col, what), Round)
            .join(Posting, col(Posting.id) == PostingRecord.posting_id)
            .join(RoundBatch, col(RoundBatch.batch_id) == Posting.batch_id, isouter=True)
            .join(Round, col(Round.id) == RoundBatch.round_id, isouter=True)
            .where(col(PostingRecord.source_id) == source_id, col(PostingRecord.kind) == kind)
            .where(col(PostingRecord.live), col(PostingRecord.role) == "main", col(Posting.state).in_(STOPPED))
            .where(col(PostingRecord.record).in_(wanted[start : start + CHUNK]))
        )
        now = {row.record: row.fingerprint for row in records.named(session, source_id, kind, wanted[start:][:CHUNK])}
        for record, fingerprint, posting_id, state, made_by in session.execute(query):
            tried = (made_by.found.get(kind) or {}).get("again", {}).get(record, []) if made_by else []
            visible = state == PostingState.HELD
            found[record] = Parked(fingerprint != now.get(record), visible, set(), set(tried))
            postings.setdefault(posting_id, []).append(record)
    _add_causes(session, postings, found)
    return found


def _add_causes(session: Session, postings: Mapping[int, list[str]], found: Mapping[str, Parked]) -> None:
    idents = list(postings)
    for start in range(0, len(idents), CHUNK):
        query = select(PostingProblem).where(col(PostingProblem.posting_id).in_(idents[start : start + CHUNK]))
        counts = col(PostingProblem.severity).in_(STOPS) | (col(PostingProblem.code) == all_or_nothing.CODE)
        for problem in session.exec(query.where(counts)):
            for record in postings[problem.posting_id]:
                if problem.code == all_or_nothing.CODE:
                    found[record].for_others = True
                    continue
                found[record].causes.add(f"{problem.code}:{problem.subject}")
                found[record].visible &= is_visible(problem.code, problem.subject)


def is_visible(code: str, subject: str) -> bool:
    """Whether the look ahead sees this cause too."""
    return code in SEEN_AGAIN or subject.partition(":")[0] in set(LinkKind)


def _read_again(
    database: Database, source: Source, source_id: int, kind: RecordKind, hopeful: Mapping[str, Parked]
) -> None:
    """Documents whose cause lies in the PSA are forgotten, so that they are read anew; the others if never read."""
    stale = [record for record, one in hopeful.items() if any(c.partition(":")[0] in SEEN_AGAIN for c in one.causes)]
    if stale:
        with database.session() as session:
            for start in range(0, len(stale), CHUNK):
                theirs = (col(UnpostedRow.source_id) == source_id, col(UnpostedRow.kind) == kind)
                some = col(UnpostedRow.record).in_(stale[start : start + CHUNK])
                session.exec(update(UnpostedRow).where(*theirs, some).values(looked_at=""))
            session.commit()
    if hopeful:
        previews.fill(database, source, source_id, kind, only=list(hopeful))


def _clear(session: Session, book: Book, kind: RecordKind, hopeful: Iterable[str], *, accept: bool) -> set[str]:
    """Those that nothing stands in the way of any more, as far as can be seen."""
    wanted = list(hopeful)
    if not wanted:
        return set()
    resolver = forecasts.Resolver.load(session, book, accept=accept)
    known = forecasts.outlooks(session, book, book.source_id or 0, kind, wanted)
    return {record for record, outlook in known.items() if outlook is not None and not resolver.stops(outlook)}
