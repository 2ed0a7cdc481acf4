"""Proposals: links from both whole lists, grouped by their reason, confirmed many at once and never unseen."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select

from app.domain.links import NOUNS, LinkKind
from app.domain.problems import NotFoundError, ValidationError
from app.models.columns import utcnow
from app.models.connections import Book, Link
from app.services.mapping import links, workbench
from app.services.mapping.suggestions import EXACT, Reason, Suggestion
from app.services.mapping.workbench import Line, Remembered
from app.services.people import audit

#: Of these, several of the PSA may well mean one of the ledger.
MANY_TO_ONE = (
    LinkKind.ACCOUNTS, LinkKind.TAX_CODES, LinkKind.TERMS, LinkKind.CLASSES, LinkKind.LOCATIONS, LinkKind.ITEMS,
)  # fmt: skip
#: Comparisons of names that one look at a list may cost; of longer lists only what is the same is proposed.
EFFORT = 8_000_000
#: So alike that a person may take all of a list after looking through it; the rest is chosen one by one.
ALIKE = 85


@dataclass(frozen=True, slots=True)
class Proposal:
    """One PSA id without a link, and the entry that it most likely means."""

    line: Line
    best: Suggestion

    def to_json(self) -> dict[str, Any]:
        """``{"source_id", "source_name", "ledger_id", "ledger_name", "score", "reasons"}``."""
        source, entry = self.line.source, self.best.entry
        return {"source_id": source.ident, "source_name": source.name, "ledger_id": entry.ledger_id,
                "ledger_name": entry.name, "score": self.best.score, "reasons": list(self.best.reasons)}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Group:
    """Proposals with one reason. ``seen`` names just these: what differs by then is not accepted.

    ``exact``: one on either side, for the same reason. Where two of the PSA would get one entry, it is ``shared``, and
    a person says of each whether that is meant.
    """

    kind: LinkKind
    key: str
    proposals: tuple[Proposal, ...]
    exact: bool

    @property
    def seen(self) -> str:
        pairs = "\n".join(f"{p.line.source.ident}={p.best.entry.ledger_id}" for p in self.proposals)
        return hashlib.sha256(f"{self.kind}:{self.key}\n{pairs}".encode()).hexdigest()[:16]

    @property
    def bulk(self) -> bool:
        """Whether all of it may be confirmed at once."""
        return self.key in (*EXACT, Reason.SIMILAR)


SHARED, LOOSE = "shared", "loose"
#: What each group is called, in the order of the page.
TITLES = {
    Reason.NUMBER: "Same number",
    Reason.NAME: "Same name",
    Reason.SPELLING: "Same but for case and punctuation",
    Reason.EMAIL: "Same e-mail address",
    Reason.SIMILAR: "Very similar name",
    Reason.INACTIVE: "Same name, inactive in QuickBooks",
    SHARED: "Several for one QuickBooks entry",
    LOOSE: "A little alike",
}
_proposed = Remembered()


def groups(session: Session, book: Book, kind: LinkKind) -> list[Group]:
    """Everything of a kind that is not linked, by reason; the surest first. Nothing is linked by it."""
    place = (str(session.get_bind().engine.url), book.id, kind)
    return _proposed.get(place, workbench.state(session, book), lambda: _make(session, book, kind))


def group(session: Session, book: Book, kind: LinkKind, key: str) -> Group | None:
    """One of them; None where there is nothing of it (any more). Raises NotFoundError where none is ever called so."""
    if key not in TITLES:
        raise NotFoundError("There are no proposals of this name.", "Look at Mappings.")
    return next((found for found in groups(session, book, kind) if found.key == key), None)


def _make(session: Session, book: Book, kind: LinkKind) -> list[Group]:
    bench = workbench.bench(session, book, kind)
    found: dict[str, list[Proposal]] = {key: [] for key in TITLES}
    unlinked = bench.unlinked
    fuzzy = len(unlinked) * len(bench.entries) <= EFFORT
    best = [(line, bench.matcher.rank(line.source, 2, fuzzy=fuzzy)) for line in unlinked]
    taken = Counter(ranked[0].entry.ledger_id for _, ranked in best if ranked)
    taken.update(line.entry.ledger_id for line in bench.lines if line.entry)
    for line, ranked in best:
        if ranked:
            key = _key(kind, ranked, taken)
            found[key].append(Proposal(line, ranked[0]))
    return [Group(kind, key, tuple(own), key in EXACT) for key, own in found.items() if own]


def _key(kind: LinkKind, ranked: list[Suggestion], taken: Counter[str]) -> str:
    first = ranked[0]
    twins = len(ranked) > 1 and ranked[1].reason is first.reason and ranked[1].score == first.score
    if first.reason is Reason.SIMILAR and first.score < ALIKE:
        return LOOSE
    if twins or (taken[first.entry.ledger_id] > 1 and kind not in MANY_TO_ONE):
        return SHARED
    return first.reason


def nothing_alike(session: Session, book: Book, kind: LinkKind) -> int:
    """How many have nothing like them in the ledger."""
    unlinked = len(workbench.bench(session, book, kind).unlinked)
    return unlinked - sum(len(found.proposals) for found in groups(session, book, kind))


def accept(
    session: Session, book: Book, kind: LinkKind, key: str, seen: str, *, by: str, only: Collection[str] | None = None
) -> int:
    """Link what a person has seen of a group, or ``only`` some PSA ids of it, and commit; answers how many.

    Raises ValidationError where the group is not what was seen: nothing is written that nobody has looked at.
    """
    found = group(session, book, kind, key)
    if found is None or found.seen != seen:
        raise ValidationError(
            f"The proposals for {NOUNS[kind]}s have changed since you saw them; nothing was linked.",
            "Look at them as they are now, and accept them again.",
        )
    if only is None and not found.bulk:
        raise ValidationError("These are confirmed one by one.", "Tick those that are meant.")
    chosen = [p for p in found.proposals if only is None or p.line.source.ident in only]
    if any(not p.best.entry.active for p in chosen):
        raise ValidationError("Inactive entries are made active first.", "Use Make active and link.")
    return _link(session, book, kind, chosen, by)


def _link(session: Session, book: Book, kind: LinkKind, chosen: Iterable[Proposal], by: str) -> int:
    query = select(Link).where(Link.book_id == book.id, Link.kind == kind).with_for_update()
    rows = {row.source_id: row for row in session.exec(query.order_by(col(Link.id)))}
    entries, count = workbench.bench(session, book, kind).entries, 0
    for proposal in chosen:
        source, entry = proposal.line.source, proposal.best.entry
        row = rows.get(source.ident) or Link(book_id=book.id or 0, kind=kind, source_id=source.ident)
        if row.ledger_id in entries and row.ledger_id:
            continue  # somebody has linked it meanwhile: theirs stays
        old = row.ledger_id
        row.source_name = row.source_name or source.name
        row.ledger_id, row.origin, row.by, row.at = entry.ledger_id, links.PERSON, by, utcnow()
        session.add(row)
        audit.record(
            session, by, "link.proposed", f"{kind}:{source.ident}", book=book.id, old=old, new=entry.ledger_id,
            name=entry.name, why=", ".join(proposal.best.reasons),
        )  # fmt: skip
        count += 1
    session.commit()
    return count
