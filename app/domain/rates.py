"""Exchange rates: which one a document is booked at, and what it comes to in the company's own currency. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from app.domain.documents import Document
from app.domain.links import Rules
from app.domain.money import cents
from app.domain.problems import Problem, Severity

#: Currency and what one unit of it is in the company's own.
_FIXED = re.compile(r"([A-Z]{3})\s*=\s*(\d{1,9}(?:\.\d{1,9})?)")
WORDS = {"ledger": "QuickBooks’ rate of {date}", "fixed": "the rate under Settings ▸ Company"}


def fixed(text: str) -> dict[str, Decimal]:
    """``CAD=0.7312 EUR=1.0845`` as numbers; what can't be read is left out."""
    return {code: rate for code, number in _FIXED.findall(text.upper()) if (rate := Decimal(number))}


def is_foreign(document: Document, rules: Rules) -> bool:
    """Whether it is booked at a rate."""
    return rules.multi_currency and document.currency != rules.home_currency


def rated(
    document: Document, rules: Rules, ledger: Callable[[], Decimal | None] | None
) -> tuple[Document, Problem | None]:
    """The document with its rate by the Book's setting, and what is said of it; ``ledger`` asks the ledger for its own.

    A ledger that tells no rates (None) takes its own by itself. Elsewhere a document without a rate is held: booked at
    a guess, its worth at home would be wrong.
    """
    if not is_foreign(document, rules):
        return document, None
    source = rules["company.rate_source"] or "ledger"
    if source == "ledger" and ledger is None:
        return replace(document, rate=None), None
    asked = {"fixed": lambda: _of_setting(document, rules), "ledger": ledger or (lambda: None)}
    rate = asked[source]() if source in asked else None  # “psa” was a choice once, though no PSA says a rate
    if not rate:
        return replace(document, rate=None), _missing(document, source)
    worth = cents(document.total.amount * rate)
    words = WORDS[source].format(date=f"{document.date:%m/%d/%Y}")
    return replace(document, rate=rate), Problem(
        "exchange_rate",
        f"1 {document.currency} = {rate.normalize():f} {rules.home_currency}, {words}: "
        f"{document.total.amount:,.2f} {document.currency} are {worth:,.2f} {rules.home_currency}.",
        "Choose another source of rates under Settings ▸ Company if that is not wanted.",
        Severity.INFO,
        field="rate",
    )


def _of_setting(document: Document, rules: Rules) -> Decimal | None:
    return fixed(rules["company.fixed_rates"]).get(document.currency)


def _missing(document: Document, source: str) -> Problem:
    where = {"fixed": "none is set under Settings ▸ Company", "ledger": "QuickBooks has none for that day"}.get(
        source, "the PSA says none"
    )
    return Problem(
        "no_exchange_rate",
        f"There is no exchange rate for {document.currency}: {where}.",
        "Set one under Settings ▸ Company, or choose another source of rates there, then retry.",
        field="rate",
        subject=f"rate:{document.currency}",
    )
