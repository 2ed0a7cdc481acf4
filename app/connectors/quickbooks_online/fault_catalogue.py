"""QuickBooks' error codes: what each means for a document that we sent, in words that a bookkeeper can act on.

https://developer.intuit.com/app/developer/qbo/docs/develop/troubleshooting/error-codes
A code that is not here leaves the outcome in doubt: only what is listed as final may be treated as a refusal.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Meaning(StrEnum):
    """What a fault says about the document."""

    FINAL = "final"  # nothing was booked, and the same request will be refused again
    LOCKED = "locked"  # nothing was booked because something else was being written at that moment
    THROTTLED = "throttled"
    LATER = "later"  # the company is under maintenance
    STOP = "stop"  # no other call fares better until a person acts
    UNKNOWN = "unknown"  # perhaps booked


@dataclass(frozen=True, slots=True)
class Entry:
    """One code's meaning; ``{detail}`` in a sentence is QuickBooks' own text."""

    meaning: Meaning
    code: str = ""
    message: str = ""
    remedy: str = ""
    field: str = ""


RETRY = "Correct it, then retry."
REPORT = "This is an error of Crossfoot: please report it with the full log."


def _final(code: str, message: str, remedy: str, field: str = "") -> Entry:
    return Entry(Meaning.FINAL, code, message, remedy, field)


def _stop(code: str, message: str, remedy: str) -> Entry:
    return Entry(Meaning.STOP, code, message, remedy)


_GONE = _final(
    "reference_gone",
    "Something this document uses was deleted or made inactive in QuickBooks: {detail}",
    "Retry: the lists are read anew, and what is inactive is named; make it active there, or link another entry.",
)
_NOT_TAKEN = _final("value_not_taken", "QuickBooks does not take a value of this document: {detail}", RETRY)
_BUG = _final("request_not_taken", "QuickBooks does not understand the request: {detail}", REPORT)
_TAX = _final(
    "tax_not_taken",
    "QuickBooks does not take the document’s tax: {detail}",
    "Check the tax code link and the tax mode of this QuickBooks company, then retry.",
    "tax",
)
_CLOSED = _final(
    "period_closed",
    "The books are closed for this document’s date.",
    "Open the period in QuickBooks (Account and settings, Advanced, Close the books) or change the date in the PSA,"
    " then retry.",
    "date",
)
_RECONNECT = _stop(
    "reconnect_needed",
    "QuickBooks no longer lets Crossfoot in.",
    "Connect the company again under Connections.",
)
_LATER = Entry(Meaning.LATER, "maintenance", "QuickBooks has this company under maintenance.")
_UNKNOWN = Entry(Meaning.UNKNOWN)
#: 6000 is a business rule that only its text tells apart; this is what remains.
RULE = _final("business_rule", "QuickBooks’ rules refuse this document: {detail}", RETRY)
CLOSED = _CLOSED
CURRENCY = _final(
    "currency_differs",
    "The document’s currency is not the one QuickBooks has for this customer, vendor or account: {detail}",
    "Link the PSA’s customer or vendor to one of that currency in QuickBooks, then retry.",
    "currency",
)
LOCKED = Entry(Meaning.LOCKED, "locked", "QuickBooks was writing to the same customer or item at that moment.")
TAX = _TAX

CATALOGUE: dict[str, Entry] = {
    **dict.fromkeys(("100", "110", "120", "3100", "3200", "3202"), _RECONNECT),
    **dict.fromkeys(("130", "140", "150"), _LATER),
    # A duplicate request id may mean that the first call is still running; system faults may come after the commit.
    **dict.fromkeys(("600", "1000", "1010", "1020", "10000"), _UNKNOWN),
    **dict.fromkeys(("500", "1040", "1050", "2000", "2010", "2600", "3000"), _BUG),
    "610": _GONE,
    "2500": _GONE,
    **dict.fromkeys(("620", "630", "700", "800", "900"), _NOT_TAKEN),
    "2020": _final("value_missing", "QuickBooks asks for a value that this document lacks: {detail}", RETRY),
    **{str(code): _NOT_TAKEN for code in range(2030, 2270, 10)},
    **dict.fromkeys(("2270", "2280"), _TAX),
    **dict.fromkeys(("2290", "2300"), _NOT_TAKEN),
    "3001": Entry(Meaning.THROTTLED, "throttled", "QuickBooks’ limit is reached."),
    "5010": LOCKED,
    "5020": _stop(
        "no_permission",
        "The person who connected QuickBooks has no right to do this there.",
        "Have a company administrator of QuickBooks connect it again under Connections.",
    ),
    "5030": _final(
        "not_in_plan",
        "This QuickBooks plan does not include what the document needs: {detail}",
        "Upgrade the plan or turn off what it lacks, then retry.",
    ),
    **dict.fromkeys(("6010", "6080", "6090", "6150", "6180", "6310", "6320", "6420", "6520"), _NOT_TAKEN),
    "6070": _final("amount_not_taken", "QuickBooks computes another amount for a line: {detail}", REPORT, "lines"),
    **dict.fromkeys(("6100", "6160", "6170", "6230", "6470"), _TAX),
    "6140": _final(
        "number_taken",
        "QuickBooks already holds a document with this number: {detail}",
        "Look it up in QuickBooks: link it if it is this one, else change one of the two numbers, then retry.",
        "number",
    ),
    "6190": _stop(
        "subscription_ended",
        "The QuickBooks subscription of this company has ended or is paused.",
        "Renew it in QuickBooks, then resume.",
    ),
    **dict.fromkeys(("6200", "6210"), _CLOSED),
    "6240": _final(
        "name_taken",
        "Another customer, vendor, employee or item in QuickBooks already has this name: {detail}",
        "Link the existing one, or choose another name.",
    ),
    "6250": _final(
        "customer_gone",
        "The linked customer is missing or inactive in QuickBooks.",
        "Make it active there or link another customer, then retry.",
        "party",
    ),
    "6270": _final(
        "before_inventory_start",
        "The document is dated before an inventory item’s start date in QuickBooks: {detail}",
        "Change the item’s start date in QuickBooks or link another item, then retry.",
        "date",
    ),
    **dict.fromkeys(("6450", "6480", "6540"), _NOT_TAKEN),
    "6430": _final(
        "wrong_account_type",
        "An account has a type that can’t be used here: {detail}",
        "Link the PSA account to an account of the right type, then retry.",
    ),
    "6440": _final("line_without_item", "A line has neither item nor account in QuickBooks: {detail}", RETRY, "lines"),
}
