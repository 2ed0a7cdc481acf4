"""Makes expenses and purchases by the dozen, for load tests; the same every time."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import TYPE_CHECKING

from sandbox.connectwise.goods_drafts import add_goods

if TYPE_CHECKING:
    from sandbox.connectwise.site import Site


def generate_expenses(site: Site, count: int, seed: int = 7) -> None:
    """So many approved expenses of the site's members, ten to a report, one in five paid by the company."""
    rng = random.Random(seed)
    members, types = [each.identifier for each in site.staff.values()], list(site.expense_types.values())
    report = 0
    for index in range(count):
        where = {"member": members[index // 10 % len(members)]} if index % 10 == 0 else {"report": report}
        paid = {"payment": "Company credit card", "classification": "NonReimbursable"} if index % 5 == 4 else {}
        amount = str(Decimal(rng.randint(300, 30000)) / 100)
        wanted = {**where, **paid, "type": types[index % len(types)].name, "amount": amount, "text": f"No. {index}"}
        add_goods(site, {"expense": wanted})
        report = max(site.reports)


def generate_purchases(site: Site, count: int, lines: int = 3, seed: int = 7) -> None:
    """So many received orders of the site's vendors with so many lines each, every fourth with freight."""
    rng = random.Random(seed)
    vendors, products = (
        [each.id for each in site.vendors.values()],
        [each.identifier for each in site.products.values()],
    )
    for index in range(count):
        wanted = {
            "vendor": vendors[index % len(vendors)],
            "freight": "12.50" if index % 4 == 3 else "0",
            "lines": [{"product": rng.choice(products), "quantity": str(rng.randint(1, 20))} for _ in range(lines)],
        }
        add_goods(site, {"purchase": wanted})
