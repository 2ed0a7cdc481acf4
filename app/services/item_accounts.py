"""Items whose account is changed in the ledger to the one that the PSA says, where the Book wants it so.

Each is an intent of services/entry_changes.py, with the account before and after; the documents go when it is done. An
item that was changed the other way before, or is wanted for two accounts, is left alone: a person is told.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from sqlmodel import Session, col, select

from app.domain.links import Entry, LinkKind
from app.domain.problems import Problem
from app.models.workbench import EntryChange
from app.services import audit, entry_changes, wants
from app.services.links import CurrentIndex
from app.services.run import Run

#: So long a run waits for its items; then it is given back and comes again.
PATIENCE, COME_BACK = 20.0, 15.0


def against(session: Session, run: Run, updates: Sequence[tuple[Entry, Entry]]) -> list[Problem]:
    """What stands against changing some items: another account is wanted already, or it was just this one before."""
    found = []
    for item, account in updates:
        query = select(EntryChange).where(EntryChange.book_id == run.book_id, EntryChange.ledger_id == item.ledger_id)
        rows = session.exec(query.where(EntryChange.kind == LinkKind.ITEMS).order_by(col(EntryChange.id))).all()
        ours = [row for row in rows if "account" in row.new]
        other = any(
            row.new["account"] != account.ledger_id
            if row.state not in entry_changes.ENDED
            else row.state == "done" and row.old.get("account") == account.ledger_id
            for row in ours
        )
        if other:
            found.append(wants.for_two_accounts(item.name, "another account", account.name))
    return found


def want(session: Session, run: Run, updates: Sequence[tuple[Entry, Entry]]) -> None:
    """The intent to change each item, once. The caller commits."""
    for item, account in updates:
        mine = select(EntryChange.id).where(
            EntryChange.book_id == run.book_id, EntryChange.kind == LinkKind.ITEMS,
            EntryChange.ledger_id == item.ledger_id, col(EntryChange.state).not_in(entry_changes.ENDED),
        )  # fmt: skip
        if session.exec(mine).first() is not None:
            continue
        old, new = {"account": item.account_id}, {"account": account.ledger_id}
        session.add(
            EntryChange(
                book_id=run.book_id, kind=LinkKind.ITEMS, ledger_id=item.ledger_id, name=item.name, state="wanted",
                old=old, new=new, by=run.by,
            )
        )  # fmt: skip
        session.flush()
        audit.record(session, run.by, "entry.update", f"{LinkKind.ITEMS}:{item.ledger_id}", book=run.book_id,
                     name=item.name, old=old, new=new)  # fmt: skip
        run.log(session, f"Item “{item.name}” is to earn to “{account.name}”.", ledger_id=item.ledger_id)


def change(run: Run) -> float | None:
    """Carry out what is wanted; answers when to come back where some are still open. Raises ConnectionFailedError."""
    if run.rules["sales.account_conflict"] != "update" or not _open(run):
        return None
    end = time.monotonic() + PATIENCE
    while _open(run) and not run.stopping():
        entry_changes.carry_out(run.database, run.destination, run.book_id)
        if time.monotonic() > end:
            return COME_BACK
        time.sleep(0.1)
    run.index = CurrentIndex()  # the list has changed in place
    return None


def _open(run: Run) -> bool:
    with run.database.reading() as session:
        query = select(EntryChange.id).where(EntryChange.book_id == run.book_id, EntryChange.kind == LinkKind.ITEMS)
        return (
            session.exec(query.where(col(EntryChange.state).in_(("wanted", "sending", "in_doubt")))).first() is not None
        )
