"""What stands beside a document: the entry of its cost (role ``cogs``), or the bill of an order (role ``bill``).

An entry is made when its invoice is read, and checked with it. It is sent only when the invoice is in the books, so
that no cost is booked without its sale; the PSA's record is closed only when both are there; and an undo takes out
both, the invoice first, before the PSA is touched. A bill comes later (billing.py), and goes before its
order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from app.domain import cogs
from app.domain.codec import to_json
from app.domain.documents import Document, Product
from app.domain.links import LinkKind
from app.domain.money import cents
from app.domain.problems import Problem, Severity
from app.domain.states import IN_BOOKS, STANDING, PostingState, Role, SectionKey
from app.models.columns import utcnow
from app.models.postings import Posting, PostingProblem, PostingRecord
from app.services.mapping.links import Index
from app.services.posting import posting_problems
from app.services.posting.run import Run

S = PostingState
#: In statements about a posting: the one beside which it stands, and one that stands beside it. To make such a name is
#: slower than most statements.
MAIN, BESIDE = aliased(Posting), aliased(Posting)
#: Its invoice is on its way into the books.
COMING = (S.READY, S.SENDING, S.IN_DOUBT)
#: Nothing will stand beside it any more.
NEVER = (S.UNDOING, S.UNDONE, S.SKIPPED, S.CLEARED)
#: Nothing of it is in the books, and nothing under way.
LOOSE = (S.READY, S.HELD, S.REFUSED)
WAITS = Problem(
    "waits_for_invoice",
    "Its invoice is not in QuickBooks, so its cost is not booked either.",
    "Fix the invoice: the entry goes with it.",
    Severity.WARNING,
    subject="invoice",
)
WITHOUT = Problem(
    "cost_not_booked",
    "It is in QuickBooks, but the COGS entry beside it is not: the record stays unposted in ConnectWise.",
    "Fix the entry and retry, or skip it: then the record is closed.",
    Severity.WARNING,
    subject="cogs",
)


# ── made with its document ───────────────────────────────────────────────────────────────────────────────────────


def follow(session: Session, run: Run, main: Posting, document: Document) -> None:
    """The entry beside a document that was just read: new, or what it was to be before, read anew."""
    entry = cogs.entry(document, run.rules) if run.mode != "clear" else None
    row = session.exec(select(Posting).where(Posting.beside == main.id, Posting.role == Role.COGS)).first()
    if entry is None:
        if row is not None:
            let_go(session, [row])
        return
    if row is None:
        row = _new(session, main, entry)
    elif row.state not in (*LOOSE, S.SKIPPED):
        return
    else:
        posting_problems.clear(session, row)
        row.generation += row.state == S.REFUSED
        _live(session, row, alive=run.mode == "post")
    row.state, row.checked = S.READY, False
    keep(session, row, entry)


def keep(session: Session, row: Posting, entry: Document) -> None:
    """Store what the entry is. The caller commits."""
    row.document, row.kind, row.psa_type, row.number = to_json(entry), entry.kind, entry.psa_type, entry.number
    row.currency, row.date, row.party = entry.currency, entry.date, entry.party.name
    row.total, row.cents = entry.total.amount, int(cents(entry.total.amount) * 100)
    session.add(row)


def _new(session: Session, main: Posting, entry: Document) -> Posting:
    row = Posting(
        batch_id=main.batch_id, book_id=main.book_id, role=Role.COGS, beside=main.id, generation=main.generation,
        party_key=f"beside:{main.id}", date=entry.date, currency=entry.currency, total=entry.total.amount,
    )  # fmt: skip
    session.add(row)
    session.flush()
    of_main = select(PostingRecord).where(PostingRecord.posting_id == main.id).order_by(col(PostingRecord.id))
    for one in session.exec(of_main).all():
        session.add(
            PostingRecord(
                posting_id=row.id or 0, source_id=one.source_id, kind=one.kind, record=one.record, role=Role.COGS,
                fingerprint=one.fingerprint, date_closed=one.date_closed, live=one.live,
            )
        )  # fmt: skip
    return row


def reduced(document: Document, index: Index, kinds: Iterable[str] = ("Inventory",)) -> tuple[Document, list[Problem]]:
    """An entry without what the ledger books by itself, as its items are now; and what is said of it."""
    wanted = set(kinds)

    def keeps_stock(product: Product) -> bool:
        item = index.entry(LinkKind.ITEMS, product.source_id) or index.exact(LinkKind.ITEMS, product.identifier)
        return item is not None and item.detail in wanted

    entry, names = cogs.without_stock(document, keeps_stock)
    return entry, [cogs.by_ledger(names)] if names else []


# ── sent after it, closed with it ────────────────────────────────────────────────────────────────────────────────


def may_go() -> Any:
    """SQL: a main posting, or one whose main posting is in the books."""
    booked = select(MAIN.id).where(MAIN.id == Posting.beside, col(MAIN.state).in_(STANDING))
    return or_(col(Posting.beside).is_(None), booked.exists())


def may_close() -> Any:
    """SQL: a main posting beside which no entry is open."""
    open_ones = (*LOOSE, S.SENDING, S.IN_DOUBT, S.UNDOING)
    entries = (BESIDE.beside == Posting.id, col(BESIDE.role) == Role.COGS)
    beside = select(BESIDE.id).where(*entries, col(BESIDE.state).in_(open_ones))
    return col(Posting.beside).is_(None) & ~beside.exists()


def closed(session: Session, main: Posting) -> None:
    """The PSA's batch closes the record, and with it everything that was posted of it."""
    posting_problems.clear(session, main, WITHOUT.code)
    for row in of(session, [main], (S.POSTED,)):
        row.state, row.closing, row.closed_at = S.CLOSED, "done", utcnow()
        row.psa_batch = main.psa_batch
        session.add(row)


def of(session: Session, mains: Sequence[Posting], states: Iterable[str], *, lock: bool = False) -> list[Posting]:
    """What stands beside some postings, in some states; ``lock``: no worker begins to send it before the commit."""
    beside = col(Posting.beside).in_([main.id for main in mains])
    query = select(Posting).where(beside, col(Posting.state).in_(list(states))).order_by(col(Posting.id))
    return list(session.exec(query.with_for_update(of=Posting) if lock else query))


def wake(run: Run) -> None:
    """Entries that waited for their invoice, which is on its way or in the books now."""
    with run.database.session() as session:
        run.hold_on(session)
        told = select(PostingProblem.posting_id).where(
            PostingProblem.batch_id == run.batch_id, PostingProblem.code == WAITS.code
        )
        query = (
            select(Posting)
            .join(MAIN, col(MAIN.id) == col(Posting.beside))
            .where(Posting.batch_id == run.batch_id, Posting.state == S.HELD, col(Posting.id).in_(told))
            .where(col(MAIN.state).in_((*STANDING, *COMING)))
        )
        rows = list(session.exec(query))
        for row in rows:
            row.state, row.checked = S.READY, False
            posting_problems.clear(session, row, WAITS.code)
            session.add(row)
        if rows:
            run.changed(session, *rows)


def rest(run: Run) -> None:
    """After sending: an entry without its invoice waits, and an invoice without its entry says so."""
    with run.database.session() as session:
        run.hold_on(session)
        ours = select(Posting, MAIN).join(MAIN, col(MAIN.id) == col(Posting.beside))
        rows = session.exec(ours.where(Posting.batch_id == run.batch_id, col(Posting.state).in_(LOOSE))).all()
        touched = []
        for row, its_main in rows:
            if row.state == S.READY and its_main.state not in (*STANDING, *COMING):
                posting_problems.hold(session, row, SectionKey.CHECK, [WAITS])
                touched.append(row)
            elif row.role == Role.COGS and row.state != S.READY and its_main.state == S.POSTED:
                posting_problems.clear(session, its_main, WITHOUT.code)
                posting_problems.add(session, its_main, SectionKey.DOCUMENTS, WITHOUT)
                touched.append(its_main)
        if touched:
            run.changed(session, *touched)


# ── let go, and undone with it ───────────────────────────────────────────────────────────────────────────────────


def let_go(session: Session, rows: Iterable[Posting]) -> None:
    """Not to be posted: skipped, and the record's cost is free for another batch. The caller commits."""
    for row in rows:
        if row.state in LOOSE:
            posting_problems.clear(session, row)
            row.state = S.SKIPPED
            session.add(row)
            _live(session, row, alive=False)


def _live(session: Session, row: Posting, *, alive: bool) -> None:
    for link in session.exec(select(PostingRecord).where(PostingRecord.posting_id == row.id)):
        link.live = alive
        session.add(link)


def skipped(session: Session, row: Posting) -> None:
    """Nothing of it is left to post: the ledger books it all by itself. The caller commits."""
    row.state = S.SKIPPED
    session.add(row)
    _live(session, row, alive=False)


def main_of(session: Session, row: Posting) -> Posting | None:
    """The posting beside which it stands."""
    return session.get(Posting, row.beside) if row.beside else None


def in_books(session: Session, main: Posting) -> list[Posting]:
    """What stands beside a document in the books."""
    return of(session, [main], IN_BOOKS)
