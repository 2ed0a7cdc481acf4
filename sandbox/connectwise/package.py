"""The accounting package of the site and the boxes of its set-up page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sandbox.connectwise.site import Site

Row = dict[str, Any]

PACKAGE: Row = {"id": 12, "identifier": "Other", "name": "Other"}
SETUP: Row = {
    "id": 1,
    "accountingPackage": PACKAGE,
    "directTransferFlag": False,
    "includeInvoicesFlag": True,
    "invoiceFormat": "Default",
    "includeExpensesFlag": True,
    "transferExpensesAsBillFlag": False,
    "expenseFormat": "Default",
    "suppressMemoFlag": False,
    "syncPaymentInfoFlag": True,
    "syncWisePayPaymentInfoFlag": False,
    "includeSalesTaxFlag": True,
    "enableTaxGroupsFlag": False,
    "zeroDollarTaxAmountsFlag": True,
    "includeItemsFlag": True,
    "inventorySOHFlag": False,
    "sendComponentAmountFlag": False,
    "sendUomFlag": False,
    "includeCogsEntriesFlag": False,
    "includeCogsDropShipFlag": False,
}


def package_setup(site: Site) -> Row:
    """AccountingPackageSetup: the boxes as they are now."""
    return {**SETUP, **site.switches.package_setup}
