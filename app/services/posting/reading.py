"""Read: export every record of the batch from the PSA, compare it with what the person saw, and keep it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import update
from sqlmodel import Session, col, select

from app.connectors.protocols import Exported
from app.domain import cogs, grouping, shaping
from app.domain.codec import from_json, to_json
from app.domain.documents import Document
from app.domain.money import cents
from app.domain.problems import Problem
from app.domain.states import PostingState, Role, SectionKey
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.postings import Posting, PostingRecord
from app.services.posting import beside, posting_problems
from app.services.posting.run import Run
from app.services.records import records

#: Records whose exports are stored in one commit, so that a long Read shows progress and survives a kill.
CHUNK = 50

GONE = Problem(
    "no_longer_unposted",
    "ConnectWise no longer lists it as unposted.",
    "Look it up in ConnectWise: somebody reopened it, or batched it by hand.",
)
NOT_ONE = Problem(
    "cannot_be_one",
    "These records were put together, but the PSA exports them for different parties or in different currencies.",
    "Post them one by one: set “Put together” to none under Settings ▸ QuickBooks companies ▸ Purchases.",
)
CHANGED = "changed_in_psa"


def read(run: Run) -> None:
    """Store the document of every posting that has none yet. Raises ConnectionFailedError.

    What an earlier run has read and not sent is compared and checked again: the PSA may have changed it since, and
    this database may be a copy from before it was sent.
    """
    read_before = _uncheck(run)
    if not read_before and not _waiting(run, 1):
        return
    run.begin(SectionKey.READ)
    relist(run)
    for start in range(0, len(read_before), CHUNK):
        _compare(run, _not_closed_by_us(run, read_before[start : start + CHUNK]))
    while not run.stopping() and (chunk := _waiting(run, CHUNK)):
        _compare(run, chunk)
        wanted = [record for _, record, state in _reload(run, chunk) if state == PostingState.READY]
        if wanted:
            _store(run, _export(run, wanted))
    if not run.stopping():
        run.end(SectionKey.READ)


def relist(run: Run) -> None:
    """Read the PSA's list of unposted records anew, and remember the fingerprints."""
    records.refresh(run.database, run.source, run.source_id, run.kind)
    with run.database.reading() as session:
        rows = records.all_fingerprints(session, run.source_id, run.kind)
    run.listed, run.listed_at = rows, utcnow()


def document_of(posting: Posting) -> Document:
    """The stored document of a posting that has been read."""
    return from_json(Document, posting.document)


def _waiting(run: Run, limit: int) -> list[tuple[int, str]]:
    with run.database.reading() as session:
        some = (
            select(Posting.id)
            .where(Posting.batch_id == run.batch_id, Posting.state == PostingState.READY)
            .where(col(Posting.document).is_(None))
            .order_by(col(Posting.id))
            .limit(limit)
        )
        query = (
            select(Posting.id, PostingRecord.record)
            .join(PostingRecord, col(PostingRecord.posting_id) == Posting.id)
            .where(col(Posting.id).in_(some.subquery().select()))  # whole postings, however many records each has
            .order_by(col(Posting.id), col(PostingRecord.id))
        )
        return [(ident or 0, record) for ident, record in session.exec(query)]


def _uncheck(run: Run) -> list[tuple[int, str]]:
    """Postings that were read by an earlier run and are still to be sent; they have to be checked again."""
    with run.database.session() as session:
        run.hold_on(session)
        theirs = (col(Posting.batch_id) == run.batch_id, col(Posting.state) == PostingState.READY)
        query = select(Posting.id, PostingRecord.record).join(
            PostingRecord, col(PostingRecord.posting_id) == Posting.id
        )
        found = session.exec(query.where(*theirs, col(Posting.document).is_not(None)).order_by(col(Posting.id))).all()
        session.exec(update(Posting).where(*theirs).values(checked=False))
        session.commit()
    return [(ident or 0, record) for ident, record in found]


def _not_closed_by_us(run: Run, chunk: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    """Without those that our own accounting batch has closed: Check finds them in the books, or posts them again."""
    gone = [(ident, record) for ident, record in chunk if record not in run.listed]
    if not gone:
        return list(chunk)
    with run.database.reading() as session:
        query = select(Posting.id, Posting.generation, Posting.closing)
        rows = session.exec(query.where(col(Posting.id).in_([ident for ident, _ in gone]))).all()
    generations = {ident: generation for ident, generation, _ in rows}
    rerun = {ident for ident, _, closing in rows if closing == "done"}
    first = dict(sorted(chunk, reverse=True))  # the one that names the mark
    names = {ident: run.mark(first[ident], generations[ident]).psa_batch for ident, _ in gone if ident not in rerun}
    found = run.source.find_batches(list(names.values())) if names else {}
    return [
        (ident, record)
        for ident, record in chunk
        if record in run.listed or (ident not in rerun and names[ident] not in found)
    ]


def _reload(run: Run, chunk: Sequence[tuple[int, str]]) -> list[tuple[int, str, str]]:
    with run.database.reading() as session:
        query = select(Posting.id, Posting.state).where(col(Posting.id).in_([ident for ident, _ in chunk]))
        states = dict(session.exec(query).all())
    return [(ident, record, states[ident]) for ident, record in chunk]


def _compare(run: Run, chunk: Sequence[tuple[int, str]]) -> None:
    """Hold what has gone from the PSA's list, or changed, since the person saw it."""
    with run.database.session() as session:
        run.hold_on(session)
        held = []
        for posting, link in _rows(session, chunk):
            now = run.listed.get(link.record)
            if now is None:
                posting_problems.hold(session, posting, SectionKey.READ, [GONE])
            elif now != link.fingerprint:
                posting_problems.hold(session, posting, SectionKey.READ, [_changed(session, run, posting, link)])
            else:
                continue
            held.append(posting)
        if held:
            run.changed(session, *held)


def _changed(session: Session, run: Run, posting: Posting, link: PostingRecord) -> Problem:
    """Says old and new total; a retry takes the record as it is now, because the person has been told."""
    row = records.one(session, run.source_id, run.kind, link.record)
    link.fingerprint = row.fingerprint if row else link.fingerprint
    session.add(link)
    if posting.role != Role.MAIN:
        return Problem(CHANGED, "Its invoice was changed in ConnectWise since it was selected.", "Retry both.")
    old, total = posting.total, row.total if row else posting.total
    posting.total, posting.cents = total, int(cents(total) * 100)
    what = f"the total was {old:,.2f}, now it is {total:,.2f}" if old != total else "terms, date, tax or closing differ"
    return Problem(
        CHANGED,
        f"It was changed in ConnectWise since it was selected: {what}.",
        "Look at it, then retry to post it as it is now.",
    )


def _rows(session: Session, chunk: Sequence[tuple[int, str]]) -> list[tuple[Posting, PostingRecord]]:
    query = (
        select(Posting, PostingRecord)
        .join(PostingRecord, col(PostingRecord.posting_id) == Posting.id)
        .where(col(Posting.id).in_([ident for ident, _ in chunk]), Posting.state == PostingState.READY)
    )
    return list(session.exec(query).all())


def _export(run: Run, wanted: Sequence[str]) -> list[Exported]:
    with run.database.reading() as session:
        batch = session.get_one(Batch, run.batch_id)
        summary, through = batch.summary, batch.through
        latest = records.latest_date(session, run.source_id, run.kind, wanted)
    return run.source.export(run.kind, wanted, summary=summary, through=_later(through, latest))


def _later(one: dt.date | None, other: dt.date | None) -> dt.date | None:
    return max(filter(None, (one, other)), default=None)


def _store(run: Run, exported: Sequence[Exported]) -> None:
    by_record = {item.record: item for item in exported}
    with run.database.session() as session:
        run.hold_on(session)
        query = (
            select(Posting, PostingRecord)
            .join(PostingRecord, col(PostingRecord.posting_id) == Posting.id)
            .where(Posting.batch_id == run.batch_id, col(PostingRecord.record).in_(by_record))
            .where(Posting.state == PostingState.READY, col(Posting.document).is_(None))
        )
        parts: dict[int, tuple[Posting, list[Exported]]] = {}
        for posting, link in session.exec(query.order_by(col(PostingRecord.id))).all():
            parts.setdefault(posting.id or 0, (posting, []))[1].append(by_record[link.record])
        for posting, items in parts.values():
            _keep(session, run, posting, items)
        run.changed(session, *(posting for posting, _ in parts.values()))


def _keep(session: Session, run: Run, posting: Posting, items: Sequence[Exported]) -> None:
    posting.snapshot = dict(items[0].snapshot) if len(items) == 1 else {i.record: dict(i.snapshot) for i in items}
    posting.gl_ids = [ident for item in items for ident in item.gl_ids]
    session.add(posting)
    documents = [item.document for item in items if item.document]
    problems = [problem for item in items for problem in item.problems]
    if len(documents) < len(items):
        posting_problems.hold(session, posting, SectionKey.READ, problems)
        return
    try:
        document = shaping.shaped(grouping.merged(documents), run.rules)
        if posting.redated:
            document = replace(document, date=posting.redated)
    except ValueError:
        posting_problems.hold(session, posting, SectionKey.READ, [*problems, NOT_ONE])
        return
    if posting.role == Role.COGS:
        _keep_cost(session, run, posting, document)
        return
    document = shaping.renumbered(document, posting.number)
    posting.document = to_json(document)
    if document.modules:
        run.log(session, f"{document.number}: changed by module {', '.join(document.modules)}.", posting)
    posting.kind, posting.psa_type = document.kind, document.psa_type
    if (own := document.own_number) and not posting.number.startswith(f"{own}-"):  # one that it was given stays its own
        posting.number = own
    posting.currency, posting.date, posting.party = document.currency, document.date, document.party.name
    _same_total(session, posting, document)
    for problem in problems:
        posting_problems.add(session, posting, SectionKey.READ, problem)
    if posting.state == PostingState.READY:
        beside.follow(session, run, posting, document)


def _keep_cost(session: Session, run: Run, posting: Posting, document: Document) -> None:
    """A COGS entry that is read by itself, its invoice being in the books."""
    entry = cogs.entry(document, run.rules)
    if entry is None:
        beside.let_go(session, [posting])
    else:
        beside.keep(session, posting, entry)


def _same_total(session: Session, posting: Posting, document: Document) -> None:
    """The export must say what the list said: a document for another amount is not what was selected."""
    signed = document.signed_total.amount
    if cents(signed) != cents(posting.total):
        which = document.kind.replace("_", " ")
        problem = Problem(
            "export_differs",
            f"ConnectWise lists it with {posting.total:,.2f}, but exports {which} of {signed:,.2f}.",
            "Reopen and close the invoice in ConnectWise, then retry.",
        )
        posting_problems.hold(session, posting, SectionKey.READ, [problem])
