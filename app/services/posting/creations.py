"""Intents to create entries of the ledger's lists, made at Check: one row per (Book, kind, source id)."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from app.domain import own_currency
from app.domain.codec import from_json, to_json
from app.domain.links import Draft
from app.models.postings import Creation
from app.models.records import UnpostedRow
from app.services.posting.run import Run


def want(session: Session, run: Run, draft: Draft) -> None:
    """The intent to create an entry, once per (Book, kind, source id); one that was refused before is tried anew."""
    draft = _early_enough(session, run, draft)
    query = select(Creation).where(
        Creation.book_id == run.book_id, Creation.kind == draft.kind, Creation.source_id == draft.source_id
    )
    creation = session.exec(query).first()
    if creation is None:
        session.add(
            Creation(
                book_id=run.book_id, batch_id=run.batch_id, kind=draft.kind, source_id=draft.source_id,
                name=draft.name, draft=to_json(draft),
            )
        )  # fmt: skip
        session.flush()
    elif creation.state in ("refused", "done"):
        session.exec(
            update(Creation)
            .where(col(Creation.id) == creation.id)
            .values(
                state="wanted", batch_id=run.batch_id, generation=Creation.generation + 1, request_id="", problem=None,
                draft=to_json(replace(draft, chosen=draft_of(creation).chosen)), name=draft.name,
            )
        )  # fmt: skip
    elif _of_other_currency(creation, draft):
        want(session, run, own_currency.drafted(draft))
    elif creation.state == "wanted":
        creation.batch_id = run.batch_id
        creation.draft = to_json(_both(draft_of(creation), draft))
        session.add(creation)


def _of_other_currency(creation: Creation, draft: Draft) -> bool:
    """Another document of the customer is in another currency, and was first: for this one it gets one of its own."""
    first = draft_of(creation).currency
    return bool(first and draft.currency and first != draft.currency)


def _both(one: Draft, other: Draft) -> Draft:
    """What two documents know of an entry: one of stock must have begun by the older, and names three accounts."""
    return replace(
        one,
        since=min(one.since, other.since),
        account=one.account or other.account,
        cost_account=one.cost_account or other.cost_account,
        inventory_account=one.inventory_account or other.inventory_account,
    )


def _early_enough(session: Session, run: Run, draft: Draft) -> Draft:
    """Nothing may be dated before an inventory item's first day: it begins with the oldest record that still waits."""
    if not draft.since:
        return draft
    oldest = session.exec(select(func.min(UnpostedRow.date)).where(UnpostedRow.source_id == run.source_id)).one()
    return replace(draft, since=min(draft.since, oldest.isoformat())) if oldest else draft


def draft_of(creation: Creation) -> Draft:
    """The stored draft."""
    return from_json(Draft, creation.draft)
