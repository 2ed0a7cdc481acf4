"""Prove: for each posting exactly one document with our mark in the books, its total equal, its records closed.

It asks both systems, and believes no row of ours. Nothing or two is a Problem at once.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from sqlalchemy import func
from sqlmodel import Session, col, select

from app.connectors.protocols import ConnectionFailedError, Probe
from app.domain.documents import Document, DocumentKind
from app.domain.outcomes import Absent, CannotTell, Finding, Found, LooksAlike, Receipt, Several
from app.domain.problems import Problem, Severity
from app.domain.states import IN_BOOKS, PostingState, SectionKey
from app.models.postings import Posting, PostingRecord
from app.services.mapping import wants
from app.services.posting import checking, closing, posting_problems, posting_rows, psa_batches, reading, receipts
from app.services.posting.reading import document_of
from app.services.posting.run import Run

#: Each look costs a query for every hundred numbers, and one for every thousand documents of these dates: the larger a
#: look, the fewer. So many of our own documents are in memory at once, and written down together.
CHUNK, PART = 1000, 200
#: Said anew by every look.
OWN_PROBLEMS = ("not_in_books", "not_proved", "books_differ", "several_in_books")
#: A query may lag behind a create by seconds; these are the pauses between looks that found nothing.
LAG = (1.0, 3.0)


def prove(run: Run) -> None:
    """Compare every posting that is in the books and not yet proved. Raises ConnectionFailedError."""
    if not _unproved(run, 0, 1):
        return
    run.begin(SectionKey.PROVE)
    psa_batches.read_back(run)
    reading.relist(run)
    last = 0
    while not run.stopping() and (chunk := _unproved(run, last, CHUNK)):
        last = chunk[-1][0]
        _prove_some(run, chunk)
    if not run.stopping():
        run.end(SectionKey.PROVE)


#: A posting's id, the record that names its mark, and whether that is closed.
Unproved = tuple[int, str, bool]


def _unproved(run: Run, after: int, limit: int) -> list[Unproved]:
    with run.database.reading() as session:
        query = (
            select(Posting.id, func.min(PostingRecord.record), Posting.state)
            .join(PostingRecord, col(PostingRecord.posting_id) == Posting.id)
            .where(Posting.batch_id == run.batch_id, col(Posting.state).in_(IN_BOOKS), col(Posting.id) > after)
            .where(col(Posting.proved).is_(False))
            .group_by(col(Posting.id))
            .order_by(col(Posting.id))
            .limit(limit)
        )
        return [(ident or 0, record, state == PostingState.CLOSED) for ident, record, state in session.exec(query)]


def _prove_some(run: Run, chunk: Sequence[Unproved]) -> None:
    findings = _find(run, chunk)
    names = _psa_batches(run, [record for _, record, closed in chunk if closed])
    for start in range(0, len(chunk), PART):
        some = chunk[start : start + PART]
        with run.database.session() as session:
            run.hold_on(session)
            rows = posting_rows.of(session, [ident for ident, *_ in some], posting_rows.WITH_DOCUMENT)
            posting_problems.clear_all(session, list(rows), OWN_PROBLEMS)
            for (ident, record, _), finding in zip(some, findings[start:], strict=False):
                row = rows[ident]
                in_books = _in_books(session, row, document_of(row), finding)
                row.proved = _closed(session, run, row, record, names) and in_books
                session.add(row)
            run.changed(session, *rows.values())


def _find(run: Run, chunk: Sequence[Unproved]) -> list[Finding]:
    """Findings per posting; those absent only because queries lag are read by id."""
    probes = [probe for start in range(0, len(chunk), PART) for probe in _probes(run, chunk[start : start + PART])]
    findings = run.destination.find(probes)
    for pause in LAG:
        missing = [i for i, finding in enumerate(findings) if isinstance(finding, Absent | LooksAlike)]
        if not missing:
            return findings
        time.sleep(pause)
        for i, again in zip(missing, run.destination.find([probes[i] for i in missing]), strict=True):
            findings[i] = again
    for i, finding in enumerate(findings):
        if isinstance(finding, Absent | LooksAlike):
            findings[i] = _by_id(run, chunk[i][0])
    return findings


def _probes(run: Run, some: Sequence[Unproved]) -> list[Probe]:
    with run.database.reading() as session:
        rows = posting_rows.of(session, [ident for ident, *_ in some], posting_rows.WITH_DOCUMENT)
    return [
        checking.probe(run, row, record, document_of(row), wants.ledger_party(row.party_key), exact=row.looked_anyway)
        for row, record in ((rows[ident], record) for ident, record, _ in some)
    ]


def _by_id(run: Run, ident: int) -> Finding:
    with run.database.reading() as session:
        posting = posting_rows.of(session, [ident], posting_rows.BARE)[ident]
    try:
        receipt = run.destination.read(DocumentKind(posting.kind), posting.ledger_id)
    except ConnectionFailedError as error:
        return CannotTell(error.message)
    return Found(receipt) if receipt is not None and not receipt.voided else Absent()


def _in_books(session: Session, posting: Posting, document: Document, finding: Finding) -> bool:
    problem = _books_problem(posting, document, finding)
    if problem is not None:
        posting_problems.add(session, posting, SectionKey.PROVE, problem)
    return problem is None


def _books_problem(posting: Posting, document: Document, finding: Finding) -> Problem | None:
    match finding:
        case Found(receipt):
            return _differs(posting, document, receipt)
        case Several(receipts):
            return checking.several(receipts)
        case CannotTell(reason):
            return Problem("not_proved", f"QuickBooks could not be asked: {reason}.", "Retry later.", Severity.WARNING)
        case _:
            return Problem(
                "not_in_books",
                f"QuickBooks no longer has {posting.ledger_number or posting.ledger_id}: deleted or voided there.",
                "Restore it in QuickBooks, or undo it here and post it anew.",
            )


def _differs(posting: Posting, document: Document, receipt: Receipt) -> Problem | None:
    held = receipts.booked_cents(document, receipt)
    if held == posting.ledger_cents and (posting.keep or held == posting.cents):
        return None
    if posting.ledger_cents != posting.cents and held == posting.ledger_cents:
        return None  # said already as total_differs, waiting for a choice
    return Problem(
        "books_differ",
        f"QuickBooks now holds {receipt.total.amount:,.2f}; {posting.total:,.2f} was posted.",
        "It was edited in QuickBooks: correct it there, or keep it.",
        field="total",
    )


def _psa_batches(run: Run, records: Sequence[str]) -> dict[str, str] | None:
    """PSA batch of each record, in as few calls as possible; None where the PSA doesn't say."""
    if not records:
        return {}
    try:
        return run.source.batch_of(run.kind, records)
    except ConnectionFailedError as error:
        if error.systemic:
            raise
        return None


def _closed(session: Session, run: Run, posting: Posting, record: str, names: dict[str, str] | None) -> bool:
    """A closed posting's record must not be listed any more, and must be in our own batch."""
    if posting.state != PostingState.CLOSED:
        return False
    problem = None
    name = (names or {}).get(record)
    if record in run.listed:
        problem = closing.HALF_CLOSED if posting.psa_batch_id != "-" else UNBATCHED
    elif name and name != posting.psa_batch:
        problem = psa_batches.closed_elsewhere(name)
    elif names is not None and not name:
        problem = IN_NO_BATCH
    if problem is None:
        return True
    posting.state = PostingState.POSTED
    posting.closing = ""
    posting_problems.add(session, posting, SectionKey.CLOSE, problem)
    return False


IN_NO_BATCH = Problem(
    "in_no_batch",
    "ConnectWise neither lists it as unposted nor shows it in a batch: it was reopened after it was closed.",
    "Close the invoice in ConnectWise again, compare both documents, then retry; or undo it.",
)
UNBATCHED = Problem(
    "unbatched",
    "ConnectWise lists it as unposted again: its batch was deleted or the invoice reopened.",
    "Retry to close it again, or undo it.",
)
