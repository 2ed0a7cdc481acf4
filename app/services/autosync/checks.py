"""What should be so before AutoSync is switched on: each check with the page for it. An admin may override them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session, col, func, select

from app.domain import autosync_settings
from app.domain.links import LinkKind
from app.domain.states import PostingState, RecordKind
from app.models.batches import Batch
from app.models.connections import Book, Link
from app.models.postings import Posting
from app.services.connections import books
from app.services.payments import payments
from app.services.records import outlook, records

#: In the order in which a company gets there; never created by Crossfoot, so somebody must have linked them.
LINKED = ((LinkKind.ACCOUNTS, "GL accounts"), (LinkKind.TAX_CODES, "Tax codes"))
#: With these the ledger needs no tax code of ours.
WITHOUT_TAX_CODES = ("automated", "off")


@dataclass(frozen=True, slots=True)
class Check:
    """``remark`` says what is still to be done, ``url`` where; both empty where it is done."""

    title: str
    done: bool
    remark: str = ""
    url: str = ""


def checks(session: Session, book: Book) -> list[Check]:
    """Those of the kinds that AutoSync is to post, in the order in which they are best done."""
    values = books.show(book)
    wanted = autosync_settings.kinds(values)
    found = [_connected(book), *(_has_posted(session, book, kind) for kind in wanted)]
    if autosync_settings.payments(values):
        done = payments.until(session, book.id or 0) is not None
        remark = "" if done else "The first one goes back furthest: look at what it would change."
        found.append(Check("A payment sync run by hand", done, remark, "/run/payments"))
    tax_mode = books.rules_of(book).tax_mode
    found += [
        _linked(session, book, kind, noun)
        for kind, noun in LINKED
        if kind is not LinkKind.TAX_CODES or tax_mode not in WITHOUT_TAX_CODES
    ]
    return [*found, *(_cleared(session, book, kind, values["autosync.location"]) for kind in wanted)]


def still_open(session: Session, book: Book) -> list[str]:
    """Titles of those that are not fulfilled."""
    return [check.title for check in checks(session, book) if not check.done]


def _connected(book: Book) -> Check:
    done = book.connected and not book.broken and book.source_id is not None
    return Check("Both sides connected", done, "" if done else book.broken or "Connect both.", "/settings/connections")


def _has_posted(session: Session, book: Book, kind: RecordKind) -> Check:
    query = (
        select(Posting.id)
        .join(Batch, col(Batch.id) == Posting.batch_id)
        .where(Batch.book_id == book.id, Batch.kind == kind, Batch.mode == "post")
        .where(Posting.state == PostingState.CLOSED)
    )
    done = session.exec(query.limit(1)).first() is not None
    return Check(f"A batch of {kind} posted by hand", done, "" if done else "Look at what it made.", f"/run/{kind}")


def _linked(session: Session, book: Book, kind: LinkKind, noun: str) -> Check:
    query = select(func.count()).where(Link.book_id == book.id, Link.kind == kind, Link.ledger_id == "")
    count = session.exec(query).one()
    remark = f"{count} without a link; each would hold its documents." if count else ""
    return Check(f"{noun} linked", not count, remark, f"/mappings/{book.id}/{kind}")


def _cleared(session: Session, book: Book, kind: RecordKind, location: str) -> Check:
    """What was left over by a month's end would all be posted at the first run."""
    title, url = f"No old {kind} waiting", f"/run/{kind}?view=old"
    source_id = book.source_id or 0
    if records.as_of(session, source_id, kind) is None:
        return Check(title, False, "The list has not been read yet: refresh it.", f"/run/{kind}")
    before = outlook.old_before(books.today_of(book))
    limit = before.fromordinal(before.toordinal() - 1)
    old = records.matching(session, source_id, kind, records.Filter(location=location, through=limit))
    standings = records.standings(session, source_id, kind, old)
    count = sum(not standings.get(record, records.FREE).only_by_name for record in old)
    remark = f"{count} dated before {before:%B}: post them, clear them, or put them on hold." if count else ""
    return Check(title, not count, remark, url)
