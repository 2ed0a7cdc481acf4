"""Receipts: the ledger holds the document; what it holds is compared with what we meant."""

from __future__ import annotations

from sqlmodel import Session

from app.domain.codec import to_json
from app.domain.documents import Document
from app.domain.money import cents
from app.domain.outcomes import Receipt
from app.domain.problems import Problem, Severity
from app.domain.states import IN_BOOKS, PostingState, SectionKey
from app.models.columns import utcnow
from app.models.postings import Posting
from app.services.posting import posting_problems
from app.services.posting.run import Run


def post(session: Session, run: Run, posting: Posting, document: Document, receipt: Receipt) -> None:
    """Record that it is in the books, whatever state the posting was in; differences become problems beside it."""
    if posting.ledger_id and posting.ledger_id != receipt.ledger_id:
        _second(session, run, posting, receipt)
        return
    posting.ledger_id, posting.ledger_number = receipt.ledger_id, receipt.number
    posting.ledger_cents = booked_cents(document, receipt)
    posting.receipt = to_json(receipt)
    posting.posted_at = posting.posted_at or utcnow()
    posting.needs_person = False
    if posting.state not in IN_BOOKS:
        posting.state = booked_state(posting)
    session.add(posting)
    for problem, blocks in differences(document, receipt):
        posting_problems.add(session, posting, SectionKey.DOCUMENTS, problem, blocks_close=blocks)
    run.log(session, f"{posting.number} is in the books as {receipt.number or receipt.ledger_id}.", posting,
            ledger_id=receipt.ledger_id)  # fmt: skip


def booked_state(posting: Posting) -> PostingState:
    """Posted; or closed at once, where it was posted again by a rerun and its PSA batch still stands."""
    return PostingState.CLOSED if posting.closing == "done" else PostingState.POSTED


def booked_cents(document: Document, receipt: Receipt) -> int:
    """What the books hold in hundredths, with the sign of the batch's totals.

    Where a ledger has another total for the same thing (a journal entry's debits), an equal one counts as the PSA's.
    """
    held = cents(receipt.total.amount)
    if held == cents(document.ledger_total.amount):
        return int(cents(document.signed_total.amount) * 100)
    return int(held * 100) * (-1 if document.is_credit else 1)


def adopt(session: Session, run: Run, posting: Posting, document: Document, receipt: Receipt) -> None:
    """Found in the books with our mark before anything was sent: a restored database, or another program's work."""
    post(session, run, posting, document, receipt)
    posting_problems.add(session, posting, SectionKey.CHECK, found(receipt))


def found(receipt: Receipt) -> Problem:
    """The books hold the document already, and it is ours."""
    return Problem(
        "found_in_books",
        f"It was already in QuickBooks as {receipt.number or receipt.ledger_id}, with our mark; nothing was sent.",
        "Nothing to do; this copy of Crossfoot did not know of it.",
        Severity.WARNING,
    )


def _second(session: Session, run: Run, posting: Posting, receipt: Receipt) -> None:
    problem = Problem(
        "several_in_books",
        f"QuickBooks holds it twice: {posting.ledger_number or posting.ledger_id} and "
        f"{receipt.number or receipt.ledger_id}.",
        "Delete or void one of them in QuickBooks.",
        technical={"candidates": [posting.receipt, to_json(receipt)]},
    )
    posting_problems.add(session, posting, SectionKey.DOCUMENTS, problem, blocks_close=True)
    run.log(session, f"{posting.number} is in the books twice.", posting, ledger_id=receipt.ledger_id)


def differences(document: Document, receipt: Receipt) -> list[tuple[Problem, bool]]:
    """Where the ledger's document is not what we sent, and whether that holds the closing until a person chooses."""
    differ: list[tuple[Problem, bool]] = []
    if cents(receipt.total.amount) != cents(document.ledger_total.amount):
        differ.append((_total_differs(document, receipt), True))
    elif receipt.tax is not None and cents(receipt.tax.amount) != cents(document.tax.amount):
        differ.append((_tax_differs(document, receipt), True))
    if (home := _home_total_differs(document, receipt)) is not None:
        differ.append((home, False))
    if document.due_date and receipt.due_date and document.due_date != receipt.due_date:
        differ.append(
            (
                Problem(
                    "due_date_differs",
                    f"QuickBooks’ due date is {receipt.due_date:%m/%d/%Y}, ConnectWise’s {document.due_date:%m/%d/%Y}.",
                    "Align the terms in both systems.",
                    Severity.WARNING,
                    "due_date",
                ),
                False,
            )
        )
    return differ


def _total_differs(document: Document, receipt: Receipt) -> Problem:
    tax = ""
    if receipt.tax is not None and cents(receipt.tax.amount) != cents(document.tax.amount):
        tax = f" QuickBooks computed tax {receipt.tax.amount:,.2f}, the PSA says {document.tax.amount:,.2f}."
    return Problem(
        "total_differs",
        f"QuickBooks holds {receipt.total.amount:,.2f}, the PSA says {document.total.amount:,.2f}.{tax}",
        "Keep and close if that is right, or correct the document in QuickBooks and retry.",
        field="total",
    )


def _home_total_differs(document: Document, receipt: Receipt) -> Problem | None:
    """What a document in another currency is worth at home: the total at the rate that was sent."""
    if document.rate is None or receipt.home_total is None:
        return None
    ours = cents(document.total.amount * document.rate)
    if ours == cents(receipt.home_total):
        return None
    return Problem(
        "home_total_differs",
        f"QuickBooks books it with {receipt.home_total:,.2f} in its own currency; at the rate sent it is {ours:,.2f}.",
        "Look at the document’s exchange rate in QuickBooks.",
        Severity.WARNING,
        "rate",
    )


def _tax_differs(document: Document, receipt: Receipt) -> Problem:
    tax = receipt.tax.amount if receipt.tax else 0
    return Problem(
        "tax_differs",
        f"QuickBooks computed tax {tax:,.2f}, the PSA says {document.tax.amount:,.2f}; the totals agree.",
        "Keep and close if that is right, or correct the document in QuickBooks and retry.",
        field="tax",
    )
