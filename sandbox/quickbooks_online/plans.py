"""What the company's plan does not include is refused with 5030."""

from __future__ import annotations

from sandbox.quickbooks_online.company import Company
from sandbox.quickbooks_online.problems import Json, Refusal

_BILLS = {"Bill", "VendorCredit"}
_PLUS = {"PurchaseOrder", "InventoryAdjustment", "Class", "Department"}


def included(company: Company, entity: str, body: Json) -> None:
    """Refuse (5030) what a smaller plan lacks: bills, stock, categories; and adjustments outside the US."""
    plan = company.switches.offering
    small, smallest = "Essentials" in plan, "Simple Start" in plan
    if smallest and entity in _BILLS:
        raise _not_included("Bills")
    if (small or smallest) and (entity in _PLUS or body.get("Type") == "Inventory"):
        raise _not_included(entity)
    if small and entity in _BILLS and any("ItemBasedExpenseLineDetail" in line for line in body.get("Line", [])):
        raise _not_included("Items on bills")
    if entity == "InventoryAdjustment" and company.switches.country not in ("US", "USA"):
        raise _not_included("InventoryAdjustment")


def _not_included(what: str) -> Refusal:
    detail = f"{what} is not supported by the subscription of this company."
    return Refusal(5030, "Feature Not Supported Error", detail, what)
