"""What new entries stand under: product categories, parents of classes; and from when a new item has stock."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sandbox.quickbooks_online.chart import place
from tests.engine import Engine
from tests.services.test_cogs import by_role, sell, settle
from tests.services.test_costs import INVENTORY


def items(working: Engine) -> dict[str, dict[str, Any]]:
    return {row["Name"]: row for row in working.company.visible("Item")}


def test_new_items_stand_under_their_category_which_is_taken_or_created_and_have_stock_from_the_oldest_record_on(
    working: Engine,
) -> None:
    settle(working, inventory__categories="yes", inventory__income_account="79")
    with working.company.lock:
        place(working.company, "Item", {"Name": "Peripherals", "Type": "Category"})
    working.refresh()  # invoices wait too, and are older than any receipt
    batch = working.post("1088/PS20114", kind=INVENTORY)
    assert by_role(batch) == {"main": "closed"}
    found = items(working)
    assert found["DOCK-C"]["ParentRef"] == {"value": found["Peripherals"]["Id"]}
    assert (found["General"]["Type"], found["AP-U6"]["ParentRef"]) == ("Category", {"value": found["General"]["Id"]})
    assert found["AP-U6"]["FullyQualifiedName"] == "General:AP-U6"
    oldest = min(dt.date.fromisoformat(str(row.date)) for row in working.site.unposted())
    assert found["AP-U6"]["InvStartDate"] <= str(oldest)
    working.assert_exactly_once()


def test_parents_of_a_class_are_created_before_it(working: Engine) -> None:
    settle(working, categories__classes="yes")
    working.site.switches.change({"gl_classes": True})
    assert by_role(working.post(sell(working, gl_class="West:Oregon:Portland"))) == {"main": "closed"}
    classes = {row["FullyQualifiedName"] for row in working.company.visible("Class")}
    assert {"West", "West:Oregon", "West:Oregon:Portland"} <= classes
