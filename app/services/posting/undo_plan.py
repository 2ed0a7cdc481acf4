"""What an undo would do to each document, and what stands against it: asked by the undo itself, and shown before it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from app.connectors.ledger_changes import Changing
from app.connectors.protocols import Destination, PsaBatch, Source
from app.database import Database
from app.domain import drift
from app.domain.codec import from_json
from app.domain.documents import CREDITS, DocumentKind
from app.domain.drift import Change
from app.domain.links import Rules
from app.domain.outcomes import CannotTell, Finding, Found, Receipt, Several
from app.domain.problems import Problem
from app.domain.states import PostingState, Role
from app.models.batches import Batch
from app.models.connections import Book
from app.models.postings import Posting
from app.services.connections import books
from app.services.posting import ledger_looks, receipts
from app.services.posting.ledger_looks import Look
from app.services.posting.reading import document_of

#: What may be undone, and the step with which it begins.
FIRST_STEP = {PostingState.POSTED: "ledger", PostingState.CLOSED: "ledger", PostingState.CLEARED: "psa"}


@dataclass(frozen=True, slots=True)
class Item:
    """One document of a batch before its undo.

    Attributes:
        way: ``void``, ``delete``; ``gone`` where the books no longer have it, ``psa`` where it was never sent.
        only_delete: the company's setting says void, and this kind can only be deleted.
        refusal: why it would stay as it is; None where nothing is known to stand against it.
        linked: somebody else made it, by hand or with another program, and a person linked it.
    """

    posting: Posting
    record: str
    way: str
    only_delete: bool = False
    refusal: Problem | None = None
    linked: bool = False


class WithPosting(Protocol):
    """What is about a posting."""

    @property
    def posting(self) -> Posting: ...


def plan(database: Database, source: Source, destination: Destination, batch_id: int) -> list[Item]:
    """Look at every document that could be undone, as both systems hold it now. Raises ConnectionFailedError."""
    with database.reading() as session:
        batch = session.get_one(Batch, batch_id)
        rules = books.rules_of(session.get_one(Book, batch.book_id))
        looks = ledger_looks.postings(session, batch, list(FIRST_STEP))
    sent = [look for look in looks if look.posting.ledger_id]
    findings = dict(zip([look.posting.id for look in sent], ledger_looks.find(destination, sent), strict=True))
    found = source.find_batches([look.posting.psa_batch for look in looks if look.posting.closing == "done"])
    billed = {look.posting.beside for look in looks if look.posting.role == Role.BILL}
    return together(
        [
            _item(
                look,
                findings.get(look.posting.id),
                found.get(look.posting.psa_batch),
                destination,
                rules,
                billed=look.posting.id in billed,
            )
            for look in looks
        ]
    )


def together(items: Sequence[Item]) -> list[Item]:
    """What is refused for one keeps the other: an invoice that stays keeps its entry, and the other way."""
    found = {item.posting.id: item for item in items}
    for item in items:
        main = found.get(item.posting.beside)
        if main is None:
            continue
        if item.refusal and not main.refusal:
            found[main.posting.id] = replace(main, refusal=_of(item, item.refusal))
        elif main.refusal and not item.refusal and item.posting.role == Role.COGS:
            found[item.posting.id] = replace(item, refusal=_of(main, main.refusal))
    return [found[item.posting.id] for item in items]


def _of(item: Item, refusal: Problem) -> Problem:
    return no(f"{item.posting.number} beside it: {reason(refusal)}", refusal.remedy)


def _item(
    look: Look,
    finding: Finding | None,
    psa_batch: PsaBatch | None,
    destination: Destination,
    rules: Rules,
    *,
    billed: bool = False,
) -> Item:
    posting, record = look.posting, look.mark.record
    against = psa_refusal(posting, psa_batch)

    def stays(message: str, remedy: str) -> Item:
        return Item(posting, record, "delete", refusal=no(message, remedy))

    match finding:
        case None:
            return Item(posting, record, "psa", refusal=against)
        case Found(receipt):
            chosen = way(destination, rules, DocumentKind(posting.kind))
            only = chosen == "delete" and rules["sales.undo"] == "void"
            if posting.kind == DocumentKind.PURCHASE_ORDER and billed:
                return Item(posting, record, chosen, only, against)  # its bill goes first
            refusal = ledger_refusal(posting, receipt, rules, destination) or against
            return Item(posting, record, chosen, only, refusal, ledger_looks.is_linked(receipt))
        case Several():
            return stays("QuickBooks holds it more than once.", "Look at its problem.")
        case CannotTell(why):
            return stays(f"QuickBooks could not be asked: {why}.", "Try again later.")
        case _:
            return Item(posting, record, "gone", refusal=against)


def way(destination: Destination, rules: Rules, kind: DocumentKind) -> str:
    """``void`` where the company wants it and the ledger can do it for the kind, else ``delete``."""
    can = isinstance(destination, Changing) and kind in destination.voidable
    return "void" if can and rules["sales.undo"] == "void" else "delete"


def ledger_refusal(posting: Posting, receipt: Receipt, rules: Rules, destination: Destination) -> Problem | None:
    """What stands against taking the document out, as the ledger shows it now."""
    if receipt.open is not None and receipt.open.amount != receipt.total.amount:
        if posting.kind == DocumentKind.PURCHASE_ORDER:
            return no("It is billed or closed in QuickBooks.", "Delete its bill in QuickBooks, then undo again.")
        done = "credited" if posting.kind in CREDITS else "paid"
        return no(
            f"{receipt.total.amount - receipt.open.amount:,.2f} of it is {done} in QuickBooks.",
            "Unapply the payment in QuickBooks, then undo again.",
        )
    if receipts.booked_cents(document_of(posting), receipt) != posting.ledger_cents:
        return no(
            f"It was edited in QuickBooks: {receipt.total.amount:,.2f} instead of {abs(posting.total):,.2f}.",
            "Put it back as it was, or delete it in QuickBooks, then undo again.",
        )
    if changed := _edited(posting, receipt, destination):
        more = f", and {len(changed) - 1} more" if len(changed) > 1 else ""
        return no(
            f"It was edited in QuickBooks: {changed[0].field} “{changed[0].before}” is “{changed[0].now}” now{more}.",
            "Keep that under Reconcile ▸ Drift, put it back as it was, or delete it in QuickBooks; then undo again.",
        )
    if rules.close_date and receipt.date and receipt.date <= dt.date.fromisoformat(rules.close_date):
        return no(
            f"It is dated {receipt.date:%m/%d/%Y}; QuickBooks’ books are closed to {rules.close_date}.",
            "Ask the accountant to move the closing date.",
        )
    return None


def _edited(posting: Posting, receipt: Receipt, destination: Destination) -> list[Change]:
    """What somebody changed since it was posted, or kept, and would be lost.

    Not notes in the memo, nor the account of an item, which is the item's.
    """
    if not posting.receipt or posting.receipt.get("version") == receipt.version:
        return []
    before = from_json(Receipt, posting.receipt)
    was, shows = destination.picture(before.stored), destination.picture(receipt.stored)
    passed = {"memo", *(f"line {place} account" for place, line in enumerate(was.lines, 1) if line.item)}
    return [change for change in drift.changes(before, receipt, was, shows) if change.field not in passed]


def psa_refusal(posting: Posting, found: PsaBatch | None) -> Problem | None:
    """A closed PSA batch can't be deleted: known before the ledger's document is gone."""
    if posting.closing != "done" or found is None or not found.closed:
        return None
    return no(
        f"ConnectWise’s batch {posting.psa_batch} is closed.",
        "Have it reopened in ConnectWise, then undo again.",
    )


def no(message: str, remedy: str) -> Problem:
    """An undo that is refused."""
    return Problem("undo_refused", f"It was not undone: {message}", remedy)


def reason(refusal: Problem) -> str:
    """Why, of something that has not been tried yet."""
    return refusal.message.removeprefix("It was not undone: ")


def sums(items: Sequence[WithPosting]) -> dict[str, int]:
    """Currency → hundredths."""
    found: dict[str, int] = {}
    for item in items:
        if item.posting.role != Role.MAIN:  # no part of its batch's totals
            continue
        found[item.posting.currency] = found.get(item.posting.currency, 0) + item.posting.cents
    return found
