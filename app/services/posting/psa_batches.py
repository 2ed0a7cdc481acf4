"""Accounting batches in the PSA: which one has a record, whether it is ours, and the ids of ours."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import col, select

from app.connectors.protocols import ConnectionFailedError
from app.domain.problems import Problem
from app.models.postings import Posting
from app.services.posting.run import Run


def batch_of(run: Run, record: str) -> str | None:
    """Name of the PSA batch the record is in; None where the PSA doesn't say."""
    try:
        return run.source.batch_of(run.kind, [record]).get(record)
    except ConnectionFailedError as error:
        if error.systemic:
            raise
        return None


def where(run: Run, record: str, ours: str) -> str | None:
    """The PSA batch that has the record. Asked with no session open: whoever asks waits for the PSA's limit."""
    name = batch_of(run, record)
    if name is None and ours in run.source.find_batches([ours]):
        return ours
    return name


def stem(psa_batch: str) -> str:
    """The identifier without its generation."""
    return psa_batch.rpartition("-g")[0]


def closed_elsewhere(name: str | None) -> Problem:
    """Somebody else closed the record: perhaps it is booked twice."""
    by = f"by batch “{name}”" if name else "by somebody else, or reopened"
    return Problem(
        "closed_elsewhere",
        f"In ConnectWise it was closed {by}, not by Crossfoot: perhaps it is booked twice.",
        "Look in QuickBooks for a second document; then keep it, or undo this one.",
        technical={"psa_batch": name or ""},
    )


def read_back(run: Run) -> None:
    """Read the ids of our batches, many a call; needed to undo one, and proof that it is there."""
    while chunk := _without_id(run):
        found = run.source.find_batches([posting.psa_batch for posting in chunk])
        with run.database.session() as session:
            for posting in chunk:
                batch = found.get(posting.psa_batch)
                row = session.get_one(Posting, posting.id)
                row.psa_batch_id = batch.batch_id if batch else "-"
                session.add(row)
            session.commit()


def _without_id(run: Run) -> Sequence[Posting]:
    with run.database.reading() as session:
        query = select(Posting).where(
            Posting.batch_id == run.batch_id, Posting.closing == "done", Posting.psa_batch_id == ""
        )
        return session.exec(query.order_by(col(Posting.id)).limit(500)).all()
