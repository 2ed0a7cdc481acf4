"""Run everything ready: what of each kind could be posted now, and one batch per kind of it, in one go."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlmodel import Session

from app.domain.problems import ValidationError
from app.domain.states import RecordKind
from app.models.batches import Batch
from app.models.connections import Book
from app.models.rounds import Round
from app.services.autosync import rounds
from app.services.connections import books
from app.services.records import outlook, previews, records, selections, views
from app.services.records.records import Sum


@dataclass(frozen=True, slots=True)
class Offer:
    """What one kind has.

    Attributes:
        as_of: when its list was read; None for never, and then nothing else is known.
        ready: records that nothing stands in the way of, in the order of the list; ``documents`` is what they become.
        sum: of those that are ready.
        others: view → how many are left for a person: need a fix, are old, on hold, ask a question, not looked at.
    """

    kind: RecordKind
    as_of: dt.datetime | None
    ready: list[str] = field(default_factory=list)
    documents: int = 0
    sum: Sum = field(default_factory=lambda: Sum(0, {}))
    plan: previews.Plan = field(default_factory=previews.Plan)
    others: Mapping[str, int] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """Differs as soon as what a person saw does."""
        return f"{self.kind}:{records.fingerprint(self.ready, self.sum)}"


def offer(session: Session, book: Book, kind: RecordKind, wanted: records.Filter) -> Offer:
    """By the stored list, as the selection page judges it: what "all ready" would tick there."""
    source_id = book.source_id or 0
    listing = records.as_of(session, source_id, kind)
    if listing is None:
        return Offer(kind, None)
    verdicts = outlook.verdicts(session, book, source_id, kind, books.today_of(book))
    here = [row for row in records.briefs(session, source_id, kind, wanted.through)
            if wanted.location in ("", row.location_id)]  # fmt: skip
    words = Counter(verdicts.get(row.record, views.UNLOOKED) for row in here)
    chosen = [row for row in here if verdicts.get(row.record) == views.READY]
    ready = [row.record for row in chosen]
    return Offer(
        kind,
        listing.as_of,
        ready,
        selections.documents(session, book, source_id, kind, ready),
        records.sum_of(chosen),
        previews.plan(session, book, source_id, kind, ready),
        {view: words[view] for view in outlook.VIEWS if view != views.READY and words[view]},
    )


def submit(
    session: Session, book: Book, chosen: Mapping[RecordKind, Sequence[str]], order: rounds.Order, *, by: str
) -> tuple[Round, list[Batch], list[ValidationError]]:
    """One batch per kind that has records, each in a commit of its own; and why a kind got none.

    Raises ValidationError where no kind got one.
    """
    made = rounds.begin(session, book, by=by)
    found: list[Batch] = []
    refused: list[ValidationError] = []
    for kind in rounds.ordered(book, (kind for kind, wanted in chosen.items() if wanted)):
        try:
            found.append(rounds.submit(session, made, book, kind, chosen[kind], order, by=by))
        except ValidationError as error:
            refused.append(error)
    if not found:
        session.delete(session.get_one(Round, made.id))
        session.commit()
        raise (
            refused[0]
            if refused
            else ValidationError(
                "No record is unposted there.", "Give another date or location, or look whether ConnectWise lists them."
            )
        )
    return made, found, refused
