"""The table of a batch's documents: filtered, sorted, paged by key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select as columns
from sqlalchemy.orm import defer
from sqlmodel import Session, col, func, select

from app.domain.problems import Severity
from app.models.batches import Batch
from app.models.postings import Posting, PostingProblem, PostingRecord
from app.services.posting import posting_problems
from app.services.records import paging

PAGE = 100
SORTS: Mapping[str, Any] = {
    "number": Posting.number,
    "party": Posting.party,
    "type": Posting.psa_type,
    "state": Posting.state,
    "total": Posting.cents,
}
#: Whole documents, which a table has no place for: to read a hundred of them takes longer than the page.
HEAVY: tuple[Any, ...] = (Posting.document, Posting.gl_ids, Posting.snapshot, Posting.receipt)


@dataclass(frozen=True, slots=True)
class Rows:
    """Up to 100 documents with their problems; ``next`` is the key of the following page, empty on the last."""

    rows: list[Posting]
    problems: Mapping[int, list[PostingProblem]]
    records: Mapping[int, str]
    next: str


def rows(session: Session, batch: Batch, *, state: str = "", sort: str = "number", after: str = "") -> Rows:
    """One page of the batch's documents. ``state`` may also be ``with_warnings``."""
    query = _query(batch, state, sort, after).options(*(defer(column) for column in HEAVY))
    found = list(session.exec(query.limit(PAGE + 1)))
    last = found[PAGE - 1] if len(found) > PAGE else None
    name = sort.lstrip("-")
    attribute = {"type": "psa_type", "total": "cents"}.get(name, name if name in SORTS else "number")
    found = found[:PAGE]
    idents = [posting.id or 0 for posting in found]
    records = select(PostingRecord.posting_id, func.min(PostingRecord.record)).group_by(col(PostingRecord.posting_id))
    return Rows(
        found,
        posting_problems.of(session, idents),
        dict(session.exec(records.where(col(PostingRecord.posting_id).in_(idents))).all()),
        f"{getattr(last, attribute)}|{last.id}" if last else "",
    )


def newest_change(session: Session, batch: Batch, *, state: str = "", sort: str = "number", after: str = "") -> int:
    """The highest revision on such a page: whoever has seen it need not ask for the rows again."""
    shown = _query(batch, state, sort, after).limit(PAGE).with_only_columns(col(Posting.rev)).subquery()
    return int(session.execute(columns(func.coalesce(func.max(shown.c.rev), 0))).scalar_one())


def ordered(session: Session, batch: Batch, *, state: str = "", sort: str = "number") -> list[int]:
    """Ids of the whole table, filtered and sorted."""
    return list(session.execute(_query(batch, state, sort, "").with_only_columns(col(Posting.id))).scalars())


def _query(batch: Batch, state: str, sort: str, after: str) -> Any:
    """The documents from a key on, in their order."""
    name, down = sort.lstrip("-"), sort.startswith("-")
    column = SORTS.get(name, Posting.number)
    query = select(Posting).where(Posting.batch_id == batch.id)
    if state == "with_warnings":
        warned = select(PostingProblem.posting_id).where(PostingProblem.severity == Severity.WARNING)
        query = query.where(col(Posting.id).in_(warned))
    elif state:
        query = query.where(Posting.state == state)
    if after:
        query = query.where(paging.beyond(column, col(Posting.id), after, down=down, read=paging.reader(name)))
    order = col(column).desc() if down else col(column).asc()
    return query.order_by(order, col(Posting.id))
