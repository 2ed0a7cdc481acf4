"""Running expenses and purchases: the stand-ins' own, on pages of the same kind as those of invoices."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from sqlmodel import select

from app.database import Database
from app.domain.states import RecordKind
from app.models.connections import Book
from app.models.records import UnpostedRow
from app.services.connections import connections
from app.services.records import previews
from tests import engine
from tests.engine import Engine
from tests.routes.conftest import Browser, field, words


@pytest.fixture
def sides(tmp_path: Path, redis_server: redis.Redis, database: Database) -> Iterator[Engine]:
    """Both stand-ins, connected and linked, their lists of costs read and looked at."""
    made = engine.make(tmp_path, redis_server, database=database)
    source = connections.open_source(database, made.connectors, made.source_id)
    for kind in (RecordKind.EXPENSES, RecordKind.INVENTORY):
        made.refresh(kind)
        previews.fill(database, source, made.source_id, kind)
    yield made
    made.both.stop()


@pytest.fixture
def vendors(sides: Engine) -> object:
    """The app talks to the stand-ins over HTTP."""
    return sides.connectors


def records(browser: Browser, kind: str, *searches: str) -> list[str]:
    """Ids of what the list shows for each search."""
    found = [browser.get(f"/run/{kind}?q={words}").text for words in searches]
    return [record for text in found for record in re.findall(r'name="shown" value="([^"]+)"', text)]


def tick(browser: Browser, kind: str, *searches: str) -> None:
    """Tick all that each search shows."""
    chosen = records(browser, kind, *searches)
    browser.post(f"/run/{kind}/tick", {"shown": chosen, "record": chosen})


def submit(browser: Browser, kind: str) -> str:
    """Through the question to the batch; answers where that is."""
    browser.get(f"/run/{kind}")
    asked = browser.post(f"/run/{kind}", {"action": "submit"})
    form = {"token": field(asked, "token"), "seen": field(asked, "seen"), "accept": "yes"}
    return browser.post(f"/run/{kind}/submit", form, status=303, follow=False).headers["Location"]


def set_rule(database: Database, book_id: int, name: str, value: str) -> None:
    with database.session() as session:
        book = session.get_one(Book, book_id)
        book.settings = {**book.settings, name: value}
        session.add(book)
        session.commit()


def test_expenses_show_who_paid_how_and_how_far_their_report_is(bookkeeper: Browser, sides: Engine) -> None:
    said = words(bookkeeper.get("/run/expenses"))
    assert "Member" in said
    assert "Mileage, Acme Dental Reimbursable" in said
    assert "Non-reimbursable" in said
    assert "pending approval" in said
    assert "Summary level" not in said
    assert "Run New Batch ▸ Expenses" in said


def test_purchases_say_which_of_them_wait_for_their_bill(bookkeeper: Browser, sides: Engine) -> None:
    said = words(bookkeeper.get("/run/inventory"))
    assert "Purchase 1090 PS20131 waiting on bill" in said
    assert "Purchase 1088 PS20114 IM-55810" in said
    assert "Adjustment" in said
    assert "Transfer" in said


def test_each_kind_keeps_a_draft_of_its_own(bookkeeper: Browser, sides: Engine) -> None:
    tick(bookkeeper, "expenses", "EXP-9001", "EXP-9002")
    tick(bookkeeper, "inventory", "1088")
    assert "2 of 14 selected · $61.40 2 expenses" in words(bookkeeper.get("/run/expenses"))
    assert "1 of 12 selected · $1,655.00 1 inventory transaction" in words(bookkeeper.get("/run/inventory"))


def test_a_row_shows_its_document_and_can_be_put_on_hold(bookkeeper: Browser, sides: Engine) -> None:
    record = records(bookkeeper, "inventory", "1088")[0]
    said = words(bookkeeper.get(f"/run/inventory/peek/{record}", hx=True))
    assert "Bill 1088/PS20114" in said
    assert "Packing slip PS20114" in said
    bookkeeper.post(f"/run/inventory/hold/{record}", {"reason": "goods came broken"}, hx=True)
    assert "On hold goods came broken" in words(bookkeeper.get("/run/inventory?view=held"))
    bookkeeper.post(f"/run/inventory/release/{record}", hx=True, status=204)
    assert "On hold" not in words(bookkeeper.get("/run/inventory"))


def test_a_batch_of_expenses_is_submitted_posted_and_named_after_its_documents(
    bookkeeper: Browser, sides: Engine
) -> None:
    tick(bookkeeper, "expenses", "EXP-9001", "EXP-9010")
    place = submit(bookkeeper, "expenses")
    sides.run(int(place.rpartition("/")[2]))
    said = words(bookkeeper.get(place))
    assert "Bills & expenses" in said
    assert "Invoices & credit memos" not in said
    assert "Completed" in said
    assert sides.posting("EXP-9010").state == "closed"


def test_records_that_become_one_document_are_said_to_before_submit(
    bookkeeper: Browser, sides: Engine, database: Database
) -> None:
    set_rule(database, sides.book_id, "purchases.group", "report")
    tick(bookkeeper, "expenses", "EXP-9001", "EXP-9002", "EXP-9005")
    bookkeeper.get("/run/expenses")
    said = words(bookkeeper.post("/run/expenses", {"action": "submit"}))
    assert "Post 2 documents" in said
    assert "3 expenses, together 2 documents" in said


def test_a_purchase_that_is_posted_is_found_by_its_order_number(viewer: Browser, sides: Engine) -> None:
    sides.post("1088/PS20114", kind=RecordKind.INVENTORY)
    for number in ("1088", "1088/PS20114"):
        said = words(viewer.get(f"/run/inventory/why?number={number}"))
        assert f"{number}: It is closed in batch" in said, "not only that ConnectWise does not list it"
        assert "Open the batch" in said


def test_a_purchase_order_is_found_by_its_number_alone(viewer: Browser, sides: Engine) -> None:
    assert "1090/PS20131 : It is offered" in words(viewer.get("/run/inventory/why?number=1090"))


def test_a_dry_run_of_purchases_writes_nothing(bookkeeper: Browser, sides: Engine) -> None:
    tick(bookkeeper, "inventory", "1088")
    token = field(bookkeeper.get("/run/inventory"), "token")
    place = bookkeeper.post("/run/inventory", {"action": "dry", "token": token}, status=303, follow=False)
    sides.run(int(place.headers["Location"].rpartition("/")[2]))
    assert "Dry run: nothing was written" in words(bookkeeper.get(place.headers["Location"]))
    assert not sides.in_books()


@pytest.mark.parametrize(
    ("kind", "number", "answer"),
    [
        ("expenses", "EXP-9001", "It is offered"),
        ("expenses", "EXP-1", "The API member sees none of that number"),
        ("inventory", "1088/PS20114", "It is offered"),
        ("inventory", "9999", "The API member sees none of that number"),
        ("invoices", "1", "The API member sees none of that number"),
    ],
)
def test_why_something_is_not_listed_is_answered_test_by_test(
    viewer: Browser, sides: Engine, kind: str, number: str, answer: str
) -> None:
    for hx in (False, True):
        said = words(viewer.get(f"/run/{kind}/why?number={number}", hx=hx))
        assert f"{number}: {answer}" in said.replace(" :", ":")
        assert "list it as unposted?" in said


def test_why_without_a_number_asks_for_one(viewer: Browser, sides: Engine) -> None:
    assert "Why isn’t it here?" in words(viewer.get("/run/expenses"))
    answer = viewer.get("/run/expenses/why?number=", status=422)
    assert "Type one expense number as ConnectWise shows it." in words(answer)


def test_the_dashboard_counts_what_waits_of_each_kind(viewer: Browser, sides: Engine) -> None:
    said = words(viewer.get("/"))
    assert "Expenses 14 $886.39" in said
    assert "Inventory 12 $6,806.40" in said
    assert "Invoices not read yet" in said
    with sides.database.session() as session:
        row = session.exec(select(UnpostedRow).where(UnpostedRow.kind == "expenses")).first()
        assert row
        row.date = dt.date(2099, 1, 1)
        session.commit()
    said = words(viewer.get("/"))
    assert "Expenses 13 $" in said, "as the selection page does, which ends today"
    assert "1 record more is dated after today or at another location" in said


@pytest.mark.parametrize(("kind", "search"), [("expenses", "EXP-9001"), ("inventory", "1088")])
def test_a_record_page_leads_back_to_the_list_of_its_kind(
    viewer: Browser, sides: Engine, kind: str, search: str
) -> None:
    record = records(viewer, kind, search)
    page = viewer.get(f"/run/{kind}?q={search}").text
    link = re.search(rf'href="(/records/1/{kind}/[^"]+)"', page)
    assert link
    shown = viewer.get(link[1].replace("&amp;", "&"))
    assert not record or search in words(shown)
    assert f'href="/run/{kind}' in shown.text


def test_a_kind_that_does_not_exist_is_no_page(viewer: Browser, sides: Engine) -> None:
    assert viewer.get("/run/poems", status=404).status_code == 404
