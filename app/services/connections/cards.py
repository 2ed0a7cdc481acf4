"""Health cards: how every connection stands, from what is stored; no vendor is asked."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from enum import StrEnum

from sqlmodel import Session, col, select

from app.connectors.tokens import Tokens
from app.domain import book_settings, codec
from app.domain.problems import Problem, Severity
from app.models.columns import utcnow
from app.models.connections import Book, SourceRow
from app.services.connections.books import list_books, rules_of
from app.services.people import access

#: From so few days before a consent ends on, its card says so.
ENDING = dt.timedelta(days=10)
DISCONNECTED = "It is disconnected."


class CardState(StrEnum):
    """CONNECTED: nothing to do. DEGRADED: works, or may work again by itself. BROKEN: a person must act."""

    CONNECTED = "connected"
    DEGRADED = "degraded"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Card:
    """One connection.

    Attributes:
        side: ``source`` or ``book``; with ``id`` it names the row.
        account: the PSA's company id, or the ledger's realm.
        environment: ``production`` or ``sandbox``; empty for a PSA.
        reason: why it is broken or disconnected, one sentence; else empty.
        tokens_until: when the consent ends unless it is used before; None for a PSA.
        facts: what the connection told of itself, e.g. its version or plan.
    """

    side: str
    id: int
    name: str
    kind: str
    state: CardState
    account: str
    address: str
    environment: str
    connected: bool
    is_default: bool
    reason: str
    last_call_at: dt.datetime | None
    checked_at: dt.datetime | None
    tokens_until: dt.datetime | None
    findings: tuple[Problem, ...] = ()
    facts: dict[str, str] = field(default_factory=dict)


def cards(session: Session, now: dt.datetime | None = None) -> list[Card]:
    """One card per PSA, then one per QuickBooks company, the default one first."""
    sources = session.exec(select(SourceRow).where(access.sources_seen()).order_by(col(SourceRow.id)))
    return [
        *(source_card(row) for row in sources),
        *(book_card(book, now or utcnow()) for book in list_books(session)),
    ]


def source_card(row: SourceRow) -> Card:
    """The card of a PSA."""
    findings = stored_findings(row)
    return Card(
        side="source", id=row.id or 0, name=row.name, kind=row.kind, state=_state(row.broken, findings),
        account=str(row.settings.get("company_id", "")), address=str(row.settings.get("site", "")), environment="",
        connected=not row.broken, is_default=False, reason=row.broken, last_call_at=row.last_call_at,
        checked_at=row.checked_at, tokens_until=None, findings=findings, facts=row.facts,
    )  # fmt: skip


def book_card(book: Book, now: dt.datetime) -> Card:
    """The card of a QuickBooks company; the end of its consent is a finding when it is near."""
    until = codec.from_json(Tokens, book.tokens).refresh_until if book.tokens else None
    findings = (*stored_findings(book), *_ending(until, now))
    reason = book.broken or ("" if book.connected else DISCONNECTED)
    return Card(
        side="book", id=book.id or 0, name=book.name, kind=book.kind, state=_state(reason, findings),
        account=book.ledger_id, address="", environment=book.environment, connected=book.connected and not book.broken,
        is_default=book.is_default, reason=reason, last_call_at=book.last_call_at, checked_at=book.checked_at,
        tokens_until=until, findings=findings, facts={**book.facts, **_locale(book)},
    )  # fmt: skip


def _locale(book: Book) -> dict[str, str]:
    """What decides how tax and money are booked there, in words."""
    modes = dict(book_settings.SETTINGS["taxes.mode"].choices)
    mode = rules_of(book).tax_mode
    return {"country": book.country, "currency": book.currency, "tax": modes.get(mode, mode)}


def stored_findings(row: SourceRow | Book) -> tuple[Problem, ...]:
    """What the last check found."""
    return tuple(codec.from_json(Problem, finding) for finding in row.findings)


def _ending(until: dt.datetime | None, now: dt.datetime) -> tuple[Problem, ...]:
    if until is None or until - now > ENDING:
        return ()
    days = max((until - now).days, 0)
    message = f"QuickBooks’ consent ends in {days} days." if days else "QuickBooks’ consent has ended or ends today."
    return (Problem("consent_ends", message, "Connect the company again.", Severity.WARNING),)


def _state(broken: str, findings: tuple[Problem, ...]) -> CardState:
    if broken:
        return CardState.BROKEN
    hurts = any(finding.severity is not Severity.INFO for finding in findings)
    return CardState.DEGRADED if hurts else CardState.CONNECTED
