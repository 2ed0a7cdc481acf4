"""Which entries of the ledger a PSA name may mean. Only ever a proposal: a person decides."""

from __future__ import annotations

from dataclasses import dataclass

from rapidfuzz import fuzz, process
from sqlmodel import Session

from app.domain.links import Entry, LinkKind
from app.domain.names import normal
from app.services import lists

#: Below this similarity (percent) names have nothing in common.
CUT = 60


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An entry and why it is proposed, e.g. ``similar name 92 %``. ``score`` sorts, 0 to 100."""

    entry: Entry
    score: int
    reasons: tuple[str, ...]


def suggest(
    session: Session, book_id: int, kind: LinkKind, name: str, limit: int = 5, *, email: str = ""
) -> list[Suggestion]:
    """The likeliest active entries, best first."""
    return rank(lists.entries(session, book_id, kind), name, limit, email=email)


def rank(entries: list[Entry], name: str, limit: int = 5, *, email: str = "") -> list[Suggestion]:
    """The same on a list at hand. Inactive entries, and vendors among customers, are never proposed."""
    usable = [entry for entry in entries if entry.active and entry.its_own]
    wanted = normal(name)
    scores = process.extract(
        wanted, [normal(entry.name) for entry in usable], scorer=fuzz.token_sort_ratio, score_cutoff=CUT, limit=None
    )
    similar = {place: score for _, score, place in scores} if wanted else {}
    found = [_judged(entry, similar.get(place, 0), name, email) for place, entry in enumerate(usable)]
    best = sorted((f for f in found if f.score), key=lambda f: (-f.score, f.entry.name))
    return best[:limit]


def _judged(entry: Entry, similarity: float, name: str, email: str) -> Suggestion:
    reasons, score = [], similarity
    if entry.number and entry.number.casefold() == name.strip().casefold():
        reasons.append(f"number {entry.number} matches")
        score = 100
    if email and entry.email.casefold() == email.strip().casefold():
        reasons.append("e-mail matches")
        score = max(score, 95)
    if similarity >= 100:
        reasons.append("same name")
    elif similarity >= CUT:
        reasons.append(f"similar name {similarity:.0f} %")
    return Suggestion(entry, round(score), tuple(reasons))
