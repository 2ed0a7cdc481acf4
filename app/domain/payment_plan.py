"""What is to be done on one of the PSA's invoices, so that it shows what the books say was paid. Pure.

Only the difference: what stands rightly is left alone, what is ours and wrong is changed, what is ours and no longer
true is taken away. What a person entered in the PSA is never touched: it counts as the books' payment of the same
amount where there is one, and is told where there is none.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from app.domain.allocation import Allocation
from app.domain.payments import PsaPayment

ZERO = Decimal(0)
#: Our mark in a reference: ``CF-M39005-g1`` all money of an invoice, ``CF-M39005.900-g1`` one payment's,
#: ``CF-M39005.900.c38990-g1`` a credit memo's part of it.
MARK = re.compile(
    r"CF-(?:[A-Z]\.)?M(?P<invoice>[0-9A-Za-z_]+)(?:\.(?P<payment>\d[0-9A-Za-z_-]*?))?"
    r"(?:\.c(?P<credit>[0-9A-Za-z_]+))?-g(?P<generation>\d+)\b"
)


class What(StrEnum):
    """What an entry on an invoice is: money, or a credit memo that is applied."""

    MONEY = "money"
    CREDIT = "credit"


class Form(StrEnum):
    """One entry for each payment, or one for all of an invoice."""

    ALLOCATION = "allocation"
    INVOICE = "invoice"


class Credits(StrEnum):
    """Applied credit memos: applied in the PSA too, shown there as money, or left out."""

    MIRROR = "mirror"
    PAYMENT = "payment"
    NO = "no"


class Verb(StrEnum):
    """What is done to an entry."""

    ADD = "add"
    CHANGE = "change"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Key:
    """Which entry of an invoice: ``payment`` is the ledger's id, empty for all; ``credit`` the PSA's credit memo."""

    what: What
    payment: str = ""
    credit: str = ""

    def reference(self, invoice: str, generation: int, source_code: str = "") -> str:
        """The mark that the PSA keeps with the entry (at most 50 characters)."""
        source = f"{source_code}." if source_code else ""
        payment = f".{self.payment}" if self.payment else ""
        credit = f".c{self.credit}" if self.credit else ""
        return f"CF-{source}M{invoice}{payment}{credit}-g{generation}"


def key_of(reference: str, invoice: str) -> Key | None:
    """The entry that a reference of ours names; None for anybody else's."""
    found = MARK.search(reference)
    if found is None or found["invoice"] != invoice:
        return None
    return Key(What.CREDIT if found["credit"] else What.MONEY, found["payment"] or "", found["credit"] or "")


@dataclass(frozen=True, slots=True)
class Known:
    """What we remember of an entry: ours, or (``by_hand``) a person's that counts as one payment of the books.

    ``parts`` are the ledger's ids of the payments in it. ``busy``: its last call is in doubt, nothing may be begun.
    """

    key: Key
    psa_id: str
    parts: frozenset[str]
    by_hand: bool = False
    busy: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One write; ``was`` is what stands there before."""

    verb: Verb
    key: Key
    amount: Decimal
    date: dt.date
    parts: frozenset[str] = frozenset()
    was: PsaPayment | None = None

    @property
    def gives_back(self) -> bool:
        """It lowers what stands: such steps go first, for a credit memo can be applied only once."""
        return self.verb is Verb.REMOVE or (self.was is not None and self.amount < self.was.amount)


@dataclass(frozen=True, slots=True)
class Plan:
    """For one invoice.

    Attributes:
        steps: the writes.
        found: entries that stand and that we did not know: ours by their mark, or a person's that counts.
        renamed: keys that become others: one payment's entry that goes on as the one of all.
        gone: keys that we remember and that no longer stand, or no longer count.
        strangers: what a person entered and the books don't have.
        doubled: ours a second time; nobody but a person may say which is to go.
        before: what stands on the invoice now; ``after`` once the steps are done.
        books: what the books say is paid.
    """

    steps: tuple[Step, ...]
    found: tuple[Known, ...]
    renamed: tuple[tuple[Key, Key], ...]
    gone: tuple[Key, ...]
    strangers: tuple[PsaPayment, ...]
    doubled: tuple[PsaPayment, ...]
    before: Decimal
    after: Decimal
    books: Decimal


@dataclass(frozen=True, slots=True)
class Claim:
    """One payment's part of an invoice, in the form that the PSA can show."""

    key: Key
    amount: Decimal
    date: dt.date


def claims(allocations: Iterable[Allocation], shown: Credits, records: Mapping[str, str]) -> list[Claim]:
    """What is to stand. ``records``: the PSA's id of each credit memo that it knows, by the ledger's id.

    A credit memo that only the books know pays as money does: the invoice is paid by it all the same.
    """
    found: dict[Key, Claim] = {}
    for each in allocations:
        record = records.get(each.credit, "") if each.credit else ""
        if record and shown is Credits.NO:
            continue
        mirrored = record if shown is Credits.MIRROR else ""
        key = Key(What.CREDIT if mirrored else What.MONEY, each.payment, mirrored)
        before = found.get(key)
        found[key] = Claim(key, each.amount + (before.amount if before else ZERO), each.date)
    return list(found.values())


def plan(
    invoice: str, wanted: Sequence[Claim], known: Iterable[Known], standing: Sequence[PsaPayment], form: Form
) -> Plan:
    """The difference between the books and the PSA on one invoice."""
    sight = _Sight(invoice, wanted, list(known), standing)
    groups = sight.groups(form)
    steps = [step for key, members in groups.items() if (step := sight.step(key, members))]
    steps += sight.removals(groups)
    before = sum((each.amount for each in standing), ZERO)
    after = before + sum((_gain(step) for step in steps), ZERO)
    return Plan(
        steps=tuple(sorted(steps, key=lambda step: not step.gives_back)),
        found=tuple(sight.found),
        renamed=tuple(sight.renamed),
        gone=tuple(sight.gone),
        strangers=tuple(sight.free),
        doubled=tuple(sight.doubled),
        before=before,
        after=after,
        books=sum((claim.amount for claim in wanted), ZERO),
    )


def _gain(step: Step) -> Decimal:
    was = step.was.amount if step.was else ZERO
    return -was if step.verb is Verb.REMOVE else step.amount - was


class _Sight:
    """What stands, told apart: ours, a person's that counts, strangers'."""

    def __init__(
        self, invoice: str, wanted: Sequence[Claim], known: list[Known], standing: Sequence[PsaPayment]
    ) -> None:
        self.wanted = wanted
        self.found: list[Known] = []
        self.renamed: list[tuple[Key, Key]] = []
        self.gone: list[Key] = []
        self.doubled: list[PsaPayment] = []
        self._standing = {each.payment_id: each for each in standing}
        self.ours: dict[Key, Known] = {}
        self.counted: dict[Key, Known] = {}
        for each in known:
            self._remember(each)
        taken = {each.psa_id for each in known if each.psa_id}
        unknown = [each for each in standing if each.payment_id not in taken]
        self.free = [each for each in unknown if not self._adopt(invoice, each)]
        lost = [each for each in known if each.by_hand and each.key in self.gone and each.psa_id in self._standing]
        self.free += [self._standing[each.psa_id] for each in lost]

    def _remember(self, each: Known) -> None:
        """Into ours, into what a person's entries count for, or among what is gone."""
        there = self._standing.get(each.psa_id)
        if each.by_hand:
            claim = next((claim for claim in self.wanted if claim.key == each.key), None)
            if there is not None and claim is not None and claim.amount == there.amount:
                self.counted[each.key] = each
            else:
                self.gone.append(each.key)
        elif there is not None or each.busy:
            self.ours[each.key] = each
        else:
            self.gone.append(each.key)

    def _adopt(self, invoice: str, each: PsaPayment) -> bool:
        """An entry that carries our mark is ours, also where this database has never heard of it."""
        key = key_of(each.reference, invoice)
        if key is None:
            return False
        if key in self.ours:
            if self.ours[key].psa_id:
                self.doubled.append(each)
            return True  # of one in doubt: whoever looks it up will find it
        parts = frozenset({key.payment} if key.payment else {claim.key.payment for claim in self.wanted})
        self.ours[key] = Known(key, each.payment_id, parts)
        self.found.append(self.ours[key])
        return True

    def groups(self, form: Form) -> dict[Key, list[Claim]]:
        """Entry → the claims that it stands for. What stands keeps its form, whatever the setting is now."""
        if form is Form.INVOICE:
            self._rename()
        groups: dict[Key, list[Claim]] = {}
        for claim in self.wanted:
            whole = Key(claim.key.what, "", claim.key.credit)
            together = self.ours.get(whole)
            if claim.key in self.counted:
                continue
            if claim.key in self.ours:
                groups.setdefault(claim.key, []).append(claim)
            elif together is not None and claim.key.payment in together.parts:
                groups.setdefault(whole, []).append(claim)
            elif not self._by_hand(claim):
                groups.setdefault(whole if form is Form.INVOICE else claim.key, []).append(claim)
        return groups

    def _rename(self) -> None:
        """Where one entry is wanted and one payment's stands: that one goes on, so that there are not two."""
        new = Key(What.MONEY)
        single = [key for key, known in self.ours.items() if key.what is What.MONEY and known.psa_id and not known.busy]
        if new in self.ours or not single:
            return
        old = min(single, key=lambda key: key.payment)
        self.ours[new] = replace(self.ours.pop(old), key=new)
        self.renamed.append((old, new))

    def _by_hand(self, claim: Claim) -> bool:
        """A person entered the same amount: that is this payment. Of several, the one nearest to its date."""
        same = [
            each
            for each in self.free
            if each.amount == claim.amount and (each.credit == claim.key.credit or claim.key.what is What.MONEY)
            and bool(each.credit) == (claim.key.what is What.CREDIT)
        ]  # fmt: skip
        if not same:
            return False
        nearest = min(same, key=lambda each: (_apart(each.date, claim.date), each.payment_id))
        self.free.remove(nearest)
        self.counted[claim.key] = Known(claim.key, nearest.payment_id, frozenset({claim.key.payment}), by_hand=True)
        self.found.append(self.counted[claim.key])
        return True

    def step(self, key: Key, members: Sequence[Claim]) -> Step | None:
        """What brings an entry to the sum of its claims."""
        amount, date = sum((claim.amount for claim in members), ZERO), max(claim.date for claim in members)
        parts = frozenset(claim.key.payment for claim in members)
        known = self.ours.get(key)
        if known is None:
            return Step(Verb.ADD, key, amount, date, parts)
        there = self._standing.get(known.psa_id)
        if known.busy or there is None:
            return None
        if there.amount == amount and there.date in (None, date):
            return None
        return Step(Verb.CHANGE, key, amount, date, parts, there)

    def removals(self, groups: Mapping[Key, object]) -> list[Step]:
        """Ours that nothing in the books stands behind any more."""
        return [
            Step(Verb.REMOVE, key, ZERO, there.date or dt.date.min, frozenset(), there)
            for key, known in self.ours.items()
            if key not in groups and not known.busy and (there := self._standing.get(known.psa_id)) is not None
        ]


def _apart(one: dt.date | None, other: dt.date) -> int:
    return abs((one - other).days) if one else 10**6
