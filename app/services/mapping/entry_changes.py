"""Changes of the ledger's entries: one made active again, or a customer's data brought over from the PSA.

Each is an intent: shown first, said yes to by a person, committed with its exact body and the version of the entry that
it is meant for, then sent. What was edited since is refused by the ledger. A lost answer is looked up: the entry has
the new values, or it is as it was and the identical request goes again.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Sequence
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select, update

from app.connectors.list_changes import ChangingEntries, EntryChanged, HeldEntry
from app.connectors.protocols import ConnectionFailedError, Connectors, Destination, Wait
from app.database import Database
from app.domain import codec, entry_data
from app.domain.item_accounts import WORDS
from app.domain.links import NOUNS, Entry, LinkKind
from app.domain.outcomes import NotDone, Refused
from app.domain.problems import Problem, ValidationError
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.workbench import EntryChange
from app.services.connections import connections
from app.services.mapping import links, lists
from app.services.people import audit
from app.services.posting import claims, failures

#: Kinds whose entries can be made active again here; QuickBooks' tax codes can't be changed from outside.
WAKEABLE = tuple(kind for kind in LinkKind if kind is not LinkKind.TAX_CODES)
ENDED = ("done", "refused")
#: The row of a comparison (services/mapping/customer_data.py): no change of an entry.
COMPARING = "comparing"
NO_CHANGE = ("proposed", COMPARING)
#: A worker that has taken a change has this long before another one may look after it.
LEASE = dt.timedelta(minutes=3)
LATER = dt.timedelta(seconds=15)
#: After so many tries one that was on the wire is only looked at any more, when it can't be running any longer.
MOST_TRIES, LAST_LOOK = 6, LEASE
GONE = Problem("entry_gone", "QuickBooks no longer has it.", "Refresh the list and link another entry.")
EDITED = Problem(
    "edited_since", "It was edited in QuickBooks since it was looked at, so it was not changed.", "Compare again."
)


# ── wishes ───────────────────────────────────────────────────────────────────────────────────────────────────────


def wake(session: Session, book: Book, kind: LinkKind, ledger_id: str, *, by: str, source_id: str = "") -> EntryChange:
    """An inactive entry is to be made active, and linked to ``source_id`` then; commits. The caller rings or works.

    Raises ValidationError: it is not in the list, active already, of a kind that can't be changed, or under way.
    """
    entry = lists.entry(session, book.id or 0, kind, ledger_id)
    if entry is None or kind not in WAKEABLE:
        raise ValidationError(
            f"QuickBooks has no {NOUNS[kind]} with the id “{ledger_id}” that could be made active.", "Refresh the list."
        )
    if entry.active:
        raise ValidationError(f"“{entry.name}” is active.", "Link it.")
    change = EntryChange(
        book_id=book.id or 0, kind=kind, ledger_id=ledger_id, name=entry.name, source_id=source_id, state="wanted",
        old={"active": False}, new={"active": True}, by=by,
    )  # fmt: skip
    try:
        session.add(change)
        session.flush()
    except IntegrityError as error:
        session.rollback()
        raise ValidationError(f"“{entry.name}” is being changed already.", "Look again in a minute.") from error
    audit.record(
        session, by, "entry.wake", f"{kind}:{ledger_id}", book=book.id, name=entry.name, old="inactive", new="active"
    )
    session.commit()
    return change


def proposed(session: Session, book: Book) -> list[EntryChange]:
    """What may be brought over, by name."""
    query = select(EntryChange).where(EntryChange.book_id == book.id, EntryChange.state == "proposed")
    return list(session.exec(query.order_by(EntryChange.name, col(EntryChange.id))))


def recent(session: Session, book: Book, limit: int = 50) -> list[EntryChange]:
    """What was said yes to, newest first."""
    query = select(EntryChange).where(EntryChange.book_id == book.id, col(EntryChange.state).not_in(NO_CHANGE))
    query = query.where(EntryChange.ledger_id != "")
    return list(session.exec(query.order_by(col(EntryChange.id).desc()).limit(limit)))


def accept(session: Session, book: Book, idents: Sequence[int], *, by: str) -> int:
    """A person says yes to proposals that were shown; commits. The caller rings ``change_entries``."""
    mine = select(EntryChange).where(EntryChange.book_id == book.id, EntryChange.state == "proposed")
    found = [row for row in session.exec(mine.with_for_update()) if row.id in set(idents)]
    for row in found:
        row.state, row.by, row.at = "wanted", by, utcnow()
        session.add(row)
        audit.record(session, by, "entry.update", f"{row.kind}:{row.ledger_id}", book=book.id, name=row.name,
                     old=_told(row.old), new=_told(row.new))  # fmt: skip
    session.commit()
    return len(found)


def _told(values: dict[str, Any]) -> dict[str, str]:
    return {field: entry_data.in_words(field, value) for field, value in values.items()}


# ── work ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def due(database: Database) -> list[int]:
    """Books that have changes to make now."""
    with database.reading() as session:
        query = select(EntryChange.book_id).where(col(EntryChange.state).not_in((*ENDED, *NO_CHANGE)))
        return list(session.exec(query.where(claims.free(EntryChange)).distinct()))


def work(database: Database, connectors: Connectors, book_id: int, only: int | None = None) -> None:
    """Make every change that is due; any worker may call it, at any time."""
    try:
        destination = connections.open_destination(database, connectors, book_id)
    except ConnectionFailedError:
        return  # the sweep rings again
    carry_out(database, destination, book_id, only)


def carry_out(database: Database, destination: Destination, book_id: int, only: int | None = None) -> None:
    """The same over a connection that is open."""
    while (change := _claim(database, book_id, only)) is not None:
        try:
            _step(database, destination, change)
        except ConnectionFailedError as error:
            _put_off(database, change, Problem(error.code, error.message, error.remedy))
        except Exception as error:
            _put_off(database, change, failures.of_our_own(error, "It is tried again."))
            raise


def _claim(database: Database, book_id: int, only: int | None) -> EntryChange | None:
    with database.session() as session:
        query = select(EntryChange).where(EntryChange.book_id == book_id)
        query = query.where(col(EntryChange.state).not_in((*ENDED, *NO_CHANGE)))
        return claims.claim(session, EntryChange, query.where(EntryChange.id == only) if only else query, LEASE)


def _step(database: Database, destination: Destination, change: EntryChange) -> None:
    kind = LinkKind(change.kind)
    if not isinstance(destination, ChangingEntries):
        _end(database, change, Problem("cannot_change", "This ledger takes no such change.", "Make it there."))
        return
    held = destination.held_entry(kind, change.ledger_id)
    if held is None:
        _end(database, change, GONE)
    elif entry_data.holds(held.data, change.new):
        _done(database, change, held.entry)  # an answer that was lost, or somebody was faster
    elif change.tries > MOST_TRIES:
        _end(database, change, _not_made(change))
    elif (change.version and held.version != change.version) or not _as_shown(held, change):
        _end(database, change, EDITED)
    else:
        _send(database, destination, change, held)


def _not_made(change: EntryChange) -> Problem:
    """Surely not, and why not the last time."""
    why = (change.problem or {}).get("message", "")
    return Problem("not_taken", f"It was tried {MOST_TRIES + 1} times and is as it was. {why}", "Ask for it again.")


def _as_shown(held: HeldEntry, change: EntryChange) -> bool:
    """An item's accounts are still those that were shown as the old ones."""
    return all(getattr(held.data, field) == change.old[field] for field in WORDS if field in change.old)


def _send(database: Database, destination: ChangingEntries, change: EntryChange, held: HeldEntry) -> None:
    kind = LinkKind(change.kind)
    body = change.body or destination.entry_body(kind, held, change.new)
    slot = destination.reserve(0)  # type: ignore[attr-defined]  # it is a Destination besides
    if isinstance(slot, Wait):
        _set(database, change, look_at=utcnow() + dt.timedelta(seconds=slot.seconds))
        return
    change.request_id = change.request_id or secrets.token_hex(16)
    if not _set(database, change, state="sending", body=body, version=held.version, request_id=change.request_id):
        slot.release(sent=False)
        return
    change.state = "sending"
    match destination.change_entry(kind, body, change.request_id, slot):
        case EntryChanged(now):
            _done(database, change, now.entry)
        case Refused(problem):
            _refused(database, destination, change, problem)
        case NotDone(reason, wait, systemic):
            problem = systemic or Problem("not_taken", reason, "It is tried again.")
            _put_off(database, change, problem, max(wait, 1.0))
        case _:
            _put_off(database, change, Problem("no_answer", "QuickBooks did not answer.", "It is looked up."))


def _refused(database: Database, destination: ChangingEntries, change: EntryChange, problem: Problem) -> None:
    """One that was sent before may have been taken then: the second is refused as an edit of the first."""
    now = destination.held_entry(LinkKind(change.kind), change.ledger_id)
    if now is not None and entry_data.holds(now.data, change.new):
        _done(database, change, now.entry)
    else:
        _end(database, change, problem)


def _put_off(database: Database, change: EntryChange, problem: Problem, wait: float | None = None) -> None:
    """Later again. What was on the wire is never said to have failed without a last look (``_step``)."""
    last = change.tries >= MOST_TRIES
    if last and change.state == "wanted":
        _end(database, change, problem)
        return
    pause = LAST_LOOK if last else dt.timedelta(seconds=wait) if wait else LATER
    _set(database, change, look_at=utcnow() + pause, tries=change.tries + 1, problem=codec.to_json(problem))


def _set(database: Database, change: EntryChange, **values: object) -> bool:
    """Write it down while the change is leased to this worker; False where another one may have it."""
    with database.session() as session:
        kept = claims.put(session, change, **values)
        session.commit()
    return kept


def _end(database: Database, change: EntryChange, problem: Problem) -> None:
    _set(database, change, state="refused", problem=codec.to_json(problem))


def _done(database: Database, change: EntryChange, entry: Entry) -> None:
    """The cached list shows it at once; what it was made active for is linked."""
    with database.session() as session:
        mine = update(EntryChange).where(col(EntryChange.id) == change.id)
        session.exec(mine.values(state="done", problem=None, body=""))
        lists.put(session, change.book_id, entry)
        if change.source_id and entry.active:
            book = session.get_one(Book, change.book_id)
            links.put(session, book, entry.kind, change.source_id, entry.ledger_id, by=change.by)
        session.commit()


def outcome(session: Session, ident: int) -> EntryChange:
    """How a change stands now."""
    return session.get_one(EntryChange, ident)
