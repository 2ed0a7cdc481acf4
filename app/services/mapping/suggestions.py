"""Which entries of the ledger something of the PSA may mean, and why. Only ever a proposal: a person decides."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from rapidfuzz import fuzz, process

from app.domain import own_currency
from app.domain.links import NAMESPACE, Entry, LinkKind, is_category
from app.domain.names import awake, normal
from app.domain.source_lists import SourceEntry

#: Below this similarity (percent) names have nothing in common.
CUT = 60
MOST = 10
#: An account's number where the chart has it in front of the name: ``4100 Hardware``.
LEADING = re.compile(r"(\d[\d.\-]*)\b")


class Reason(StrEnum):
    """Why an entry is proposed, strongest first; ``INACTIVE`` is the same name, made inactive in the ledger."""

    NUMBER = "number"
    NAME = "name"
    SPELLING = "spelling"
    EMAIL = "email"
    SIMILAR = "similar"
    INACTIVE = "inactive"


#: These may be confirmed in bulk without looking at each name: one on either side is the same.
EXACT = (Reason.NUMBER, Reason.NAME, Reason.SPELLING, Reason.EMAIL)
_SCORES = {Reason.NUMBER: 100, Reason.NAME: 100, Reason.SPELLING: 98, Reason.EMAIL: 95}
_RANKS = {reason: rank for rank, reason in enumerate(Reason)}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An entry and why it is proposed, in words. ``score`` sorts, 0 to 100; ``reason`` is the strongest."""

    entry: Entry
    score: int
    reasons: tuple[str, ...]
    reason: Reason = Reason.SIMILAR


class Matcher:
    """The entries of one list, prepared once, so that thousands of names can be looked up in them."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._known: dict[tuple[str, ...], list[Suggestion]] = {}
        own = [entry for entry in entries if entry.its_own and not is_category(entry)]
        self._usable = [entry for entry in own if entry.active]
        self._asleep: dict[str, list[Entry]] = defaultdict(list)
        for entry in own:
            if not entry.active:
                self._asleep[normal(awake(entry.name))].append(entry)

    @cached_property
    def _by(self) -> dict[Reason, dict[str, list[Entry]]]:
        found: dict[Reason, dict[str, list[Entry]]] = {reason: defaultdict(list) for reason in EXACT}
        for entry in self._usable:
            for reason, key in _keys(entry):
                found[reason][key].append(entry)
        return found

    @cached_property
    def _words(self) -> list[str]:
        """Normal names with their words in order: two that differ only in that are equal."""
        return [_in_order(normal(entry.name)) for entry in self._usable]

    def rank(self, wanted: SourceEntry, limit: int = 5, *, fuzzy: bool = True) -> list[Suggestion]:
        """The likeliest active entries, best first. Where nothing is the same, one of the same name that is asleep.

        Up to ten; what was looked up once is known: a page asks again for what it has shown before.
        """
        alone = own_currency.code(wanted.ident) if wanted.kind in NAMESPACE else ""
        key = (wanted.kind, wanted.name, wanted.number, wanted.email, alone, "fuzzy" if fuzzy else "")
        if key not in self._known:
            found = self._ranked(wanted, fuzzy=fuzzy)
            self._known[key] = [one for one in found if not alone or one.entry.currency in ("", alone)][:MOST]
        return self._known[key][:limit]

    def _ranked(self, wanted: SourceEntry, *, fuzzy: bool) -> list[Suggestion]:
        found: dict[str, dict[Reason, str]] = defaultdict(dict)
        known: dict[str, Entry] = {}
        for reason, key, words in _asked(wanted):
            for entry in self._by[reason].get(key, ()):
                known[entry.ledger_id] = entry
                found[entry.ledger_id].setdefault(reason, words)
        scores = {ident: max(_SCORES[reason] for reason in own) for ident, own in found.items()}
        if fuzzy and not any(score >= _SCORES[Reason.SPELLING] for score in scores.values()):
            for entry, score in self._similar(wanted.name):
                known[entry.ledger_id] = entry
                found[entry.ledger_id].setdefault(Reason.SIMILAR, f"similar name {score} %")
                scores[entry.ledger_id] = max(scores.get(entry.ledger_id, 0), score)
        ranked = [_suggestion(known[ident], scores[ident], own) for ident, own in found.items()]
        ranked.sort(key=lambda one: (-one.score, one.entry.name, one.entry.ledger_id))
        if ranked and ranked[0].reason in EXACT:
            return ranked
        return [*self.asleep(wanted.name), *ranked]

    def asleep(self, name: str) -> list[Suggestion]:
        """Inactive entries of the same name, which may be made active again."""
        same = self._asleep.get(normal(name), []) if normal(name) else []
        words = ("same name, but inactive in QuickBooks",)
        return [Suggestion(entry, 90, words, Reason.INACTIVE) for entry in same]

    def _similar(self, name: str) -> list[tuple[Entry, int]]:
        wanted = _in_order(normal(name))
        if not wanted:
            return []
        found = process.extract(wanted, self._words, scorer=fuzz.ratio, score_cutoff=CUT, limit=MOST)
        return [(self._usable[place], round(score)) for _, score, place in found]


def _suggestion(entry: Entry, score: int, own: dict[Reason, str]) -> Suggestion:
    ordered = sorted(own, key=_RANKS.__getitem__)
    words = [own[reason] for reason in ordered if not (reason is Reason.SPELLING and Reason.NAME in own)]
    return Suggestion(entry, score, tuple(dict.fromkeys(words)), ordered[0])


def _keys(entry: Entry) -> Iterable[tuple[Reason, str]]:
    """Under what an entry is found."""
    yield Reason.NAME, _plain(entry.name)
    if spelt := normal(entry.name):
        yield Reason.SPELLING, spelt
    if entry.number:
        yield Reason.NUMBER, _plain(entry.number)
    elif entry.kind is LinkKind.ACCOUNTS and (leading := LEADING.match(entry.name)):
        yield Reason.NUMBER, leading[1]
    if entry.email:
        yield Reason.EMAIL, entry.email.strip().casefold()


def _asked(wanted: SourceEntry) -> Iterable[tuple[Reason, str, str]]:
    """What something of the PSA is looked up by: reason, key, and the reason in words."""
    number = wanted.number.strip()
    if number:
        yield Reason.NUMBER, _plain(number), f"number {number} matches"
        if wanted.name:
            appended = normal(f"{wanted.name} ({number})")
            yield Reason.SPELLING, appended, f"same name with the account number {number}"
    if wanted.name:
        yield Reason.NAME, _plain(wanted.name), "same name"
        if spelt := normal(wanted.name):
            yield Reason.SPELLING, spelt, "same name but for case and punctuation"
        if wanted.kind in (LinkKind.ITEMS, LinkKind.ACCOUNTS) and wanted.name != number:
            yield Reason.NUMBER, _plain(wanted.name), f"number {wanted.name.strip()} matches"
    if wanted.email:
        yield Reason.EMAIL, wanted.email.strip().casefold(), "e-mail matches"


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _in_order(name: str) -> str:
    return " ".join(sorted(name.split()))


def rank(entries: Sequence[Entry], name: str, limit: int = 5, *, email: str = "") -> list[Suggestion]:
    """The same on a list at hand. Inactive entries, and vendors among customers, are never proposed."""
    kind = entries[0].kind if entries else LinkKind.CUSTOMERS
    number = name if kind in (LinkKind.ITEMS, LinkKind.ACCOUNTS) else ""
    wanted = SourceEntry(kind, "", name, email=email, number=number)
    return Matcher(entry for entry in entries if entry.active).rank(wanted, limit)
