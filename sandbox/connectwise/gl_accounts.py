"""`/finance/glAccounts`: what the GL mapping sends to which account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.connectwise.purchase_export import PAYABLE
from sandbox.connectwise.purchases import Adjustment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.connectwise.site import Site

Row = dict[str, Any]

# GL type, name of the mapping, and the table that it is kept for.
TYPES = (
    ("AR", "Accounts Receivable", "Company"),
    ("R", "Service Revenue", "Work_Type"),
    ("RA", "Agreement Revenue", "AGR_Type"),
    ("RE", "Expense Revenue", "Expense_Type"),
    ("RP", "Product Revenue", "IV_SubCategory"),
    ("RD", "Deferred Revenue", "Company"),
    ("ST", "Sales Tax", "Tax_Code"),
    ("AP", "Accounts Payable", "Company"),
    ("EE", "Expense External", "Expense_Type"),
    ("EI", "Expense Internal", "Expense_Type"),
    ("EO", "Expense Offset", "Expense_Pmt_Type"),
    ("ET", "Expense Tax", "Tax_Code"),
    ("P", "Purchasing", "IV_SubCategory"),
    ("PF", "Purchase Order Freight", "Company"),
    ("PT", "Purchase Tax", "Tax_Code"),
    ("IA", "Inventory Adjustment", "IV_Adj_Type"),
    ("IT", "Inventory Transfer", "Warehouse"),
)
MAPPED_TYPES: list[Row] = [
    {
        "id": number,
        "name": name,
        "table": table,
        "recIdField": f"{table}_RecID",
        "glType": kind,
        "sortOrder": number,
    }
    for number, (kind, name, table) in enumerate(TYPES, 1)
]
REVENUE = (
    ("AR", "1100"),
    ("R", "4010"),
    ("RA", "4000"),
    ("RE", "4500"),
    ("RP", "4100"),
    ("RP", "4200"),
    ("RP", "4300"),
    ("R", "4400"),
    ("RP", "4600"),
    ("RD", "2300"),
    ("ST", "2200"),
)


def gl_accounts(site: Site) -> list[Row]:
    """GLAccount: the mapping of today, as people have changed it."""
    by_type = {each["glType"]: each for each in MAPPED_TYPES}
    pairs = [(kind, site.mapping.get(account, account)) for kind, account in REVENUE]
    return [
        {
            "id": number,
            "glType": kind,
            "mappedType": {"id": by_type[kind]["id"], "name": by_type[kind]["name"]},
            "segment1": account,
        }
        for number, (kind, account) in enumerate([*pairs, *_others(site)], 1)
    ]


def _others(site: Site) -> Iterator[tuple[str, str]]:
    """The accounts of expenses and stock, each once."""
    found = [("AP", PAYABLE), ("PF", "5100"), ("PT", "2200"), ("ET", "2200")]
    for each in site.expense_types.values():
        found += [("EE", each.external), ("EI", each.internal)]
    found += [("EO", each.account) for each in site.payment_methods.values() if each.company]
    found += [("P", each.inventory_account) for each in site.products.values()]
    found += [("IA", each.account) for each in site.goods if isinstance(each, Adjustment)]
    yield from ((kind, account) for kind, account in dict.fromkeys(found) if account)
