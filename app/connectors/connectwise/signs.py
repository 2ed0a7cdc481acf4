"""Directions and roundings of an exported document.

An export is a journal: the header debits the receivable (+), lines and taxes credit revenue (−), and all of it adds up
to zero; a credit memo runs the other way. Sites are known to differ in the signs of credit memos, so the direction is
taken from type, header and sums together, and never by dropping a sign.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from app.connectors.connectwise import values
from app.connectors.connectwise.values import Row
from app.domain.documents import DocumentKind
from app.domain.money import cents

CREDIT_TYPES = {"CREDITMEMO", "CREDIT"}


@dataclass(frozen=True, slots=True)
class Direction:
    """What a document is, and the factors that turn exported amounts into its own direction."""

    kind: DocumentKind
    header: int
    detail: int


def direction(transaction: Row, details: Sequence[Row]) -> Direction:
    """Raises ValueError where an amount is none."""
    header = values.amount(transaction, "total")
    added = sum((values.amount(detail, "total") for detail in details), Decimal(0))
    # Lines run against the header; where they add up to the header itself, they run with it.
    against = 1 if abs(added - header) < abs(added + header) else -1
    sign = -1 if header < 0 else 1
    named_credit = values.text(transaction, "documentType").replace(" ", "").upper() in CREDIT_TYPES
    is_credit = header != 0 and (named_credit or header < 0)
    return Direction(DocumentKind.CREDIT_MEMO if is_credit else DocumentKind.INVOICE, sign, against * sign)


def in_cents(amounts: Sequence[Decimal]) -> list[Decimal]:
    """Amounts rounded so that their sum is the rounded sum: each takes over what rounding left of those before it.

    Exports carry unrounded shares of a cent; rounded one by one they would miss the document's total.
    """
    rounded: list[Decimal] = []
    exact = given = Decimal(0)
    for amount in amounts:
        exact += amount
        rounded.append(cents(exact) - given + Decimal(0))  # adding 0 takes the sign from a minus zero
        given += rounded[-1]
    return rounded
