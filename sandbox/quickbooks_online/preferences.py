"""CompanyInfo and Preferences: the switches of a company in the vendor's words."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sandbox.quickbooks_online import problems
from sandbox.quickbooks_online.company import Company
from sandbox.quickbooks_online.problems import Json

_STAMP = "2019-03-04T08:15:00-08:00"


def special(company: Company, entity: str) -> Json:
    """The one object of a kind that has no table."""
    return company_info(company) if entity == "CompanyInfo" else preferences(company)


def company_info(company: Company) -> Json:
    """Everything of `GET /companyinfo` that decides tax model and plan."""
    switches = company.switches
    address = {"Id": "1", "Line1": "410 SW Harbor Way", "City": "Portland", "CountrySubDivisionCode": "OR"}
    return {
        "CompanyName": company.name,
        "LegalName": company.name,
        "CompanyAddr": {
            **address,
            "PostalCode": "97201",
            "Country": "USA" if switches.country == "US" else switches.country,
        },
        "Country": switches.country,
        "FiscalYearStartMonth": "January",
        "CompanyStartDate": "2019-03-04",
        "SupportedLanguages": "en",
        "DefaultTimeZone": "America/Los_Angeles",
        "NameValue": [
            {"Name": "OfferingSku", "Value": switches.offering},
            {"Name": "NeoEnabled", "Value": "true"},
            {"Name": "ItemCategoriesFeature", "Value": "true"},
        ],
        **_object("1"),
    }


def preferences(company: Company) -> Json:
    """Everything of `GET /preferences` that decides how documents must look."""
    switches = company.switches
    return {
        "AccountingInfoPrefs": _accounting(company),
        "ProductAndServicesPrefs": {
            "ForSales": True,
            "ForPurchase": True,
            "QuantityOnHand": True,
            "QuantityWithPriceAndRate": True,
        },
        "SalesFormsPrefs": _sales_forms(company),
        "VendorAndPurchasesPrefs": {"TrackingByCustomer": True, "BillableExpenseTracking": True},
        "TaxPrefs": _tax(company),
        "CurrencyPrefs": {
            "MultiCurrencyEnabled": switches.multi_currency,
            "HomeCurrency": {"value": switches.home_currency},
        },
        "ReportPrefs": {"ReportBasis": "Accrual", "CalcAgingReportFromTxnDate": False},
        "OtherPrefs": {"NameValue": _other(company)},
        **_object("1"),
    }


def _accounting(company: Company) -> Json:
    switches = company.switches
    closed = {"BookCloseDate": switches.book_close_date} if switches.book_close_date else {}
    return {
        "UseAccountNumbers": switches.use_account_numbers,
        "TrackDepartments": switches.track_departments,
        "DepartmentTerminology": "Location",
        "ClassTrackingPerTxn": switches.track_classes == "transaction",
        "ClassTrackingPerTxnLine": switches.track_classes == "line",
        "FirstMonthOfFiscalYear": "January",
        "TaxYearMonth": "January",
        "CustomerTerminology": "Customers",
        **closed,
    }


def _sales_forms(company: Company) -> Json:
    switches = company.switches
    terms = {"DefaultTerms": {"value": switches.default_terms}} if switches.default_terms else {}
    return {
        "CustomTxnNumbers": switches.custom_txn_numbers,
        "AutoApplyCredit": switches.auto_apply_credit,
        "AllowDeposit": False,
        "AllowDiscount": True,
        "DefaultDiscountAccount": "96",
        "AllowEstimates": True,
        "AllowServiceDate": True,
        "AllowShipping": False,
        "ETransactionPaymentEnabled": switches.online_payments,
        "IPNSupportEnabled": False,
        "CustomField": _custom_fields(switches.custom_fields),
        **terms,
    }


def _custom_fields(defined: dict[str, str]) -> list[Json]:
    used = [
        {"Name": f"SalesFormsPrefs.UseSalesCustom{number}", "Type": "BooleanType", "BooleanValue": number in defined}
        for number in ("3", "2", "1")
    ]
    named = [
        {"Name": f"SalesFormsPrefs.SalesCustomName{number}", "Type": "StringType", "StringValue": name}
        for number, name in defined.items()
    ]
    return [{"CustomField": used}, {"CustomField": named}] if named else [{"CustomField": used}]


def _tax(company: Company) -> Json:
    """PartnerTaxEnabled is there only for automated sales tax."""
    switches = company.switches
    automated = {"PartnerTaxEnabled": True} if switches.tax_mode == "us_ast" else {}
    group = {"TaxGroupCodeRef": {"value": "3"}} if switches.tax_mode == "us_manual" else {}
    return {"UsingSalesTax": switches.using_sales_tax, **automated, **group}


def _other(company: Company) -> list[Json]:
    switches = company.switches
    values: dict[str, Any] = {
        "SalesFormsPrefs.DefaultItem": "1",
        "UncategorizedExpenseAccountId": "31",
        "VendorAndPurchasesPrefs.UseCustomTxnNumbers": "false",
        "WarnDuplicateJournalNumber": str(switches.warn_duplicate_journal_number).lower(),
        "WarnDuplicateBillNumber": str(switches.duplicate_bill_numbers != "allowed").lower(),
        "ProjectsEnabled": "true",
    }
    return [{"Name": name, "Value": value} for name, value in values.items()]


def _object(id_: str) -> Json:
    return {
        "domain": "QBO",
        "sparse": False,
        "Id": id_,
        "SyncToken": "4",
        "MetaData": {"CreateTime": _STAMP, "LastUpdatedTime": _STAMP},
    }


def exchange_rate(company: Company, asked: Mapping[str, str]) -> Json:
    """What one unit of a currency is in the company's own, or a refusal where it keeps no rate."""
    code, home = asked.get("sourcecurrencycode", ""), company.switches.home_currency
    if not code:
        raise problems.missing("sourcecurrencycode")
    if not company.switches.multi_currency or code not in company.switches.exchange_rates:
        raise problems.not_found()
    rate = Decimal(company.switches.exchange_rates[code])
    day = asked.get("asofdate", company.today())
    return {"SourceCurrencyCode": code, "TargetCurrencyCode": home, "Rate": rate, "AsOfDate": day}
