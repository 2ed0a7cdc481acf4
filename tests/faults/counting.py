"""Counts in the stand-ins' own state, record by record, and compares that with what the engine believes of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import requests
from sqlmodel import col, select

from app.models.batches import Batch
from app.models.postings import Posting, PostingProblem
from tests.engine import Engine

#: Nothing more is to be done, and nobody need be told.
AT_REST = ("closed", "undone", "cleared", "skipped")


def wrongs(engine: Engine, realms: Sequence[str] = ()) -> list[str]:
    """What is not as it must be: every document once in the books, every posted one closed by our own batch, nothing
    stuck without a Problem.

    With ``realms`` it counts in several companies: a record may be in one of them only.
    """
    books = _documents(engine, realms)
    invoices = {row["number"]: row for row in _ask(engine.both.connectwise.url, "_invoices")}
    wrong = [_wrong(number, found, books, invoices) for number, found in _newest(engine).items()]
    return [*filter(None, wrong), *_unknown(engine, books)]


def _ask(url: str, path: str, **query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = requests.get(f"{url}/{path}", params=query, timeout=30).json()
    return found


def _documents(engine: Engine, realms: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """By number: what the books hold and nobody voided or deleted, whoever made it."""
    company = engine.both.quickbooks_online
    found: dict[str, list[dict[str, Any]]] = {}
    for realm in realms or [company.company.realm]:
        for document in _ask(company.url, "_documents", realm=realm):
            if document["status"] == "Normal":
                found.setdefault(document["DocNumber"] or "", []).append(document)
    return found


def _newest(engine: Engine) -> dict[str, tuple[Posting, list[str], bool]]:
    """By number: the posting that speaks for it, its open problems, and whether its batch is over."""
    with engine.database.reading() as session:
        rows = session.exec(
            select(Posting, Batch).join(Batch, col(Batch.id) == Posting.batch_id).order_by(col(Posting.id))
        )
        found = {posting.number: (posting, batch) for posting, batch in rows}
        problems: dict[int, list[str]] = {}
        for problem in session.exec(select(PostingProblem)):
            problems.setdefault(problem.posting_id, []).extend(
                [problem.code] * (problem.severity in ("error", "doubt"))
            )
        return {
            number: (
                posting,
                problems.get(posting.id or 0, []),
                batch.ended_at is not None or batch.failure is not None,
            )
            for number, (posting, batch) in found.items()
        }


def _wrong(
    number: str,
    found: tuple[Posting, list[str], bool],
    books: dict[str, list[dict[str, Any]]],
    invoices: dict[str, dict[str, Any]],
) -> str:
    """What is wrong with one record; empty where all is well."""
    posting, problems, over = found
    live, invoice = books.get(number, []), invoices[number]
    ours = (invoice["batch"] or "").startswith("CF-")
    seen = f"{number} is {posting.state}, {problems}, books {len(live)}, PSA {invoice['state']} by {invoice['batch']}"
    if len(live) > 1 and "several_in_books" not in problems:
        return f"doubled: {seen}"
    if problems:
        return ""
    if posting.state not in AT_REST:
        return f"stuck without a problem: {seen}" if over else f"not at its end: {seen}"
    if posting.state == "closed" and not (len(live) == 1 and ours and f"{live[0]['TotalAmt']:.2f}" == invoice["total"]):
        return f"said to be closed: {seen}"
    if posting.state == "undone" and (live or invoice["state"] == "posted"):
        return f"said to be undone: {seen}"
    return ""


def _unknown(engine: Engine, books: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Documents and PSA batches with our mark of which the engine knows nothing."""
    with engine.database.reading() as session:
        known = set(
            session.exec(select(Posting.ledger_id).where(col(Posting.state).in_(("posted", "closed", "undoing"))))
        )
        batches = set(session.exec(select(Posting.psa_batch).where(Posting.closing == "done")))
    ours = [d for documents in books.values() for d in documents if "CF-" in (d["PrivateNote"] or "")]
    theirs = _ask(engine.both.connectwise.url, "_batches")
    return [f"in the books, and unknown: {d['PrivateNote']}" for d in ours if d["Id"] not in known] + [
        f"in the PSA, and unknown: {batch['identifier']}"
        for batch in theirs
        if batch["identifier"].startswith("CF-") and batch["identifier"] not in batches
    ]
