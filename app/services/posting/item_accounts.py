"""Accounts of items that are set in the ledger.

What a document needs and its item lacks is added; what differs from the PSA's is changed where the Book wants it so.
Each is an intent of mapping/entry_changes.py, with the account before and after; the documents go when it is done. An
item that was changed the other way before, or is wanted for two accounts, is left alone: a person is told.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from app.domain.item_accounts import WORDS, ItemChange, for_two_accounts
from app.domain.links import Entry, LinkKind
from app.domain.problems import Problem
from app.models.workbench import EntryChange
from app.services.mapping import entry_changes, lists, wants
from app.services.people import audit
from app.services.posting.posting_problems import from_json
from app.services.posting.run import Run

#: So long a run waits for its items; then it is given back and comes again.
PATIENCE, COME_BACK = 20.0, 15.0


def against(session: Session, run: Run, updates: Sequence[ItemChange]) -> list[Problem]:
    """What stands against changing some items: another account is wanted already, or it was just this one before."""
    found = []
    for change in updates:
        ours = [row for row in _of(session, run.book_id, change.item) if change.field in row.new]
        other = any(
            row.new[change.field] != change.account.ledger_id
            if row.state not in entry_changes.ENDED
            else row.state == "done" and row.old.get(change.field) == change.account.ledger_id
            for row in ours
        )
        if other:
            found.append(for_two_accounts(change.item.name, "another account", change.account.name))
    return found


def coming(session: Session, run: Run) -> dict[tuple[str, str], Entry]:
    """Accounts that are on their way to items that have none: (ledger id, field) → the account."""
    query = select(EntryChange).where(EntryChange.book_id == run.book_id, EntryChange.kind == LinkKind.ITEMS)
    rows = session.exec(query.where(col(EntryChange.state).not_in(entry_changes.ENDED))).all()
    wanted = {(row.ledger_id, field): str(ident) for row in rows for field, ident in row.new.items()
              if field in WORDS and not row.old.get(field)}  # fmt: skip
    found = {key: lists.entry(session, run.book_id, LinkKind.ACCOUNTS, ident) for key, ident in wanted.items()}
    return {key: entry for key, entry in found.items() if entry}


def added(updates: Sequence[ItemChange]) -> dict[tuple[str, str], Entry]:
    """What documents that are looked at later find on its way."""
    return {(change.item.ledger_id, change.field): change.account for change in updates if not change.before}


def want(session: Session, run: Run, updates: Sequence[ItemChange]) -> None:
    """The intent to change each item, once. The caller commits."""
    for change in updates:
        item, account = change.item, change.account
        rows = _of(session, run.book_id, item)
        if any(row.state not in entry_changes.ENDED for row in rows):
            continue
        old, new = {change.field: change.before}, {change.field: account.ledger_id}
        row = EntryChange(
            book_id=run.book_id, kind=LinkKind.ITEMS, ledger_id=item.ledger_id, name=item.name, state="wanted",
            old=old, new=new, by=run.by,
        )  # fmt: skip
        try:
            with session.begin_nested():
                session.add(row)
        except IntegrityError:
            continue  # another batch was faster
        audit.record(session, run.by, "entry.update", f"{LinkKind.ITEMS}:{item.ledger_id}", book=run.book_id,
                     name=item.name, old=old, new=new)  # fmt: skip
        what = f"is to get the {WORDS[change.field]}" if not change.before else "is to book to"
        run.log(session, f"Item “{item.name}” {what} “{account.name}”.", ledger_id=item.ledger_id)


def change(run: Run) -> float | None:
    """Carry out what is wanted; answers when to come back where some are still open. Raises ConnectionFailedError."""
    end = time.monotonic() + PATIENCE
    while _open(run) and not run.stopping():
        entry_changes.carry_out(run.database, run.destination, run.book_id)
        if not _open(run):
            return None
        if time.monotonic() > end:
            return COME_BACK
        time.sleep(0.1)
    return None


def not_done(run: Run, updates: Sequence[ItemChange]) -> list[Problem]:
    """What holds a document whose items still lack an account when it is about to be sent, with the ledger's reason."""
    found = []
    with run.database.reading() as session:
        for change in updates:
            rows = [row for row in _of(session, run.book_id, change.item) if change.field in row.new]
            last = rows[-1] if rows and rows[-1].state == "refused" and rows[-1].problem else None
            why = from_json(last.problem).message if last and last.problem else "it is being changed just now."
            found.append(wants.lacking(change, why=why))
    return found


def _of(session: Session, book_id: int, item: Entry) -> Sequence[EntryChange]:
    query = select(EntryChange).where(EntryChange.book_id == book_id, EntryChange.kind == LinkKind.ITEMS)
    return session.exec(query.where(EntryChange.ledger_id == item.ledger_id).order_by(col(EntryChange.id))).all()


def _open(run: Run) -> bool:
    with run.database.reading() as session:
        query = select(EntryChange.id).where(EntryChange.book_id == run.book_id, EntryChange.kind == LinkKind.ITEMS)
        return (
            session.exec(query.where(col(EntryChange.state).in_(("wanted", "sending", "in_doubt")))).first() is not None
        )
