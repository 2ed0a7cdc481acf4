"""How the PSA's tax goes into each of QuickBooks' tax models. The PSA's amount is always sent, and kept.

``manual``     US, before automated sales tax: one tax code for the whole document, lines TAX or NON.
``automated``  US automated sales tax: the address decides the code, an explicit TotalTax is honoured.
``per_line``   everywhere else: a tax code per line, one TaxLine for every rate of the code.
``off``        the company charges no sales tax: a document with tax cannot be posted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from app.connectors.quickbooks_online.addresses import physical_address
from app.connectors.quickbooks_online.lists import PURCHASE, is_untaxed
from app.connectors.quickbooks_online.shares import split
from app.domain.documents import SALES, Document, DocumentKind
from app.domain.links import Entry, LinkKind, Links, Rules
from app.domain.money import cents
from app.domain.problems import Problem, Severity

#: US pseudo codes of a line.
TAX, NON = "TAX", "NON"


@dataclass(frozen=True, slots=True)
class TaxForm:
    """The document's tax in QuickBooks' form: a code per line (empty: none) and members of the header."""

    line_codes: list[str]
    header: dict[str, Any] = field(default_factory=dict)


def to_tax(document: Document, links: Links, rules: Rules) -> TaxForm:
    """The tax in the company's model; only after ``problems_of_tax`` found nothing."""
    if rules.tax_mode == "off":
        return TaxForm([""] * len(document.lines))
    if rules.tax_mode == "per_line":
        return _per_line(document, linked_code(document, links), rules)
    codes = [TAX if taxed else NON for taxed in taxed_lines(document)]
    detail: dict[str, Any] = {"TotalTax": cents(document.tax.amount)}
    code = linked_code(document, links)
    taxed = code.ledger_id if code and document.tax.amount else ""
    untaxed = "" if document.tax.amount else rules["taxes.exempt_code"] or _own_of_untaxed(document, code)
    if rules.tax_mode == "manual" and (chosen := taxed or untaxed):
        detail = {"TxnTaxCodeRef": {"value": chosen}, **detail}
    return TaxForm(codes, {"TxnTaxDetail": detail})


def problems_of_tax(document: Document, links: Links, rules: Rules) -> list[Problem]:
    """What makes the tax impossible to send in this company."""
    if not document.tax.amount:
        return []
    if rules.tax_mode == "off":
        return [
            Problem(
                "sales_tax_off",
                "The document has tax, but sales tax is turned off in this QuickBooks company.",
                "Turn sales tax on in QuickBooks (Taxes), then check the connection again.",
                field="tax",
            )
        ]
    if not linked_code(document, links) and rules.tax_mode != "automated" and not document.tax_code:
        return [
            Problem(
                "tax_code_missing",
                "The document has tax but no tax code in the PSA, so QuickBooks can’t be told which tax it is.",
                "Give the invoice or its company a tax code in the PSA, then read it again.",
                field="tax",
            )
        ]
    if rules.tax_mode == "per_line" and not _untaxed_code(rules) and not all(taxed_lines(document)):
        return [
            Problem(
                "no_tax_code_for_untaxed_lines",
                "Some lines are without tax, and QuickBooks has no active tax code of 0 % for them.",
                "Create a tax code of 0 % (exempt or out of scope) in QuickBooks, then check the connection again.",
                field="tax",
            )
        ]
    return [*_exempt_code_taxes(rules), *_levels_differ(document, links, rules, hold=True)]


def warnings_of_tax(document: Document, links: Links, rules: Rules) -> list[Problem]:
    """``tax_rate_differs``: QuickBooks' code has another rate than the PSA. The PSA's amount is sent all the same."""
    if rules.tax_mode == "automated" and document.tax.amount and not physical_address(document.ship_to):
        return [NO_SHIP_TO]
    code = linked_code(document, links)
    rates = [level.rate for level in document.tax_levels]
    if rules.tax_mode in ("off", "automated") or not document.tax.amount or not (code and code.rate and rates):
        return []
    if document.tax_by != "psa":
        return []  # a tax service has worked it out: its amount is taken exactly, whatever the PSA's own rates say
    known = [rate for rate in rates if rate is not None]
    ours, theirs = sum(known, Decimal(0)), Decimal(code.rate)
    if len(known) < len(rates) or ours == theirs or not document.tax_code:
        return _levels_differ(document, links, rules, hold=False)
    return [
        Problem(
            "tax_rate_differs",
            f"The PSA taxes at {_percent(ours)}, the linked tax code “{code.name}” at {_percent(theirs)}.",
            "Link the tax code of the same rate, or correct the rate on one side; the PSA’s amount was sent.",
            Severity.WARNING,
            field="tax",
            subject=f"{LinkKind.TAX_CODES}:{document.tax_code.source_id}",
        )
    ]


NO_SHIP_TO = Problem(
    "no_ship_to",
    "The PSA does not say where it goes to: QuickBooks takes your own address as the place of the sale.",
    "Give the invoice a ship-to site in the PSA if its tax belongs to another place; the PSA’s amount is sent.",
    Severity.INFO,
    field="tax",
)


def _levels_differ(document: Document, links: Links, rules: Rules, *, hold: bool) -> list[Problem]:
    """The same tax in all, divided otherwise: authorities would be owed other amounts than the PSA says.

    A problem or a warning by the Book's setting; ``hold`` is which of the two is asked for.
    """
    code = linked_code(document, links)
    ours = sorted(level.rate for level in document.tax_levels if level.rate)
    theirs = sorted(percent for _, percent in _rates(code.parts, document.kind) if percent) if code else []
    whole = all(level.rate is not None for level in document.tax_levels)
    asked = rules.tax_mode in ("manual", "per_line") and hold is (rules["taxes.levels"] == "hold")
    asked = asked and document.tax_by == "psa"
    if not (asked and whole and ours and theirs and code and document.tax_code and ours != theirs):
        return []
    return [
        Problem(
            "tax_levels_differ",
            f"The PSA’s tax has the levels {_listed(ours)}, the linked tax code “{code.name}” {_listed(theirs)}.",
            "Link a tax code (a group in the US) of the same levels, or accept it under Settings ▸ Taxes.",
            Severity.ERROR if hold else Severity.WARNING,
            field="tax",
            subject=f"{LinkKind.TAX_CODES}:{document.tax_code.source_id}",
        )
    ]


def _exempt_code_taxes(rules: Rules) -> list[Problem]:
    """The Book's code for what is not taxed must be one of 0 %; known where the company's codes have been read."""
    chosen = rules["taxes.exempt_code"]
    known = any(name.startswith("untaxed_parts:") for name in rules.extra)
    if rules.tax_mode != "per_line" or not chosen or not known or f"untaxed_parts:{chosen}" in rules.extra:
        return []
    return [
        Problem(
            "exempt_code_taxes",
            "The tax code for what is not taxed has a rate, or is inactive in QuickBooks.",
            "Choose an active code of 0 % under Settings ▸ Taxes.",
            field="tax",
        )
    ]


def _listed(rates: Sequence[Decimal]) -> str:
    return " + ".join(_percent(rate) for rate in rates)


def taxed_lines(document: Document) -> list[bool]:
    """Which lines count as taxed: none without tax; all where there is tax and the PSA flags no line."""
    if not document.tax.amount:
        return [False] * len(document.lines)
    flagged = [line.taxable for line in document.lines]
    return flagged if any(flagged) else [True] * len(flagged)


def linked_code(document: Document, links: Links) -> Entry | None:
    """The ledger's tax code for the document's, where there is a link."""
    return links.get((LinkKind.TAX_CODES, document.tax_code.source_id)) if document.tax_code else None


def _own_of_untaxed(document: Document, code: Entry | None) -> str:
    """The code of 0 % that an untaxed document’s own tax code is linked to: zero-rated and exempt are not the same."""
    return code.ledger_id if code and not document.tax.amount and is_untaxed(code) else ""


def _untaxed_code(rules: Rules) -> str:
    """The Book's own choice, else the company's code of 0 %."""
    return rules["taxes.exempt_code"] or rules.extra.get("untaxed_code", "")


def _untaxed_parts(rules: Rules) -> str:
    """The rates of the code for lines without tax."""
    chosen = rules["taxes.exempt_code"]
    return rules.extra.get(f"untaxed_parts:{chosen}" if chosen else "untaxed_parts", "")


def _per_line(document: Document, code: Entry | None, rules: Rules) -> TaxForm:
    untaxed = rules["taxes.exempt_code"] or _own_of_untaxed(document, code) or _untaxed_code(rules)
    if not document.tax.amount and not untaxed:
        return TaxForm([""] * len(document.lines), {"GlobalTaxCalculation": "NotApplicable"})
    taxed = taxed_lines(document)
    codes = [code.ledger_id if flag and code else untaxed for flag in taxed]
    detail: dict[str, Any] = {"TotalTax": cents(document.tax.amount)}
    if code and code.parts and document.tax.amount:
        detail["TaxLine"] = _tax_lines(document, code, taxed, rules)
    return TaxForm(codes, {"GlobalTaxCalculation": "TaxExcluded", "TxnTaxDetail": detail})


def _tax_lines(document: Document, code: Entry, taxed: Sequence[bool], rules: Rules) -> list[dict[str, Any]]:
    """One TaxLine for every rate of the codes in use: QuickBooks refuses an override that leaves one out."""
    rates = _rates(code.parts, document.kind)
    amounts = _amounts(document, [percent for _, percent in rates])
    net = _net(document, taxed, of=True)
    found = [_tax_line(rate, amount, net) for rate, amount in zip(rates, amounts, strict=True)]
    if not all(taxed):
        rest = _net(document, taxed, of=False)
        found += [_tax_line(rate, Decimal("0.00"), rest) for rate in _rates(_untaxed_parts(rules), document.kind)]
    return found


def _tax_line(rate: tuple[str, Decimal], amount: Decimal, net: Decimal) -> dict[str, Any]:
    detail = {
        "TaxRateRef": {"value": rate[0]},
        "PercentBased": True,
        "TaxPercent": rate[1],
        "NetAmountTaxable": net,
    }
    return {"Amount": amount, "DetailType": "TaxLineDetail", "TaxLineDetail": detail}


def _rates(parts: str, kind: DocumentKind = DocumentKind.INVOICE) -> list[tuple[str, Decimal]]:
    """Ids and percentages of ``Entry.parts``; what is bought has rates of its own where the code has such."""
    all_parts = [part.partition("=") for part in parts.split()]
    bought = [(name.removeprefix(PURCHASE), rate) for name, _, rate in all_parts if name.startswith(PURCHASE)]
    sold = [(name, rate) for name, _, rate in all_parts if not name.startswith(PURCHASE)]
    chosen = bought if bought and kind not in SALES else sold
    return [(name, Decimal(rate)) for name, rate in chosen]


def _net(document: Document, taxed: Sequence[bool], *, of: bool) -> Decimal:
    """The sum of the taxed lines, or of the others."""
    chosen = [cents(line.amount.amount) for line, flag in zip(document.lines, taxed, strict=True) if flag is of]
    return sum(chosen, Decimal("0.00"))


def _amounts(document: Document, percents: Sequence[Decimal]) -> list[Decimal]:
    """The PSA's amount of each rate where its levels have the same rates, in whatever order; else shares by rate."""
    levels, tax = document.tax_levels, cents(document.tax.amount)
    by_rate: defaultdict[Decimal | None, Decimal] = defaultdict(Decimal)
    for level in levels:
        by_rate[level.rate] += level.amount.amount
    amounts: list[Decimal] = []
    if by_rate.keys() == set(percents) and len(by_rate) == len(percents):
        amounts = [cents(by_rate[percent]) for percent in percents]
    elif [level.rate for level in levels] == list(percents):
        amounts = [cents(level.amount.amount) for level in levels]
    return amounts if amounts and sum(amounts) == tax else split(tax, percents)


def _percent(rate: Decimal) -> str:
    return f"{rate.normalize():f} %"
