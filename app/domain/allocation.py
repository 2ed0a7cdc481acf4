"""Which money, and which credit memo, pays which invoice: from a ledger's payments to allocations. Pure.

A ledger says how much each line of a payment gives to an invoice, and how much it draws from a credit memo. That is
kept to the cent. Only where several credit memos meet several invoices in one payment it does not say which pays
which; there a rule decides, the same way every time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum

from app.domain.money import CENT
from app.domain.payments import Charge, LedgerPayment

ZERO = Decimal(0)


class Rule(StrEnum):
    """Whose turn it is where a choice is left: the oldest invoice, the largest, or each its share."""

    OLDEST = "oldest"
    LARGEST = "largest"
    SPLIT = "split"


@dataclass(frozen=True, slots=True)
class Allocation:
    """So much of one payment stands on one invoice.

    Attributes:
        invoice: the ledger's id of the invoice.
        payment: the ledger's id of the payment that says so.
        credit: the ledger's id of the credit memo that it was drawn from; empty for money.
        amount: positive, in the invoice's currency.
    """

    invoice: str
    payment: str
    credit: str
    amount: Decimal
    date: dt.date


def allocate(payment: LedgerPayment, rule: Rule, dates: Mapping[str, dt.date]) -> list[Allocation]:
    """What a payment puts on each invoice; nothing for one that is gone.

    For each invoice the sum is what the ledger applies to it. ``dates`` are the invoices' own, by ledger id; one that
    is missing counts as the newest. The ledger's own amounts come first: a credit memo that is drawn for exactly what
    one invoice gets pays that one. What no credit memo pays is money, whatever it came from (also a deposit's, or a
    journal entry's).
    """
    if payment.gone:
        return []
    invoices, memos = _sums(payment, Charge.INVOICE), _sums(payment, Charge.CREDIT_MEMO)
    drawn = _drawn(invoices, memos, rule, dates)
    found = []
    for invoice, amount in sorted(invoices.items(), key=lambda each: _key(each[0])):
        parts = {credit: part for (to, credit), part in drawn.items() if to == invoice and part > 0}
        rest = amount - sum(parts.values(), ZERO)
        found += [Allocation(invoice, payment.ledger_id, credit, part, payment.date) for credit, part in parts.items()]
        if rest > 0:
            found.append(Allocation(invoice, payment.ledger_id, "", rest, payment.date))
    return found


def _sums(payment: LedgerPayment, charge: Charge) -> dict[str, Decimal]:
    """Amount by id; a ledger may name a document on several lines."""
    sums: dict[str, Decimal] = {}
    for line in payment.lines:
        if line.to is charge and line.amount > 0:
            sums[line.ledger_id] = sums.get(line.ledger_id, ZERO) + line.amount
    return sums


def _key(ledger_id: str) -> tuple[int, str]:
    """Order of ids: as numbers where they are."""
    return (int(ledger_id), "") if ledger_id.isascii() and ledger_id.isdecimal() else (10**18, ledger_id)


def _drawn(
    invoices: Mapping[str, Decimal], memos: Mapping[str, Decimal], rule: Rule, dates: Mapping[str, dt.date]
) -> dict[tuple[str, str], Decimal]:
    """(invoice, credit memo) → amount: a memo up to what is drawn from it, an invoice up to what it gets."""
    open_, left = dict(invoices), dict(memos)
    drawn: dict[tuple[str, str], Decimal] = {}
    for credit in sorted(left, key=_key):
        same = [invoice for invoice in sorted(open_, key=_key) if open_[invoice] == left[credit]]
        if len(same) == 1 and sum(other == left[credit] for other in left.values()) == 1:
            _take(drawn, open_, left, same[0], credit, left[credit])
    for credit in sorted(left, key=_key):
        for invoice, part in _shares(open_, left[credit], rule, dates):
            _take(drawn, open_, left, invoice, credit, part)
    return drawn


def _take(
    drawn: dict[tuple[str, str], Decimal], open_: dict[str, Decimal], left: dict[str, Decimal], invoice: str,
    credit: str, amount: Decimal,
) -> None:  # fmt: skip
    drawn[invoice, credit] = drawn.get((invoice, credit), ZERO) + amount
    open_[invoice] -= amount
    left[credit] -= amount


def _shares(
    open_: Mapping[str, Decimal], amount: Decimal, rule: Rule, dates: Mapping[str, dt.date]
) -> list[tuple[str, Decimal]]:
    """How one credit memo is spread over what is open of each invoice."""
    newest = dt.date.max

    def turn(invoice: str) -> tuple[object, ...]:
        first = -open_[invoice] if rule is Rule.LARGEST else dates.get(invoice, newest).toordinal()
        return (first, _key(invoice))

    order = sorted((invoice for invoice, rest in open_.items() if rest > 0), key=turn)
    if rule is Rule.SPLIT:
        return _split({invoice: open_[invoice] for invoice in order}, amount)
    shares = []
    for invoice in order:
        part = min(amount, open_[invoice])
        if part <= 0:
            break
        shares.append((invoice, part))
        amount -= part
    return shares


def _split(open_: Mapping[str, Decimal], amount: Decimal) -> list[tuple[str, Decimal]]:
    """Each its share by what it has open; what rounding to cents leaves goes to the first that have room."""
    whole = sum(open_.values(), ZERO)
    amount = min(amount, whole)
    if amount <= 0:
        return []
    parts = {invoice: (amount * rest / whole).quantize(CENT, rounding=ROUND_DOWN) for invoice, rest in open_.items()}
    left = amount - sum(parts.values(), ZERO)
    for largest in (CENT, left):  # cent by cent, and what is finer than cents last
        for invoice, rest in open_.items():
            more = min(left, largest, rest - parts[invoice])
            parts[invoice] += more
            left -= more
    return [(invoice, part) for invoice, part in parts.items() if part > 0]


def of_invoices(
    payments: Iterable[LedgerPayment], rule: Rule, dates: Mapping[str, dt.date]
) -> dict[str, list[Allocation]]:
    """By invoice everything that stands on it, in the order of the payments' dates and ids."""
    found: dict[str, list[Allocation]] = {}
    for payment in sorted(payments, key=lambda each: (each.date, _key(each.ledger_id))):
        for allocation in allocate(payment, rule, dates):
            found.setdefault(allocation.invoice, []).append(allocation)
    return found
