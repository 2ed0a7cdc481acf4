"""What a person sends to whoever helps: plain text with states, problems and request ids. No secret is in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from app.domain.problems import Problem
from app.models.batches import Batch
from app.models.connections import Book
from app.models.postings import Posting
from app.services.batches import files
from app.services.records.timelines import Event

#: So many documents of one cause tell as much as all of them.
MOST = 50


def of_record(
    book: Book, record: str, posting: Posting | None, batch: Batch | None, problems: Sequence[Problem],
    events: Sequence[Event],
) -> str:  # fmt: skip
    """One record: where it stands in both systems, what is wrong with it, and all that happened to it."""
    lines = [f"Crossfoot: record {record}", *_company(book)]
    if batch:
        lines.append(f"Batch: {batch.id} {batch.name}, {batch.mode}, submitted {_moment(batch.submitted_at)}")
    lines += _posting(posting) if posting else ["State: not posted"]
    lines += ["", "Problems:", *(_problem(problem) for problem in problems)] if problems else []
    lines += ["", "Timeline (UTC):", *(_event(event) for event in events)] if events else []
    return "\n".join(lines) + "\n"


def of_problem(book: Book, problem: Problem, count: int, found: Sequence[tuple[Posting, Batch, str]]) -> str:
    """One cause, with the first of the documents that it stops: each with its batch and record."""
    documents = [
        f"- {posting.number}, record {record}, posting {posting.id} generation {posting.generation}, {posting.state},"
        f" {posting.total} {posting.currency}, batch {batch.id} {batch.name}"
        for posting, batch, record in found[:MOST]
    ]
    more = [f"- and {count - len(documents)} more"] if count > len(documents) else []
    head = ["Crossfoot: a problem", *_company(book), _problem(problem), "", f"Documents ({count}):"]
    return "\n".join([*head, *documents, *more]) + "\n"


def _company(book: Book) -> list[str]:
    return [f"Company: {book.name}, {book.kind} {book.ledger_id}, {book.environment}"]


def _posting(posting: Posting) -> list[str]:
    """State and identities; empty ones are left out."""
    facts = {
        "Posting": f"{posting.id}, {posting.kind} {posting.number}, generation {posting.generation}",
        "State": posting.state,
        "Total": f"{posting.total} {posting.currency}",
        "QuickBooks id": posting.ledger_id,
        "ConnectWise batch": " ".join(filter(None, [posting.psa_batch, posting.psa_batch_id, posting.closing])),
        "Proved": "yes" if posting.proved else "no",
    }
    return [f"{name}: {value}" for name, value in facts.items() if value]


def _problem(problem: Problem) -> str:
    technical = {name: value for name, value in problem.technical.items() if name != "candidates"}
    parts = [f"- {problem.severity} {problem.group}: {problem.message}", problem.remedy, _details(technical)]
    return " ".join(part for part in parts if part)


def _event(event: Event) -> str:
    parts = [_moment(event.at), event.by or "-", " ".join(event.text.split()), _details(event.detail)]
    return "  ".join(part for part in parts if part)


def _details(detail: Mapping[str, Any]) -> str:
    """``request_id 4f…, intuit_tid 1-65…``: what is empty is left out, and what might be secret."""
    return ", ".join(f"{name} {value}" for name, value in files.without_secrets(detail).items() if value)


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")
