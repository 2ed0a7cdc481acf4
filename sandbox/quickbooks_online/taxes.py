"""Sales tax in the three models of QuickBooks: US by hand, US automated, and the rest of the world.

US by hand: the transaction names one group (`TxnTaxCodeRef`), lines are TAX or NON. Automated: the engine picks the
group and replaces what was sent. In both an explicit `TotalTax` is kept and shared out over the group's rates.
Elsewhere each line has its code, tax is rounded per line, and an override must name every rate.
https://developer.intuit.com/app/developer/qbo/docs/workflows/manage-sales-tax-for-us-locales
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from sandbox.quickbooks_online import problems, references
from sandbox.quickbooks_online.company import Company
from sandbox.quickbooks_online.money import ZERO, cents, shared_out
from sandbox.quickbooks_online.problems import Json

PSEUDO = {"TAX", "NON"}  # the US line codes; they name no rate


def is_us(company: Company) -> bool:
    """Whether lines are TAX or NON, or have codes of their own."""
    return company.switches.tax_mode != "non_us"


def check_line_code(company: Company, detail: Json, default: str) -> None:
    """Check or fill the tax code of one line."""
    if is_us(company):
        code = detail.setdefault("TaxCodeRef", {"value": default})
        if code.get("value") not in PSEUDO:
            raise problems.business("The line's tax code must be TAX or NON in the US.", "TaxCodeRef", 6100)
        detail["TaxCodeRef"] = {"value": code["value"]}
    elif "TaxCodeRef" in detail:
        detail["TaxCodeRef"] = {
            "value": references.target(company, "TaxCode", detail["TaxCodeRef"], "TaxCodeRef")["Id"]
        }


def settle(
    company: Company, body: Json, net: list[tuple[str, Decimal]], applicable: str = "SalesTaxRateList"
) -> Decimal:
    """Write `TxnTaxDetail`, return the tax. `net` is each line's tax code id and amount without tax.

    A code has rates of its own for what is bought (`PurchaseTaxRateList`).
    """
    sent = body.get("TxnTaxDetail", {})
    if not company.switches.using_sales_tax:
        detail: Json = {"TotalTax": ZERO}
    elif is_us(company):
        detail = _us(company, sent, sum((amount for code, amount in net if code == "TAX"), ZERO))
    else:
        detail = _elsewhere(company, body, sent, net, applicable)
    body["TxnTaxDetail"] = detail
    return Decimal(detail["TotalTax"])


def rates_of(company: Company, code_id: str, applicable: str = "SalesTaxRateList") -> list[Json]:
    """The TaxRate objects of a tax code, in their order."""
    code = company.find("TaxCode", code_id) or {}
    details = code.get(applicable, {}).get("TaxRateDetail", [])
    found = [company.find("TaxRate", detail["TaxRateRef"]["value"]) for detail in details]
    return [rate for rate in found if rate is not None]


def _us(company: Company, sent: Json, taxable: Decimal) -> Json:
    reference = sent.get("TxnTaxCodeRef")
    if company.switches.tax_mode == "us_ast":
        reference = {"value": company.switches.ast_tax_code}
    if reference is None:
        return {"TotalTax": ZERO}
    code = references.target(company, "TaxCode", reference, "TxnTaxDetail.TxnTaxCodeRef")
    if code["Id"] in PSEUDO:
        raise problems.business("TAX and NON can't be the tax code of a transaction.", "TxnTaxCodeRef", 6160)
    rates = rates_of(company, code["Id"])
    amounts = _us_amounts(company, sent, rates, taxable)
    lines = [_tax_line(rate, amount, taxable) for rate, amount in zip(rates, amounts, strict=True)]
    return {"TxnTaxCodeRef": {"value": code["Id"]}, "TotalTax": sum(amounts, ZERO), "TaxLine": lines}


def _us_amounts(company: Company, sent: Json, rates: list[Json], taxable: Decimal) -> list[Decimal]:
    if taxable == 0:
        return [ZERO for _ in rates]
    if "TotalTax" in sent:
        return shared_out(cents(sent["TotalTax"]), [rate["RateValue"] for rate in rates])
    by_rate = _sent_tax_lines(company, sent)
    computed = {rate["Id"]: cents(taxable * rate["RateValue"] / 100) for rate in rates}
    return [by_rate.get(rate["Id"], computed[rate["Id"]]) for rate in rates]


def _sent_tax_lines(company: Company, sent: Json) -> dict[str, Decimal]:
    amounts: dict[str, Decimal] = {}
    for line in sent.get("TaxLine", []):
        if "Amount" not in line:
            raise problems.missing("TaxLine.Amount")
        reference = line.get("TaxLineDetail", {}).get("TaxRateRef")
        rate = references.target(company, "TaxRate", reference, "TaxLineDetail.TaxRateRef")
        amounts[rate["Id"]] = amounts.get(rate["Id"], ZERO) + cents(line["Amount"])
    return amounts


def _tax_line(rate: Json, amount: Decimal, base: Decimal) -> Json:
    detail = {
        "TaxRateRef": {"value": rate["Id"]},
        "PercentBased": True,
        "TaxPercent": rate["RateValue"],
        "NetAmountTaxable": base,
    }
    return {"Amount": amount, "DetailType": "TaxLineDetail", "TaxLineDetail": detail}


def _elsewhere(company: Company, body: Json, sent: Json, net: list[tuple[str, Decimal]], applicable: str) -> Json:
    if body.get("GlobalTaxCalculation") == "NotApplicable":
        if sent.get("TotalTax"):
            raise problems.business("TxnTaxDetail is not allowed with NotApplicable.", "TxnTaxDetail", 6230)
        return {"TotalTax": ZERO}
    base, tax = _per_rate(company, net, applicable)
    override = _sent_tax_lines(company, sent)
    if override:
        if override.keys() != tax.keys():
            raise problems.business("Every tax rate of the lines' codes needs its tax line.", "TxnTaxDetail", 6000)
        tax = override
    lines = [_tax_line(company.tables["TaxRate"][rate], tax[rate], base[rate]) for rate in tax]
    return {"TotalTax": sum(tax.values(), ZERO), "TaxLine": lines}


def _per_rate(
    company: Company, net: list[tuple[str, Decimal]], applicable: str
) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
    base: defaultdict[str, Decimal] = defaultdict(Decimal)
    tax: defaultdict[str, Decimal] = defaultdict(Decimal)
    for code, amount in net:
        if not code:
            raise problems.business("Make sure all your transactions have a tax rate before you save.", "TaxCodeRef")
        rates = rates_of(company, code, applicable)
        if not rates:
            raise problems.business("The tax code has no rate for this kind of transaction.", "TaxCodeRef", 6160)
        for rate in rates:
            base[rate["Id"]] += amount
            tax[rate["Id"]] += cents(amount * rate["RateValue"] / 100)
    return dict(base), dict(tax)
