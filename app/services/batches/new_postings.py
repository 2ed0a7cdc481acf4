"""The postings of a new batch: which of its records become one document, and what goes on from an ended batch."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import delete
from sqlmodel import Session, col, func, select

from app.domain import grouping, shaping
from app.domain.documents import DocumentKind
from app.domain.states import STOPPED, RecordKind
from app.models.batches import Batch, Section
from app.models.connections import Book
from app.models.postings import Posting, PostingProblem, PostingRecord
from app.models.records import UnpostedRow
from app.services.batches import afterwards
from app.services.connections import books
from app.services.posting import posting_problems
from app.services.records import holding


def add(session: Session, batch: Batch, rows: list[UnpostedRow]) -> None:
    """Postings, their records and the sections of a batch that is stored; the caller commits.

    Raises IntegrityError where another batch took one of the records at this moment.
    """
    wanted = [row.record for row in rows]
    generations, dates, live = _next_generations(session, batch, wanted), dict[str, dt.date](), batch.mode != "dry"
    if live:
        dates = _take_over(session, batch, wanted)
        holding.lift(session, batch.source_id, batch.kind, wanted)
    groups = _groups(session, batch, rows)
    postings = [_posting(batch, group, generations) for group in groups]
    session.add_all(postings)
    session.flush()
    for posting, group in zip(postings, groups, strict=True):
        _keep_date(session, posting, [dates.get(row.record) for row in group])
    session.add_all(
        PostingRecord(
            posting_id=posting.id or 0, source_id=batch.source_id, kind=batch.kind, record=row.record,
            fingerprint=row.fingerprint, date_closed=row.date_closed, live=live,
        )
        for posting, group in zip(postings, groups, strict=True)
        for row in group
    )  # fmt: skip
    rules = books.rules_of(session.get_one(Book, batch.book_id))
    session.add_all(Section(batch_id=batch.id or 0, key=key) for key in afterwards.sections(batch, rules))
    session.flush()


def _groups(session: Session, batch: Batch, rows: list[UnpostedRow]) -> list[list[UnpostedRow]]:
    """Rows that become one document together, in the order of their first."""
    rules = books.rules_of(session.get_one(Book, batch.book_id))
    found: dict[str, list[UnpostedRow]] = {}
    for row in rows:
        found.setdefault(grouping.key(RecordKind(batch.kind), row, rules), []).append(row)
    return list(found.values())


def _posting(batch: Batch, group: list[UnpostedRow], generations: dict[str, int]) -> Posting:
    """What the PSA's list says of it; Read brings the document, and with it kind, number and party."""
    first, cents = group[0], sum(row.cents for row in group)
    more = f"+{len(group) - 1}" if len(group) > 1 else ""
    return Posting(
        batch_id=batch.id or 0, book_id=batch.book_id, psa_type=first.psa_type, number=first.number + more,
        party=first.party, party_key=f"psa:{first.party_id}", date=max(row.date for row in group),
        currency=first.currency, total=sum((row.total for row in group), Decimal(0)), cents=cents,
        kind=_likely_kind(batch, first, cents), generation=max(generations.get(row.record, 1) for row in group),
    )  # fmt: skip


def _likely_kind(batch: Batch, row: UnpostedRow, cents: int) -> DocumentKind:
    if batch.kind == RecordKind.INVOICES:
        credit = cents < 0 or row.psa_type == "CreditMemo"
        return DocumentKind.CREDIT_MEMO if credit else DocumentKind.INVOICE
    return shaping.LIKELY.get(row.psa_type, DocumentKind.BILL)


def _next_generations(session: Session, batch: Batch, wanted: Sequence[str]) -> dict[str, int]:
    """A generation that was ever on the wire is never used again."""
    found: dict[str, int] = {}
    for start in range(0, len(wanted), 500):
        query = (
            select(PostingRecord.record, func.max(Posting.generation))
            .join(Posting, col(Posting.id) == PostingRecord.posting_id)
            .where(PostingRecord.source_id == batch.source_id, PostingRecord.kind == batch.kind)
            .where(col(PostingRecord.record).in_(wanted[start : start + 500]), Posting.attempt > 0)
            .group_by(PostingRecord.record)
        )
        found.update({record: int(generation) + 1 for record, generation in session.exec(query)})
    return found


def _take_over(session: Session, batch: Batch, wanted: Sequence[str]) -> dict[str, dt.date]:
    """Records held in an ended batch go on in this one; the old posting says so and lets go of them.

    Answers the dates that a person gave to some of them, for this company.
    """
    dates: dict[str, dt.date] = {}
    for start in range(0, len(wanted), 500):
        some = col(PostingRecord.record).in_(wanted[start : start + 500])
        theirs = (PostingRecord.source_id == batch.source_id, PostingRecord.kind == batch.kind, some)
        query = (
            select(PostingRecord, Posting)
            .join(Posting, col(Posting.id) == PostingRecord.posting_id)
            .where(*theirs, col(PostingRecord.live))
            .where(col(Posting.state).in_(STOPPED))
            .with_for_update()  # nobody retries it meanwhile
        )
        for link, posting in session.exec(query).all():
            link.live = False
            if posting.redated and posting.book_id == batch.book_id:
                dates[link.record] = posting.redated
            session.add(link)
            posting_problems.clear(session, posting)
            session.add(
                PostingProblem(
                    posting_id=posting.id or 0, batch_id=posting.batch_id, code="continued", severity="info",
                    message=f"It goes on in batch {batch.name}.", subject=f"batch:{batch.id}",
                )
            )  # fmt: skip
            posting_problems.say(session, posting, f"{posting.number} goes on in batch {batch.name}.")
        before = select(PostingRecord.posting_id).where(*theirs)
        elsewhere = (col(PostingProblem.code) == "undone_elsewhere") & col(PostingProblem.posting_id).in_(before)
        session.exec(delete(PostingProblem).where(elsewhere))  # it is listed again, and taken
    session.flush()
    return dates


def _keep_date(session: Session, posting: Posting, dates: Sequence[dt.date | None]) -> None:
    """The date that a person gave in an ended batch goes on counting, if it was given to all of the document."""
    given = [date for date in dates if date]
    if not given:
        return
    date = max(given)
    if len(given) == len(dates):
        posting.redated = date
        session.add(posting)
        posting_problems.say(
            session, posting, f"{posting.number} keeps the date {date:%m/%d/%Y} that it was given before."
        )
    else:
        posting_problems.say(
            session,
            posting,
            f"The date {date:%m/%d/%Y} that a part of {posting.number} was given before does not count any more: "
            "it is one document with others now.",
        )
