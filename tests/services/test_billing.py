"""Order first: purchase orders that become bills when the vendor's invoice comes."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import requests
from sqlmodel import update

from app.models.batches import Batch
from app.models.connections import Book
from app.services.batches import decisions
from app.services.posting import amending, billing
from app.services.records import proofs
from sandbox.connectwise.papers import Paper
from tests import engine
from tests.engine import Engine
from tests.services.test_costs import ELSEWHERE, INVENTORY, assert_crossfoots, invoice_comes, outcomes, settle, undo


def order_first(working: Engine) -> dict[str, Any]:
    """A receipt that was posted as a purchase order, whose vendor's invoice comes when it is posted and closed."""
    settle(working, inventory__purchase_as="purchase_order", inventory__date_source="vendor_invoice")
    batch = working.post("1090/PS20131", kind=INVENTORY)
    assert [(p["kind"], p["state"], _codes(p)) for p in batch["postings"]] == [
        ("purchase_order", "closed", ["order_waits"])
    ]
    assert billing.work(working.database, working.connectors, working.book_id) == []
    invoice_comes(working)
    return batch


def bill_it(working: Engine, batch: dict[str, Any]) -> dict[str, str]:
    """Role → state and problems, when the sweep has been there."""
    assert amending.due(working.database) == [working.book_id]
    assert billing.work(working.database, working.connectors, working.book_id) == [batch["batch"]]
    assert billing.work(working.database, working.connectors, working.book_id) == []
    after = working.run(batch["batch"])
    return {p["role"]: " ".join([p["state"], *_codes(p)]) for p in after["postings"]}


def _codes(posting: dict[str, Any]) -> list[str]:
    return [code for problem in posting["problems"] if (code := problem["code"]) != ELSEWHERE]


def previewed(working: Engine) -> tuple[str, str, str | None]:
    """What stands beside the order in its preview: state, the order that is billed, and what is said of it."""
    with working.database.reading() as session:
        book = session.get_one(Book, working.book_id)
    shown = proofs.proof(working.database, working.connectors, book, INVENTORY, "1090-PS20131-purchase").to_json()
    [bill] = shown["beside"]
    assert (bill["psa"]["kind"], bill["psa"]["total"]) == ("bill", shown["psa"]["total"])
    return bill["state"], bill["psa"]["bills"], bill["note"]


def test_an_order_becomes_one_bill_when_the_vendors_invoice_comes_and_both_can_be_undone(
    working: Engine,
) -> None:
    settle(working, inventory__purchase_as="purchase_order", inventory__attach_files="yes")
    working.site.papers[1090] = Paper(1090, "PurchaseOrder", 1090, "Invoice.pdf", b"%PDF")
    come = "when the vendor’s invoice has come in ConnectWise."
    assert previewed(working) == ("unposted", "", f"Made from the order {come}")
    batch = order_first(working)
    [ordered] = working.company.visible("PurchaseOrder")
    assert previewed(working) == ("unposted", ordered["Id"], f"Made from the order {ordered['DocNumber']} {come}")
    assert bill_it(working, batch) == {"main": "closed", "bill": "closed"}
    [order], [bill] = working.company.visible("PurchaseOrder"), ours(working, "Bill")
    attached = working.company.tables["Attachable"].values()
    assert [str(one["AttachableRef"][0]["EntityRef"]["type"]) for one in attached] == ["PurchaseOrder", "Bill"]
    assert (bill["DocNumber"], bill["TxnDate"]) == ("TS-9951", str(working.site.today - dt.timedelta(days=1)))
    assert bill["LinkedTxn"] == [{"TxnId": order["Id"], "TxnType": "PurchaseOrder"}]
    assert [line["LinkedTxn"][0]["TxnLineId"] for line in bill["Line"]] == [line["Id"] for line in order["Line"]]
    assert previewed(working) == ("closed", order["Id"], f"Made from the order {order['DocNumber']}.")
    assert (order["POStatus"], order["TotalAmt"]) == ("Closed", bill["TotalAmt"])
    assert_crossfoots(working.json(batch["batch"]))
    working.assert_exactly_once()
    assert undo(working, batch, "1090-PS20131-purchase") == {"1090-PS20131-purchase": "undone"}
    assert not working.in_books()
    assert "1090/PS20131" in working.unposted(INVENTORY)


@pytest.mark.parametrize("change", [{"PrivateNote": "mine"}, {"POStatus": "Closed"}])
def test_an_order_that_somebody_changed_or_closed_is_not_billed(working: Engine, change: dict[str, str]) -> None:
    batch = order_first(working)
    [order] = working.company.visible("PurchaseOrder")
    note = {
        name: f"{order['PrivateNote']} {value}" if name == "PrivateNote" else value for name, value in change.items()
    }
    body = {"entity": "PurchaseOrder", "id": order["Id"], "changes": note}
    assert requests.post(f"{working.both.quickbooks_online.url}/_edit", json=body, timeout=10).ok
    assert bill_it(working, batch) == {"main": "closed", "bill": "held order_changed"}
    assert not ours(working, "Bill")
    decisions.decide(working.database, batch["batch"], "1090-PS20131-purchase", "skip", by=engine.BY)
    assert outcomes(working.run(batch["batch"]))["1090-PS20131-purchase"] == "skipped"


def test_while_the_orders_batch_still_runs_its_bill_is_not_made_so_that_it_is_not_left_behind(working: Engine) -> None:
    batch = order_first(working)
    with working.database.session() as session:
        session.exec(update(Batch).values(ended_at=None))
        session.commit()
    assert billing.work(working.database, working.connectors, working.book_id) == []
    working.run(batch["batch"])
    assert bill_it(working, batch) == {"main": "closed", "bill": "closed"}


def ours(working: Engine, entity: str) -> list[dict[str, Any]]:
    return [row for row in working.company.visible(entity) if "CF-" in (row.get("PrivateNote") or "")]
