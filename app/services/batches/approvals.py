"""Approval: where the company's setting wants it, one person prepares a batch and another lets it be posted.

What was approved is kept as a seal: of the records' fingerprints, the options, the settings that matter, and the links
of everything that the documents need. A worker compares before it begins and once more before it writes; with another
seal the approval is void, and says why. Once writing has begun, what goes on by itself is not compared any more; but
whoever lets documents go again, or decides over one, makes a new seal or voids it. So nothing is ever written that was
not approved as it is, and what is under way is always brought to its end: doubts, undoing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, and_, or_
from sqlmodel import Session, col, select

from app.domain.codec import to_json
from app.domain.links import LinkKind
from app.domain.states import PostingState, RecordKind, Role
from app.models.batches import Batch, LogLine
from app.models.connections import Book, Link
from app.models.payments import PaymentEntry, PaymentTarget
from app.models.postings import Call, Posting, PostingRecord
from app.services.connections import books
from app.services.people import audit
from app.services.records import forecasts

#: While it stands so, no worker begins anything of the batch.
WAITING = ("wanted", "rejected")
#: Settings that change nothing about a document.
IDLE = ("company.approval", "company.default_location", "company.zone", "sales.summary", "autosync.", "payments.")
#: Who made these links is the batch itself, if it was allowed to.
MACHINE = ("exact_name", "created", "to_create")
#: A person has agreed to these: before and after they are created, it is the same.
AGREED = ("created", "to_create")
#: What differs, in words.
WORDS = {
    "documents": "a record was changed in ConnectWise",
    "options": "what may be linked and created was changed",
    "settings": "a setting of the company was changed",
    "links": "a link of its documents was changed",
    "every_link": "a link was changed",
    "payments": "what would be written is no longer the same",
}
UNDER_WAY = (PostingState.SENDING, PostingState.UNDOING)


def needed(book: Book) -> bool:
    """Whether a batch that a person submits to this company must be approved by another.

    AutoSync is approved by its own setting: it submits with ``approval=False``.
    """
    return books.setting_of(book, "company.approval") == "other"


def ask(batch: Batch, *, by: str) -> None:
    """The batch waits for another person; the caller commits."""
    batch.approval, batch.prepared_by = "wanted", sorted({*batch.prepared_by, by})


# ── the seal ─────────────────────────────────────────────────────────────────────────────────────────────────────


def seal(session: Session, batch: Batch, like: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What a person approves. ``like``: an earlier seal; its links are looked up again, whatever was closed since."""
    book = session.get_one(Book, batch.book_id)
    if batch.kind == "payments":
        return _payments(session, batch, book)
    query = select(PostingRecord.record, PostingRecord.fingerprint).join(
        Posting, col(Posting.id) == PostingRecord.posting_id
    )
    records = sorted(session.exec(query.where(Posting.batch_id == batch.id, Posting.role == Role.MAIN)).all())
    wanted, unknown = (like["links"], like["every_link"]) if like else _needs(session, book, batch, records)
    links = _links(session, batch)
    return {
        "documents": _hash(records),
        "options": _hash([batch.mode, batch.summary, batch.accept, batch.through, batch.location]),
        "settings": _hash(_settings(book)),
        "links": {key: links.get(key, "") for key in wanted},
        "every_link": _hash(sorted(item for item in links.items() if item[1])) if unknown else "",
    }


def _payments(session: Session, batch: Batch, book: Book) -> dict[str, Any]:
    """Of a batch of payments: what it would write on each invoice, and how."""
    query = select(PaymentTarget.record, PaymentTarget.planned_cents, PaymentTarget.steps)
    mine = (PaymentTarget.batch_id == batch.id, PaymentTarget.state != "moved")
    planned = sorted((record, cents, repr(steps)) for record, cents, steps in session.exec(query.where(*mine)) if steps)
    rules = sorted(item for item in books.show(book).items() if item[0].startswith("payments."))
    return {"payments": _hash(planned), "settings": _hash(rules)}


def short(sealed: Mapping[str, Any]) -> str:
    """A form carries it: what the person saw."""
    return _hash(sorted(sealed.items()))[:24]


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What differs, in words."""
    return [words for part, words in WORDS.items() if old.get(part) != new.get(part)]


def _needs(session: Session, book: Book, batch: Batch, records: Iterable[tuple[str, str]]) -> tuple[list[str], bool]:
    """What the documents need links for, and whether some have not been looked at yet: then every link counts."""
    only = [record for record, _ in records]
    outlooks = forecasts.outlooks(session, book, batch.source_id, RecordKind(batch.kind), only)
    known = [outlook for outlook in outlooks.values() if outlook is not None]
    wanted = {f"{LinkKind(need[0])}:{need[1]}" for outlook in known for need in outlook.needs}
    return sorted(wanted), len(known) < len(only)


def _links(session: Session, batch: Batch) -> dict[str, str]:
    """What everything is linked to; the same for what the batch may link or create itself, whether it has or not."""
    rows = session.exec(
        select(Link.kind, Link.source_id, Link.ledger_id, Link.origin).where(Link.book_id == batch.book_id)
    )
    own, same = (MACHINE, "") if batch.accept else (AGREED, "+")
    return {f"{kind}:{source_id}": same if origin in own else ledger_id for kind, source_id, ledger_id, origin in rows}


def _settings(book: Book) -> list[Any]:
    rules = to_json(books.rules_of(book))
    held = {key: value for key, value in rules.pop("settings", {}).items() if not key.startswith(IDLE)}
    return [sorted(rules.items()), sorted(held.items())]


def _hash(value: Any) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()


# ── what a worker asks ───────────────────────────────────────────────────────────────────────────────────────────


def stands(session: Session, batch: Batch, *, writing: bool = False) -> bool:
    """Whether the batch may go on; voids an approval that no longer holds, and commits. ``writing``: it begins to."""
    if batch.approval in WAITING:
        return False
    if batch.approval != "given" or batch.approval_seal is None:
        return True
    if why := changes(batch.approval_seal, seal(session, batch, batch.approval_seal)):
        void(session, batch, "; ".join(why))
        session.commit()
        return False
    if writing:
        batch.approval = "used"
        session.add(batch)
        session.commit()
    return True


def void(session: Session, batch: Batch, why: str, *, by: str = "") -> None:
    """The approval no longer holds; whoever changed something cannot approve it. The caller commits."""
    if not batch.approval:
        return
    if batch.approval in ("given", "used"):
        note = f"The approval by {batch.approval_by} no longer holds: {why}."
        batch.approval_note = note[:600]
        session.add(LogLine(batch_id=batch.id or 0, text=note, by=by))
        audit.record(session, by or "Crossfoot", "batch.approval_void", f"batch:{batch.id}", why=why)
    batch.approval, batch.approval_seal, batch.approval_by, batch.approval_at = "wanted", None, "", None
    batch.prepared_by = sorted({*batch.prepared_by, *([by] if by else [])})
    batch.rev += 1
    session.add(batch)


def reconsider(session: Session, batch: Batch, *, by: str) -> None:
    """Somebody lets it go on: what was approved must still be what there is. The caller commits."""
    session.flush()
    if batch.approval == "rejected":
        void(session, batch, "", by=by)
    elif batch.approval_seal and (why := changes(batch.approval_seal, seal(session, batch, batch.approval_seal))):
        void(session, batch, "; ".join(why), by=by)


def waiting() -> ColumnElement[bool]:
    """SQL: a person is to approve it."""
    return and_(col(Batch.approval) == "wanted", col(Batch.stopped).is_(False), col(Batch.failure).is_(None))


def nothing_under_way() -> ColumnElement[bool]:
    """SQL: nothing of the batch is on the wire, in doubt or being undone: no worker has anything to finish."""
    doubted = and_(col(Posting.state) == PostingState.IN_DOUBT, col(Posting.needs_person).is_(False))
    moving = or_(col(Posting.state).in_(UNDER_WAY), doubted, col(Posting.closing).in_(("intended", "in_doubt")))
    postings = select(Posting.id).where(Posting.batch_id == Batch.id, moving).correlate(Batch)
    calls = select(Call.id).where(Call.batch_id == Batch.id, col(Call.state).in_(("open", "in_doubt"))).correlate(Batch)
    entries = select(PaymentEntry.id).where(PaymentEntry.batch_id == Batch.id, payments_under_way()).correlate(Batch)
    return and_(~postings.exists(), ~calls.exists(), ~entries.exists())


def payments_under_way() -> ColumnElement[bool]:
    """SQL: a payment is on its way to the PSA, or is looked up there."""
    looked_up = and_(col(PaymentEntry.state) == "in_doubt", col(PaymentEntry.look_at).is_not(None))
    return or_(col(PaymentEntry.state) == "sending", looked_up)


def at_rest() -> ColumnElement[bool]:
    """SQL: no worker touches it."""
    return and_(col(Batch.approval).in_(WAITING), nothing_under_way())
