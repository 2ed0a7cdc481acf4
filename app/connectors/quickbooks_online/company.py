"""What a QuickBooks company's own settings decide: tax model, numbering, currency, closed books."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.connectors.protocols import Company
from app.connectors.quickbooks_online.receipts import ref
from app.domain.links import Entry, Rules
from app.domain.problems import Problem, Severity

Members = Mapping[str, Any]


def to_company(
    info: Members, preferences: Members | None, realm: str, environment: str, untaxed: Entry | None = None
) -> Company:
    """The company. ``preferences`` is None where the person who connected may not read them."""
    country = country_of(info)
    rules = to_rules(preferences or {}, country, untaxed)
    sales = _group(preferences, "SalesFormsPrefs")
    return Company(
        name=str(info.get("CompanyName") or info.get("LegalName") or realm),
        ledger_id=realm,
        country=country,
        currency=rules.home_currency,
        rules=rules,
        facts={
            "environment": environment,
            "plan": _plan(info),
            "country": country,
            "auto_apply_credit": "yes" if sales.get("AutoApplyCredit") else "no",
            **({"zone": str(info["DefaultTimeZone"])} if info.get("DefaultTimeZone") else {}),
        },
        findings=tuple(_findings(preferences, rules)),
    )


def country_of(info: Members) -> str:
    """Two letters for the US, else as QuickBooks says it; addresses have begun to answer ``USA``."""
    country = str(info.get("Country") or "US").upper()
    return "US" if country in ("US", "USA", "UNITED STATES") else country


def tax_mode(preferences: Members, country: str) -> str:
    """The company's tax model. PartnerTaxEnabled exists only where US automated sales tax does."""
    tax = _group(preferences, "TaxPrefs")
    if tax.get("UsingSalesTax") is False:
        return "off"
    if country != "US":
        return "per_line"
    return "manual" if tax.get("PartnerTaxEnabled") is None else "automated"


def sends_numbers(preferences: Members) -> bool:
    """Whether the company takes numbers from outside (Custom transaction numbers)."""
    return _group(preferences, "SalesFormsPrefs").get("CustomTxnNumbers") is True


def to_rules(preferences: Members, country: str, untaxed: Entry | None) -> Rules:
    """Only what the company decides; the Book's own settings are added by the service."""
    currency = _group(preferences, "CurrencyPrefs")
    return Rules(
        tax_mode=tax_mode(preferences, country),
        send_numbers=sends_numbers(preferences),
        home_currency=ref(currency, "HomeCurrency") or "USD",
        multi_currency=currency.get("MultiCurrencyEnabled") is True,
        close_date=str(_group(preferences, "AccountingInfoPrefs").get("BookCloseDate") or "")[:10],
        extra={"untaxed_code": untaxed.ledger_id, "untaxed_parts": untaxed.parts} if untaxed else {},
    )


def _findings(preferences: Members | None, rules: Rules) -> list[Problem]:
    if preferences is None:
        return [NO_RIGHTS]
    found = [] if rules.send_numbers else [OWN_NUMBERS]
    if rules.tax_mode == "automated" and _group(preferences, "TaxPrefs").get("PartnerTaxEnabled") is False:
        found.append(TAX_NOT_SET_UP)
    return found


NO_RIGHTS = Problem(
    "no_permission",
    "The person who connected QuickBooks may not read the company’s settings there.",
    "Have a company administrator of QuickBooks connect it again.",
)
OWN_NUMBERS = Problem(
    "numbers_by_ledger",
    "This QuickBooks company numbers its documents by itself; the PSA’s numbers go into the memo.",
    "To keep the PSA’s numbers, turn on Custom transaction numbers in QuickBooks (Account and settings, Sales).",
    Severity.INFO,
)
TAX_NOT_SET_UP = Problem(
    "tax_not_set_up",
    "Automated sales tax is not set up yet in this QuickBooks company.",
    "Finish the sales tax set-up in QuickBooks (Taxes, Sales tax) before posting documents with tax.",
    Severity.WARNING,
)


def _plan(info: Members) -> str:
    values = info.get("NameValue") or []
    return next((str(pair.get("Value")) for pair in values if pair.get("Name") == "OfferingSku"), "")


def _group(preferences: Members | None, name: str) -> Members:
    group = (preferences or {}).get(name)
    return group if isinstance(group, dict) else {}
