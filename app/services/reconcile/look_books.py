"""What a look reads of the books: the receivables, our other documents, money that pays nothing yet; and drift."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import delete, exists, insert, update
from sqlmodel import Session, col, select

from app.connectors.overviews import Held, Loose
from app.domain import drift as domain
from app.domain.codec import from_json
from app.domain.documents import CREDITS, SALES, DocumentKind
from app.domain.drift import What
from app.domain.marks import marks_in
from app.domain.money import cents
from app.domain.outcomes import Receipt
from app.domain.pictures import Picture
from app.domain.states import STANDING
from app.domain.tie_out import JOURNAL, LOOSE
from app.models.columns import utcnow
from app.models.payments import AppliedLine, LedgerPaymentRow
from app.models.postings import Posting
from app.models.reconcile import LedgerDocument
from app.services.posting import posting_rows
from app.services.reconcile import drift
from app.services.reconcile.drift import Found
from app.services.reconcile.looking import Looking

KINDS = tuple(DocumentKind)
#: A query may lag behind a create by seconds: what was posted so lately and is not found is read by its id.
LAG = dt.timedelta(minutes=10)
CHUNK = 500
#: Of columns that hold ids and marks; nothing longer is one of ours, or QuickBooks’.
LONGEST = 60


# ── receivables ──────────────────────────────────────────────────────────────────────────────────────────────────


def receivables(looking: Looking) -> bool:
    """What changed, in one call; or a page of all invoices and credit memos. True with the last."""
    look = looking.look
    if not look.whole:
        return _changes(looking)
    place, page = int(look.cursor.get("kind", 0)), int(look.cursor.get("page", 0))
    found = looking.destination.documents(SALES[place], look.first_day, page)
    following = {"kind": place, "page": page + 1} if found.more else {"kind": place + 1, "page": 0}
    _absorb(looking, found.documents, (), calls=1, cursor=following)
    return not found.more and place + 1 == len(SALES)


def _changes(looking: Looking) -> bool:
    """Where changes can't be told all, everything is read instead."""
    kinds = [kind for kind in KINDS if looking.destination.can_follow(kind)]
    since = looking.look.since or looking.started
    found = looking.destination.changes_since(since, kinds)
    if found is None:
        with looking.writing(calls=1, whole=True):
            return False
    _absorb(looking, found.documents, found.gone, calls=1, cursor={})
    return True


def _absorb(
    looking: Looking, documents: Sequence[Held], gone: Sequence[tuple[DocumentKind, str]], *, calls: int,
    cursor: dict[str, Any],
) -> None:  # fmt: skip
    """Compare what came with what was posted, and keep the receivables; one commit."""
    looked, found = _compared(looking, documents, gone)
    with looking.writing(calls=calls, cursor=cursor, **looking.count(len(looked))) as session:
        drift.note(session, looking.look.book_id, drift.BOOKS, looked, found)
        sales = [held for held in documents if held.kind in SALES]
        _keep(session, looking.look.book_id, [_row(looking, held) for held in sales])
        for kind, ledger_id in gone:
            session.exec(delete(LedgerDocument).where(*_one(looking.look.book_id, kind, ledger_id)))


def _one(book_id: int, kind: str, ledger_id: str) -> tuple[Any, ...]:
    return (
        col(LedgerDocument.book_id) == book_id, col(LedgerDocument.kind) == kind,
        col(LedgerDocument.ledger_id) == ledger_id,
    )  # fmt: skip


def _keep(session: Session, book_id: int, rows: Sequence[dict[str, Any]]) -> None:
    known: dict[tuple[str, str], int] = {}
    for some in _chunks(rows):
        query = select(LedgerDocument.kind, LedgerDocument.ledger_id, LedgerDocument.id)
        query = query.where(LedgerDocument.book_id == book_id)
        query = query.where(col(LedgerDocument.ledger_id).in_([row["ledger_id"] for row in some]))
        known |= {(kind, ledger_id): ident or 0 for kind, ledger_id, ident in session.exec(query)}
    new = [{"book_id": book_id, **row} for row in rows if (row["kind"], row["ledger_id"]) not in known]
    old = [{"id": known[key], **row} for row in rows if (key := (row["kind"], row["ledger_id"])) in known]
    if new:
        session.exec(insert(LedgerDocument), params=new)
    if old:
        session.exec(update(LedgerDocument), params=old)


def _row(looking: Looking, held: Held) -> dict[str, Any]:
    receipt, sign = held.receipt, -1 if held.kind in CREDITS else 1
    marks = [mark for mark in marks_in(receipt.note) if len(mark) <= LONGEST]
    rest = receipt.open.amount if receipt.open else receipt.total.amount * 0
    return {
        "kind": str(held.kind), "ledger_id": receipt.ledger_id, "number": receipt.number,
        "mark": marks[0] if marks else "", "party_id": receipt.party_id[:LONGEST], "party": held.party,
        "date": receipt.date or looking.look.first_day, "due_date": receipt.due_date,
        "currency": receipt.total.currency, "cents": _hundredths(receipt.total.amount) * sign,
        "tax_cents": _hundredths(receipt.tax.amount) * sign if receipt.tax else 0,
        "open_cents": _hundredths(rest) * sign, "voided": receipt.voided,
        "accounts": _accounts(looking.destination.picture(receipt.stored), sign), "seen_at": utcnow(),
    }  # fmt: skip


def _accounts(picture: Picture, sign: int) -> dict[str, int]:
    """By the ledger's account id; a line that names none stands under its item, as ``item:16``."""
    found: dict[str, int] = {}
    for line in picture.lines:
        key = line.account.ledger_id or (f"item:{line.item.ledger_id}" if line.item else "")
        found[key] = found.get(key, 0) + _hundredths(line.amount) * sign
    return found


def _hundredths(amount: Any) -> int:
    return int(cents(amount) * 100)


# ── what has drifted ─────────────────────────────────────────────────────────────────────────────────────────────


def _compared(
    looking: Looking, documents: Sequence[Held], gone: Sequence[tuple[DocumentKind, str]]
) -> tuple[list[int], list[Found]]:
    """Which postings these documents are, and which of them are not as they were posted."""
    held = {(str(one.kind), one.receipt.ledger_id): one for one in documents}
    missing = {(str(kind), ledger_id) for kind, ledger_id in gone}
    with looking.database.reading() as session:
        postings = _postings(session, looking.look.book_id, [*held, *missing])
    looked, found = [], []
    for key, posting in postings:
        if key in missing:
            one: Found | None = Found(posting.id or 0, What.DELETED)
        elif _is_older(posting, held[key].receipt):
            continue  # it was posted or changed by us while this was under way
        else:
            one = compare(looking, posting, held[key].receipt)
        looked.append(posting.id or 0)
        if one is not None:
            found.append(one)
    return looked, found


def _postings(
    session: Session, book_id: int, keys: Sequence[tuple[str, str]]
) -> list[tuple[tuple[str, str], Posting]]:  # fmt: skip
    wanted = set(keys)
    found = []
    for some in _chunks([ledger_id for _, ledger_id in keys]):
        query = select(Posting).where(Posting.book_id == book_id, col(Posting.ledger_id).in_(some))
        query = query.where(col(Posting.state).in_(STANDING)).options(*posting_rows.RECEIPT)
        found += [((row.kind, row.ledger_id), row) for row in session.exec(query)]
    return [(key, posting) for key, posting in found if key in wanted]


def _is_older(posting: Posting, now: Receipt) -> bool:
    before = str((posting.receipt or {}).get("version") or "")
    return before.isdecimal() and now.version.isdecimal() and int(now.version) < int(before)


def compare(looking: Looking, posting: Posting, now: Receipt) -> Found | None:
    """One document; None where it is as it was, whatever was paid of it."""
    ident = posting.id or 0
    if now.voided:
        return Found(ident, What.VOIDED, receipt=now)
    if not posting.receipt:
        return None  # retention has taken it: there is nothing to compare with but the amount, which tie-out does
    if posting.receipt.get("version") == now.version and not posting.receipt.get("voided"):
        return None
    before = from_json(Receipt, posting.receipt)
    picture = looking.destination.picture
    found = domain.changes(before, now, picture(before.stored), picture(now.stored))
    return Found(ident, What.EDITED, found, now) if found else None


# ── ours, one by one ─────────────────────────────────────────────────────────────────────────────────────────────


def ours(looking: Looking) -> bool:
    """A call's worth of our documents that no list has shown, asked for by id; True after the last."""
    place, after = int(looking.look.cursor.get("kind", 0)), int(looking.look.cursor.get("after", 0))
    if place == len(KINDS):
        return True
    kind = KINDS[place]
    wanted = _unseen(looking, kind, after)
    if not wanted:
        with looking.writing(cursor={"kind": place + 1}):
            return False
    held = looking.destination.documents_by_id(kind, [posting.ledger_id for posting in wanted])
    there = {one.receipt.ledger_id for one in held}
    missing = [posting for posting in wanted if posting.ledger_id not in there]
    calls, gone = 1, []
    for posting in missing:
        if posting.posted_at and looking.started - posting.posted_at < LAG:
            calls += 1
            if (receipt := looking.destination.read(kind, posting.ledger_id)) is not None:
                held.append(Held(kind, receipt))
                continue
        gone.append((kind, posting.ledger_id))
    _absorb(looking, held, gone, calls=calls, cursor={"kind": place, "after": wanted[-1].id})
    return False


def _unseen(looking: Looking, kind: DocumentKind, after: int) -> list[Posting]:
    """Of what changes tell of, none is left; of receivables that were read whole, only what was not among them."""
    look = looking.look
    if not look.whole and looking.destination.can_follow(kind):
        return []
    query = select(Posting).where(Posting.book_id == look.book_id, Posting.kind == str(kind), Posting.ledger_id != "")
    query = query.where(col(Posting.state).in_(STANDING), col(Posting.id) > after, Posting.date >= look.first_day)
    query = query.where(col(Posting.posted_at) < looking.started)
    if kind in SALES:
        seen = exists().where(
            col(LedgerDocument.book_id) == look.book_id, col(LedgerDocument.kind) == str(kind),
            col(LedgerDocument.ledger_id) == Posting.ledger_id, col(LedgerDocument.seen_at) >= looking.started,
        )  # fmt: skip
        query = query.where(~seen)
    with looking.database.reading() as session:
        query = query.order_by(col(Posting.id)).limit(looking.destination.ids_a_call)
        return list(session.exec(query.options(*posting_rows.BARE)))


# ── what nobody has shown ────────────────────────────────────────────────────────────────────────────────────────


def strangers(looking: Looking) -> bool:
    """Receivables that were there and that no page has shown: asked for by id before they count as gone."""
    if not looking.look.whole:
        return True
    with looking.database.reading() as session:
        query = select(LedgerDocument.kind, LedgerDocument.ledger_id)
        query = query.where(LedgerDocument.book_id == looking.look.book_id, col(LedgerDocument.kind).not_in(LOOSE))
        query = query.where(col(LedgerDocument.seen_at) < looking.started).order_by(col(LedgerDocument.id))
        rows = list(session.exec(query.limit(looking.destination.ids_a_call)))
    if not rows:
        return True
    kind = DocumentKind(rows[0][0])
    ids = [ledger_id for own, ledger_id in rows if own == kind]
    held = looking.destination.documents_by_id(kind, ids)
    there = {one.receipt.ledger_id for one in held}
    _absorb(looking, held, [(kind, ident) for ident in ids if ident not in there], calls=1, cursor={})
    return False


def payments(looking: Looking) -> bool:
    """Money that pays nothing yet, and journal entries on receivables, in place of those of before."""
    book_id = looking.look.book_id
    found = looking.destination.loose(looking.look.first_day)
    with looking.database.reading() as session:
        drawn = _drawn(session, book_id, [one.ledger_id for one in found if one.kind == JOURNAL])
    rows = [_loose(book_id, one, drawn.get(one.ledger_id, 0)) for one in found]
    with looking.writing(calls=2) as session:
        mine = (col(LedgerDocument.book_id) == book_id, col(LedgerDocument.kind).in_(LOOSE))
        session.exec(delete(LedgerDocument).where(*mine))
        if rows:
            session.exec(insert(LedgerDocument), params=rows)
    return True


def _drawn(session: Session, book_id: int, entries: Sequence[str]) -> dict[str, int]:
    """Journal entry → how much of it payments have applied, in hundredths, as far as the payment sync has read."""
    found: dict[str, int] = {}
    for some in _chunks(entries):
        naming = select(AppliedLine.payment_id).where(AppliedLine.book_id == book_id)
        naming = naming.where(col(AppliedLine.ledger_id).in_(some))
        query = select(LedgerPaymentRow.lines).where(col(LedgerPaymentRow.id).in_(naming))
        for lines in session.exec(query.where(col(LedgerPaymentRow.gone).is_(False))):
            for line in lines:
                if line["ledger_id"] in some:
                    found[line["ledger_id"]] = found.get(line["ledger_id"], 0) + _hundredths(Decimal(line["amount"]))
    return found


def _loose(book_id: int, one: Loose, drawn: int) -> dict[str, Any]:
    amount = _hundredths(one.amount)
    rest = max(abs(amount) - abs(drawn), 0)
    accounts = {key: _hundredths(part) for key, part in one.accounts.items()} if one.accounts else None
    return {
        "book_id": book_id, "kind": one.kind, "ledger_id": one.ledger_id, "number": one.number, "mark": "",
        "party_id": one.party_id[:LONGEST], "party": one.party, "date": one.date, "due_date": None,
        "currency": one.currency, "cents": amount if one.kind == JOURNAL else 0, "tax_cents": 0,
        "open_cents": rest if amount > 0 else -rest, "voided": False, "accounts": accounts, "seen_at": utcnow(),
    }  # fmt: skip


def _chunks(values: Sequence[Any]) -> Iterable[Sequence[Any]]:
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]


Step = Callable[[Looking], bool]
STAGES = ("books", "ours", "strangers", "payments")
STEPS: Mapping[str, Step] = {
    "books": receivables, "ours": ours, "strangers": strangers, "payments": payments,
}  # fmt: skip
