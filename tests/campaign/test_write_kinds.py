"""Every kind of write beside invoices, killed once at each of its points, and counted where the vendors keep it."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from sqlmodel import col, select, update

from app.domain.states import RecordKind
from app.models.attachments import Attachment
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.postings import Posting
from app.models.reloads import Reload
from app.models.workbench import EntryChange
from app.services.connections import books
from app.services.posting import amending, reloading
from sandbox.connectwise.papers import Paper
from tests import engine
from tests.campaign.entry_points import points
from tests.campaign.service import Row
from tests.faults.rig import Rig

EXPENSES, INVENTORY = RecordKind.EXPENSES, RecordKind.INVENTORY
#: A call to QuickBooks that creates documents: one, or many.
CREATE = r"POST .*/(batch|bill|vendorcredit|purchase|purchaseorder|journalentry|inventoryadjustment|invoice)\?"
CALL = {
    "call's intent not quite committed": ("commit", r"INSERT INTO calls", 1),
    "call's intent committed": ("committed", r"INSERT INTO calls", 1),
    "first byte": ("request", CREATE, 1),
    "booked, answer unread": ("answer", CREATE, 1),
    "booked, not quite written": ("commit", r"UPDATE calls SET state=.*'answered'", 1),
    "closed in the PSA, answer unread": ("answer", r"POST .*/accounting/batches", 1),
}
Point = tuple[str, str, int]


@dataclass
class Scene:
    """Something that a worker is to do: its job and id, and what must be true when all is done."""

    job: str
    ident: int
    batch: int
    states: dict[str, str]
    also: Callable[[], None] = lambda: None


def settle(rig: Rig, **values: str) -> None:
    with rig.engine.database.session() as session:
        wanted = {name.replace("__", "."): value for name, value in values.items()}
        books.set_settings(session, session.get_one(Book, rig.engine.book_id), wanted, engine.BY)


def add(rig: Rig, **body: Any) -> dict[str, Any]:
    answer = requests.post(f"{rig.engine.both.connectwise.url}/_add", json=body, timeout=10)
    assert answer.ok, answer.text
    return dict(answer.json())


def ours(rig: Rig, entity: str) -> list[dict[str, Any]]:
    return [row for row in rig.engine.company.visible(entity) if "CF-" in (row.get("PrivateNote") or "")]


def roles(batch: dict[str, Any]) -> dict[str, str]:
    return {f"{posting['role']} {posting['number']}": posting["state"] for posting in batch["postings"]}


# ── scenes ───────────────────────────────────────────────────────────────────────────────────────────────────────


def expenses(rig: Rig) -> Scene:
    """A bill, a vendor credit, an expense and what came back of one."""
    for amount, kind, payment in (
        ("-44.10", "Reimbursable", "Paid by employee"), ("-12.34", "NonReimbursable", "Company credit card"),
    ):  # fmt: skip
        add(rig, expense={"member": "mortiz", "amount": amount, "classification": kind, "payment": payment})
    numbers = ("EXP-9001", "EXP-9004", "EXP-9017", "EXP-9018")
    batch = rig.engine.submit(*numbers, kind=EXPENSES)
    return Scene("", batch, batch, {f"main {number}": "closed" for number in numbers})


def _assert_files(rig: Rig, *names: str) -> None:
    held = Counter(str(one["FileName"]) for one in rig.engine.company.tables["Attachable"].values())
    assert held == Counter(names)
    with rig.engine.database.reading() as session:
        assert set(session.exec(select(Attachment.state))) == {"done"}


def receipts(rig: Rig) -> Scene:
    """Two expenses in one bill, with three receipts one after the other, and a file that no ledger takes."""
    settle(rig, purchases__attach_receipts="yes", purchases__group="member_week")
    for ident, name in ((30, "receipt.pdf"), (31, "Lunch.JPG"), (32, "Photo.heic")):
        rig.engine.site.papers[ident] = Paper(ident, "Expense", 9001, name, b"what it shows", False)
    batch = rig.engine.submit("EXP-9001", "EXP-9003", kind=EXPENSES)
    (number,) = [f"main {posting['number']}" for posting in rig.engine.json(batch)["postings"]]

    def attached() -> None:
        _assert_files(rig, "receipt (30).pdf", "Lunch (31).jpg", "receipt (1003).pdf")
        (told,) = rig.problems(batch).values()
        assert told == ["receipt_left_out"]

    return Scene("", batch, batch, {number: "closed"}, attached)


def order_files(rig: Rig) -> Scene:
    """A bill and a purchase order with two files each."""
    settle(rig, inventory__attach_files="yes", inventory__purchase_as="purchase_order")
    for number, order in ((40, 1088), (41, 1088), (42, 1090), (43, 1090)):
        rig.engine.site.papers[number] = Paper(number, "PurchaseOrder", order, "Invoice.pdf", b"%PDF")
    batch = rig.engine.submit("1088/PS20114", "1090/PS20131", kind=INVENTORY)
    names = [f"Invoice ({number}).pdf" for number in (40, 41, 42, 43)]
    states = dict.fromkeys(("main IM-55810", "main 1090"), "closed")
    return Scene("", batch, batch, states, lambda: _assert_files(rig, *names))


def goods(rig: Rig) -> Scene:
    """A bill, a purchase order, an adjustment, and one that is a journal entry."""
    settle(rig, inventory__purchase_as="purchase_order")
    batch = rig.engine.submit("1088/PS20114", "1090/PS20131", "ADJ-31", "ADJ-32", kind=INVENTORY)
    return Scene(
        "", batch, batch, dict.fromkeys(("main IM-55810", "main 1090", "main ADJ-31", "main ADJ-32"), "closed")
    )


def _sale(rig: Rig, **line: Any) -> str:
    dock = {"identifier": "DOCK-TB4", "description": "Dock", "type_id": 4, "price": "279.00", "cost": "198.50",
            "inventory_account": "1300", "cogs_account": "5000"}  # fmt: skip
    lines = [line or {"product": dock, "quantity": "3"}]
    return str(add(rig, company="Acme Dental", tax_code=None, lines=lines)["number"])


def _costing(rig: Rig) -> str:
    rig.engine.site.switches.change({"package_setup": {"includeCogsEntriesFlag": True}})
    settle(rig, inventory__cogs="journal_entry")
    return _sale(rig)


def cost(rig: Rig) -> Scene:
    """An invoice, and the entry of its cost after it."""
    number = _costing(rig)
    batch = rig.engine.submit(number)
    return Scene("", batch, batch, {f"main {number}": "closed", f"cogs COGS {number}": "closed"})


def cost_undone(rig: Rig) -> Scene:
    """Both of them taken out again."""
    number = _costing(rig)
    batch = rig.engine.submit(number)
    assert set(roles(rig.take_over(batch)).values()) == {"closed"}
    rig.undo(batch, number)

    def gone() -> None:
        assert not rig.engine.in_books()
        assert number in rig.engine.unposted()

    return Scene("", batch, batch, {f"main {number}": "undone", f"cogs COGS {number}": "undone"}, gone)


def _invoice_comes(rig: Rig) -> None:
    order = rig.engine.site.orders[1090]
    order.vendor_invoice, order.vendor_invoice_date = "TS-9951", rig.engine.site.today - dt.timedelta(days=1)


def amendment(rig: Rig) -> Scene:
    """A bill that gets the vendor's number."""
    batch = rig.engine.submit("1090/PS20131", kind=INVENTORY)
    rig.take_over(batch)
    _invoice_comes(rig)

    def numbered() -> None:
        assert [row["DocNumber"] for row in ours(rig, "Bill")] == ["TS-9951"]
        assert amending.work(rig.engine.database, rig.engine.connectors, rig.engine.book_id) == 0

    return Scene("amending", rig.engine.book_id, batch, {"main TS-9951": "closed"}, numbered)


def order_billed(rig: Rig) -> Scene:
    """An order whose bill is made when the vendor's invoice comes."""
    settle(rig, inventory__purchase_as="purchase_order")
    batch = rig.engine.submit("1090/PS20131", kind=INVENTORY)
    rig.take_over(batch)
    _invoice_comes(rig)

    def once() -> None:
        [order], [bill] = ours(rig, "PurchaseOrder"), ours(rig, "Bill")
        assert order["LinkedTxn"] == [{"TxnId": bill["Id"], "TxnType": "Bill"}]

    return Scene("billing", rig.engine.book_id, batch, {"main 1090": "closed", "bill TS-9951": "closed"}, once)


def item_changed(rig: Rig) -> Scene:
    """An item whose account is changed before its invoice goes."""
    settle(rig, sales__account_conflict="update")
    number = _sale(rig, product="UPS-1500", account="4010")
    batch = rig.engine.submit(number)

    def changed() -> None:
        item = next(row for row in rig.engine.company.visible("Item") if row["Name"] == "UPS-1500")
        assert (item["IncomeAccountRef"]["value"], item["SyncToken"]) == ("82", "1")

    return Scene("", batch, batch, {f"main {number}": "closed"}, changed)


def item_supplied(rig: Rig) -> Scene:
    """An item that was made from a receipt, and gets its income account before its first invoice goes."""
    rig.take_over(rig.engine.submit("1094/PS20151", kind=INVENTORY))
    number = _sale(rig, product="AP-U6")
    batch = rig.engine.submit(number)

    def supplied() -> None:
        item = next(row for row in rig.engine.company.visible("Item") if row["Name"] == "AP-U6")
        accounts = (item["IncomeAccountRef"]["value"], item["ExpenseAccountRef"]["value"])
        assert (accounts, item["SyncToken"]) == (("79", "88"), "1")

    return Scene("", batch, batch, {f"main {number}": "closed"}, supplied)


def reload(rig: Rig) -> Scene:
    """An invoice without accounts that is reopened and closed in the PSA, and posted then."""
    draft = {"company": "Acme Dental", "mapped": False, "tax_code": None, "lines": [{"text": "Hours", "price": "100"}]}
    number = str(add(rig, **draft)["number"])
    batch = rig.engine.submit(number)
    rig.take_over(batch)
    requests.post(f"{rig.engine.both.connectwise.url}/_edit", json={"action": "complete_mapping"}, timeout=10)
    with rig.engine.database.session() as session:
        posting = session.exec(select(Posting).where(Posting.number == number)).one()
        assert reloading.ask(session, session.get_one(Batch, batch), [posting], by=engine.BY) == 1

    def stamped() -> None:
        invoice = next(each for each in rig.engine.site.invoices.values() if each.number == number)
        assert invoice.stamp is not None

    return Scene("reloading", rig.engine.source_id, batch, {f"main {number}": "closed"}, stamped)


AMEND = {
    "intent committed": ("committed", r"bill_under_way", 1),
    "first byte": ("request", r"POST .*/bill\?", 1),
    "changed, answer unread": ("answer", r"POST .*/bill\?", 1),
    "changed, not quite written": ("commit", r"DELETE FROM problems.*bill_under_way|UPDATE postings SET .*number", 1),
}
BILLING = {
    "bill's posting not quite committed": ("commit", r"INSERT INTO postings", 1),
    "bill's posting committed": ("committed", r"INSERT INTO postings", 1),
}
UNDO = {
    "invoice deleted, answer unread": ("answer", r"POST .*/invoice\?operation=delete", 1),
    "entry's intent committed": ("committed", r"SET undo_step=\? .*\| \('ledger'", 2),
    "entry deleted, answer unread": ("answer", r"POST .*/journalentry\?operation=delete", 1),
    "PSA's intent committed": ("committed", r"SET undo_step=\? .*\| \('psa'", 1),
    "reopened, answer unread": ("answer", r"DELETE .*/accounting/batches", 1),
}
ITEM = {"intent committed": ("committed", r"INSERT INTO entry_changes", 1), **points("item")}
RELOAD = {
    "reopening's intent committed": ("committed", r"UPDATE reloads SET .*'opening'", 1),
    "reopened, answer unread": ("answer", r"PATCH .*/finance/invoices/", 1),
    "closing, first byte": ("request", r"PATCH .*/finance/invoices/", 2),
    "closed again, answer unread": ("answer", r"PATCH .*/finance/invoices/", 2),
}
FILES = {
    "files' intents not quite committed": ("commit", r"INSERT INTO attachments", 1),
    "first file's intent committed": ("committed", r"UPDATE attachments SET .*'sending'", 1),
    "first byte of a file": ("request", r"POST .*/upload\?", 1),
    "first file there, answer unread": ("answer", r"POST .*/upload\?", 1),
    "first file not quite written": ("commit", r"UPDATE attachments SET .*'wanted'", 1),
    "first file written": ("committed", r"UPDATE attachments SET .*'wanted'", 1),
    "second file there, answer unread": ("answer", r"POST .*/upload\?", 2),
    "last file written, not quite done": ("commit", r"UPDATE attachments SET .*'done'", 1),
}
SECOND = {name: (moment, pattern, 2) for name, (moment, pattern, _) in CALL.items() if "PSA" not in name}
SCENES: Sequence[tuple[Callable[[Rig], Scene], dict[str, Point]]] = (
    (expenses, CALL), (goods, CALL), (cost, SECOND), (cost_undone, UNDO), (amendment, AMEND), (order_billed, BILLING),
    (item_changed, ITEM), (item_supplied, ITEM), (reload, RELOAD), (receipts, FILES), (order_files, FILES),
)  # fmt: skip
CASES = [(scene, name, point) for scene, points in SCENES for name, point in points.items()]


@pytest.mark.parametrize(
    ("make", "point"), [(s, p) for s, _, p in CASES], ids=[f"{s.__name__}: {name}" for s, name, _ in CASES]
)
def test_a_worker_killed_at_a_write_point_doubles_nothing_and_loses_nothing(
    rig: Rig, row: Row, request: pytest.FixtureRequest, make: Callable[[Rig], Scene], point: Point
) -> None:
    row.scenario = request.node.callspec.id
    scene = make(rig)
    moment, pattern, nth = point
    worker = rig.worker(scene.ident, job=scene.job, moment=moment, pattern=pattern, nth=nth)
    assert worker.ended(30)
    assert rig.sign.exists(), f"the worker never came to this point: {rig.story(scene.batch)}"
    row.killed(rig.under_way(), rig.sending())
    _finish(rig, scene)
    assert roles(rig.engine.json(scene.batch)) == scene.states, rig.problems(scene.batch)
    scene.also()
    _assert_counted_once(rig)


def _finish(rig: Rig, scene: Scene) -> None:
    """Time passes, and other workers take over."""
    for _ in range(12 if scene.job else 1):
        with rig.engine.database.session() as session:
            for table in (EntryChange, Reload):
                session.exec(update(table).where(col(table.look_at) > utcnow()).values(look_at=None))
            session.commit()
        if scene.job:
            rig.worker(scene.ident, job=scene.job).ended(30)
    with rig.engine.database.session() as session:
        batch = session.get_one(Batch, scene.batch)
        batch.wake_at = None
        session.add(batch)
        session.commit()
    if rig.engine.batch(scene.batch).ended_at is None:
        rig.take_over(scene.batch)


def _assert_counted_once(rig: Rig) -> None:
    """In the stand-ins' own state: each mark once in the books, each record in one of our batches at most."""
    rig.engine.assert_exactly_once()
    batches = requests.get(f"{rig.engine.both.connectwise.url}/_batches", timeout=10).json()
    members = Counter(
        f"{kind}:{record}" for one in batches for kind in ("invoices", "expenses", "products") for record in one[kind]
    )
    assert not [record for record, count in members.items() if count > 1]
