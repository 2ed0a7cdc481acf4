"""What a QuickBooks company can take beside sales: classes, locations, custom fields, stock; as ``Rules.extra``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from app.connectors.quickbooks_online.members import Members, part, rows
from app.domain.links import Entry

#: Types of accounts that an expense may be paid from, and that vendors are owed from.
MONEY, PAYABLE = ("Bank", "Credit Card", "Other Current Asset"), "Accounts Payable"
#: Plans without stock, categories and purchase orders.
SMALL_PLANS = ("simple start", "essentials", "easystart", "self-employed", "ledger", "lite")
_USED = re.compile(r"SalesFormsPrefs\.UseSalesCustom(\d)")


def abilities(preferences: Members | None, country: str, plan: str) -> dict[str, str]:
    """``classes`` (off, line, document), ``locations``, ``custom_fields``, ``inventory``, ``inventory_adjustments``.

    What can't be read is left out: then QuickBooks itself says what it doesn't take.
    """
    stock = not any(word in plan.casefold() for word in SMALL_PLANS)
    found = {"inventory_adjustments": _on(stock and country == "US")}
    if preferences is None:
        return found
    books = part(preferences, "AccountingInfoPrefs")
    tracked = part(preferences, "ProductAndServicesPrefs").get("QuantityOnHand")
    return {
        **found,
        "classes": _classes(books),
        "locations": _on(books.get("TrackDepartments") is True),
        "custom_fields": " ".join(_custom_fields(preferences)),
        "inventory": _on(stock and tracked is not False),
    }


def known_accounts(accounts: Iterable[Entry]) -> dict[str, str]:
    """``account_type:<id>`` of what may be paid from; ``payable_account`` where the company has one only.

    ``payable_account:<currency>`` is the only one that is kept in a currency.
    """
    active = [account for account in accounts if account.active]
    payable = [account for account in active if account.detail == PAYABLE]
    kept = Counter(account.currency for account in payable)
    only = {"payable_account": payable[0].ledger_id} if len(payable) == 1 else {}
    only |= {f"payable_account:{one.currency}": one.ledger_id for one in payable if kept[one.currency] == 1}
    return {**{f"account_type:{one.ledger_id}": one.detail for one in active if one.detail in MONEY}, **only}


def _classes(books: Members) -> str:
    if books.get("ClassTrackingPerTxnLine") is True:
        return "line"
    return "document" if books.get("ClassTrackingPerTxn") is True else "off"


def _custom_fields(preferences: Members) -> list[str]:
    """Numbers of the fields that sales forms use; QuickBooks nests them in two lists of the same name."""
    groups = rows(part(preferences, "SalesFormsPrefs"), "CustomField")
    switches = [switch for group in groups for switch in rows(group, "CustomField")]
    named = [(_USED.fullmatch(str(switch.get("Name"))), switch.get("BooleanValue")) for switch in switches]
    return sorted(match[1] for match, used in named if match and used is True)


def _on(flag: bool) -> str:
    return "on" if flag else "off"
