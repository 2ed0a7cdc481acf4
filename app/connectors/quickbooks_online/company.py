"""What a QuickBooks company's own settings decide: tax model, numbering, currency, closed books."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from app.connectors.protocols import Company, ConnectionFailedError
from app.connectors.quickbooks_online import lists
from app.connectors.quickbooks_online.abilities import abilities, known_accounts
from app.connectors.quickbooks_online.members import Members, currency, part, rows, text
from app.domain.links import Entry, Rules
from app.domain.problems import Problem, Severity


def to_company(
    info: Members,
    preferences: Members | None,
    realm: str,
    environment: str,
    *,
    codes: Sequence[Entry] = (),
    accounts: Sequence[Entry] = (),
) -> Company:
    """The company. ``preferences`` is None where the person who connected may not read them."""
    country = country_of(info)
    rules = to_rules(preferences or {}, country)
    more = {**_untaxed(codes), **abilities(preferences, country, _plan(info)), **known_accounts(accounts)}
    rules = replace(rules, extra=more)
    sales = part(preferences, "SalesFormsPrefs")
    return Company(
        name=text(info, "CompanyName") or text(info, "LegalName") or realm,
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
    country = (text(info, "Country") or "US").upper()
    return "US" if country in ("US", "USA", "UNITED STATES") else country


def tax_mode(preferences: Members, country: str) -> str:
    """The company's tax model. PartnerTaxEnabled exists only where US automated sales tax does."""
    tax = part(preferences, "TaxPrefs")
    if tax.get("UsingSalesTax") is False:
        return "off"
    if country != "US":
        return "per_line"
    return "manual" if tax.get("PartnerTaxEnabled") is None else "automated"


def sends_numbers(preferences: Members) -> bool:
    """Whether the company takes numbers from outside (Custom transaction numbers)."""
    return part(preferences, "SalesFormsPrefs").get("CustomTxnNumbers") is True


def to_rules(preferences: Members, country: str) -> Rules:
    """Only what the company decides; the Book's own settings are added by the service."""
    return Rules(
        tax_mode=tax_mode(preferences, country),
        send_numbers=sends_numbers(preferences),
        home_currency=_home_currency(preferences),
        multi_currency=part(preferences, "CurrencyPrefs").get("MultiCurrencyEnabled") is True,
        close_date=str(part(preferences, "AccountingInfoPrefs").get("BookCloseDate") or "")[:10],
    )


def _untaxed(codes: Sequence[Entry]) -> dict[str, str]:
    """The code for lines without tax, and under ``untaxed_parts:<id>`` the rates of every one that may be chosen."""
    chosen = lists.untaxed_code(codes)
    own = {"untaxed_code": chosen.ledger_id, "untaxed_parts": chosen.parts} if chosen else {}
    return {**own, **{f"untaxed_parts:{code.ledger_id}": code.parts for code in codes if lists.is_untaxed(code)}}


def _findings(preferences: Members | None, rules: Rules) -> list[Problem]:
    if preferences is None:
        return [NO_RIGHTS]
    found = [] if rules.send_numbers else [OWN_NUMBERS]
    if rules.tax_mode == "automated" and part(preferences, "TaxPrefs").get("PartnerTaxEnabled") is False:
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
    return next((text(pair, "Value") for pair in rows(info, "NameValue") if pair.get("Name") == "OfferingSku"), "")


def _home_currency(preferences: Members) -> str:
    """Raises ConnectionFailedError for what is no code: amounts must not be taken for another currency's."""
    try:
        return currency(part(preferences, "CurrencyPrefs"), "HomeCurrency", "USD")
    except ValueError as error:
        raise ConnectionFailedError(
            f"QuickBooks’ answer about the company’s home currency can’t be read: {error}.",
            "Check the connection again; if it stays, see Intuit’s status page.",
            code="shape",
        ) from error
