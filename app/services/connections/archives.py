"""Everything that Crossfoot knows of a company, as one ZIP of plain files: to keep, to hand over, to leave with.

No secret is in it: keys and tokens stay in the database.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from typing import IO

from sqlmodel import Session, col, select

from app.domain import csv_text
from app.domain.links import LinkKind
from app.domain.money import plain
from app.models.batches import Batch
from app.models.connections import Book
from app.models.postings import Posting, PostingRecord
from app.services.connections import settings_file
from app.services.mapping import link_files
from app.services.people import audit_log
from app.services.posting import posting_problems

CHUNK = 500
HEAD = (
    "posting", "batch", "batch_name", "kind", "role", "number", "records", "party", "type", "date", "currency", "total",
    "state", "quickbooks_id", "quickbooks_number", "connectwise_batch", "posted_at", "closed_at", "problems",
)  # fmt: skip
READ_ME = """\
{name}, as Crossfoot knows it.

settings.toml    every setting; Crossfoot imports it again
links/           what is linked to what, a file for each list; Crossfoot imports them again
documents.csv    every document of every batch: where it stands in ConnectWise and in QuickBooks
documents.jsonl  the same, a line each, with what ConnectWise said, what was meant, and what QuickBooks stored
audit.csv        who did what, when, from where
"""


def write(session: Session, book: Book, file: IO[bytes]) -> None:
    """The whole archive, in pieces: no list is ever in memory as a whole."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", READ_ME.format(name=book.name))
        archive.writestr("settings.toml", settings_file.export(book))
        for kind in LinkKind:
            archive.writestr(f"links/{kind}.csv", link_files.export(session, book, kind))
        _put(archive, "documents.csv", _table(session, book))
        _put(archive, "documents.jsonl", _whole(session, book))
        _put(archive, "audit.csv", audit_log.as_csv(session, audit_log.Filter(book_id=book.id)))


def _put(archive: zipfile.ZipFile, name: str, pieces: Iterable[str]) -> None:
    with archive.open(name, "w", force_zip64=True) as part:
        for piece in pieces:
            part.write(piece.encode())


def _table(session: Session, book: Book) -> Iterator[str]:
    yield csv_text.lines([HEAD])
    for rows, records in _chunks(session, book):
        problems = posting_problems.of(session, [posting.id or 0 for posting, _ in rows])
        yield csv_text.lines(
            _cells(posting, batch, records.get(posting.id or 0, []),
                   [problem.code for problem in problems.get(posting.id or 0, [])])
            for posting, batch in rows
        )  # fmt: skip


def _cells(posting: Posting, batch: Batch, records: Sequence[str], problems: Sequence[str]) -> list[str]:
    moments = [moment.isoformat() if moment else "" for moment in (posting.posted_at, posting.closed_at)]
    return [
        str(posting.id), str(batch.id), batch.name, posting.kind, posting.role, posting.number, " ".join(records),
        posting.party, posting.psa_type, posting.date.isoformat(), posting.currency, plain(posting.total),
        posting.state, posting.ledger_id, posting.ledger_number, posting.psa_batch, *moments, " ".join(problems),
    ]  # fmt: skip


def _whole(session: Session, book: Book) -> Iterator[str]:
    for rows, records in _chunks(session, book):
        for posting, batch in rows:
            said = {
                "posting": posting.id, "batch": batch.id, "number": posting.number, "state": posting.state,
                "records": records.get(posting.id or 0, []), "connectwise": posting.snapshot,
                "document": posting.document, "quickbooks": posting.receipt,
            }  # fmt: skip
            yield json.dumps(said, ensure_ascii=False, default=str) + "\n"


def _chunks(session: Session, book: Book) -> Iterator[tuple[list[tuple[Posting, Batch]], dict[int, list[str]]]]:
    """Postings in the order in which they were made, some at a time, with their records."""
    last = 0
    query = select(Posting, Batch).join(Batch, col(Batch.id) == col(Posting.batch_id)).order_by(col(Posting.id))
    while rows := list(
        session.exec(query.where(Posting.book_id == book.id, col(Posting.id) > last, Batch.mode != "dry").limit(CHUNK))
    ):
        last = rows[-1][0].id or 0
        idents = [posting.id for posting, _ in rows]
        found: dict[int, list[str]] = {}
        of = select(PostingRecord.posting_id, PostingRecord.record).where(col(PostingRecord.posting_id).in_(idents))
        for posting_id, record in session.exec(of.order_by(col(PostingRecord.id))):
            found.setdefault(posting_id, []).append(record)
        yield rows, found
        session.expunge_all()  # what was written is not kept
