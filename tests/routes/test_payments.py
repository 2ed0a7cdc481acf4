"""Run New Batch ▸ Payment Sync: the page, the look before, the live page; and QuickBooks' bell."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from decimal import Decimal

import pytest
from flask import Flask
from sqlmodel import Session, col, select
from werkzeug.test import TestResponse

from app.database import Database
from app.domain.payments import Applied, Charge, LedgerPayment
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.payments import PaymentMark
from app.models.postings import Posting, PostingRecord
from app.routes import security
from app.services.connections import books
from app.services.payments import payments as service
from tests.fake_payments import FakePayingBooks, FakePayingSource
from tests.routes.conftest import HOST, Browser, Vendors, field, words
from tests.routes.world import World

DAY = dt.date(2026, 11, 20)
TOKEN = "intuits-verifier-token"
LOOK = {"book": "1", "start": "last", "action": "look"}
CHANGE = {"name": "Payment", "id": "145", "operation": "Update", "lastUpdated": "2026-11-29T10:00:00Z"}
NOTICE = {"eventNotifications": [{"realmId": "9341", "dataChangeEvent": {"entities": [CHANGE]}}]}
#: The same as Intuit writes it since 2026.
EVENT = {"specversion": "1.0", "id": "5a1", "source": "intuit.test", "type": "qbo.payment.updated.v1",
         "time": "2026-11-29T10:00:00Z", "intuitentityid": "145", "intuitaccountid": "9341", "data": {}}  # fmt: skip


class Paying(World):
    """The same world with vendors that know payments, and three posted invoices: 10501 to 10503."""

    def __init__(self, database: Database, vendors: Vendors) -> None:
        super().__init__(database, vendors)
        self.paying, self.psa = FakePayingBooks("Demo MSP", "9341"), FakePayingSource()
        vendors.sources["https://psa.example"], vendors.books["9341"] = self.psa, self.paying
        with database.session() as session:
            batch = Batch(book_id=1, source_id=1, kind="invoices", name="posted", by="a@x.test")
            session.add(batch)
            session.flush()
            for number in ("10501", "10502", "10503"):
                self._post(session, batch, number)
            session.commit()

    def _post(self, session: Session, batch: Batch, number: str) -> None:
        posting = Posting(
            batch_id=batch.id or 0, book_id=1, state="closed", number=number, party="Acme & Sons", date=DAY,
            currency="USD", total=Decimal(100), cents=10_000, ledger_id=f"7{number}",
        )  # fmt: skip
        session.add(posting)
        session.flush()
        record = PostingRecord(posting_id=posting.id or 0, source_id=1, kind="invoices", record=number, fingerprint="f")
        session.add(record)

    def pay(self, number: str, amount: str, ident: str = "900", unapplied: str = "0") -> None:
        line, rest = Applied(Charge.INVOICE, f"7{number}", Decimal(amount)), Decimal(unapplied)
        total = Decimal(amount) + rest
        self.paying.receive(LedgerPayment(ident, "58", DAY, "USD", total, rest, (line,), version=ident))

    def last(self) -> Batch:
        with self.database.reading() as session:
            return session.exec(select(Batch).order_by(col(Batch.id).desc()).limit(1)).one()


def send(browser: Browser, status: int = 200, **form: str) -> TestResponse:
    """Fill in the form of the page, and send it."""
    browser.get("/run/payments")
    return browser.post("/run/payments", {**LOOK, **form}, status=status)


@pytest.fixture
def world(database: Database, vendors: Vendors) -> Paying:
    return Paying(database, vendors)


def test_the_page_says_how_far_it_goes_back_and_how_it_writes(bookkeeper: Browser, world: Paying) -> None:
    shown = words(bookkeeper.get("/run/payments"))
    assert "The first sync of Demo MSP" in shown
    assert "payments of an invoice become: one payment: their sum" in shown
    assert "Payment Sync" in words(bookkeeper.get("/"))


def test_without_a_connection_it_says_what_to_do_next(admin: Browser) -> None:
    assert "Connect both sides first" in words(admin.get("/run/payments"))


def test_a_look_shows_invoice_by_invoice_what_would_change_and_then_it_is_written(
    bookkeeper: Browser, world: Paying
) -> None:
    world.pay("10501", "40.00")
    world.psa.type_in("10502", Decimal("5.00"), DAY)
    world.pay("10502", "7.00", "901")
    page = send(bookkeeper)
    assert "DRY RUN" in page.text
    world.work(world.last().id or 0)
    shown = words(bookkeeper.get(f"/batches/{world.last().id}"))
    assert "Nothing was written. This is what would change." in shown
    assert "Adds a payment of 40.00 0.00 40.00 40.00" in shown
    assert "10502: A payment of 5.00 of 11/20/2026 was entered in ConnectWise" in shown
    assert "5.00 47.00 52.00 47.00 differs by 5.00" in shown
    assert "Write this: 2 invoices, $47.00" in shown
    assert not world.psa.writes
    form = {"book": "1", "action": "run", "token": f"after-{world.last().id}"}
    bookkeeper.post("/run/payments", form)
    written = world.last()
    bookkeeper.post("/run/payments", form)
    assert world.last().id == written.id, "a second press is the same sync"
    world.work(written.id or 0)
    shown = words(bookkeeper.get(f"/batches/{written.id}?sort=-before"))
    assert "Proven Adds a payment of 40.00" in shown
    assert len(world.psa.writes) == 2
    assert "2 $47.00" in words(bookkeeper.get("/batches"))
    file = bookkeeper.get(f"/batches/{written.id}/invoices.csv").text.lstrip("\ufeff").splitlines()
    assert file[1] == "10501,10501,Acme & Sons,USD,100.00,0.00,40.00,40.00,40.00,add money 40.00,"
    assert file[2].startswith('10502,10502,Acme & Sons,USD,100.00,5.00,12.00,12.00,7.00,add money 7.00,"A payment')


def test_whoever_goes_back_further_is_shown_first_what_that_would_change(bookkeeper: Browser, world: Paying) -> None:
    send(bookkeeper, action="run")
    world.work(world.last().id or 0)
    world.psa.type_in("10502", Decimal("5.00"), DAY)
    world.pay("10501", "40.00")
    page = send(bookkeeper, action="run", start="week")
    assert "DRY RUN" in page.text
    world.work(world.last().id or 0)
    assert not world.psa.writes
    form = {"book": "1", "action": "run", "token": f"after-{world.last().id}"}
    assert "Write this: 1 invoice, $40.00" in words(bookkeeper.get(f"/batches/{world.last().id}"))
    bookkeeper.post("/run/payments", form)
    world.work(world.last().id or 0)
    assert world.psa.writes == [("add", "10501")]


def test_a_sync_that_waits_for_autosync_says_for_which_batch(
    bookkeeper: Browser, world: Paying, database: Database
) -> None:
    with database.session() as session:
        session.add(Batch(book_id=1, source_id=1, kind="invoices", name="by itself", by="AutoSync", auto=True))
        session.commit()
    send(bookkeeper, action="run")
    assert "Waits for AutoSync’s batch by itself" in words(bookkeeper.get(f"/batches/{world.last().id}"))


def test_what_many_payments_have_in_common_is_told_once(bookkeeper: Browser, world: Paying) -> None:
    for number in ("1", "2", "3"):
        world.pay("10501", "10.00", number, unapplied="5.00")
    world.psa.type_in("10501", Decimal("7.00"), DAY)
    send(bookkeeper, action="run")
    world.work(world.last().id or 0)
    page = bookkeeper.get(f"/batches/{world.last().id}")
    assert "Money that pays no invoice yet · 3 payments" in words(page)
    assert page.text.count("the next sync brings it") == 1
    assert "10501: A payment of 7.00" in words(page)


def test_the_live_page_sends_what_changed_and_stops_by_itself(bookkeeper: Browser, world: Paying) -> None:
    world.pay("10503", "1.00")
    page = send(bookkeeper, action="run")
    batch = world.last().id
    seen = re.search(r"live\?seen=([\w.]+)", page.text)
    assert seen
    assert bookkeeper.get(f"/batches/{batch}/live?seen={seen[1]}", status=204, hx=True).text == ""
    world.work(batch or 0)
    answer = bookkeeper.get(f"/batches/{batch}/live?seen={seen[1]}", status=286, hx=True)
    assert "Proven: ConnectWise shows what QuickBooks has" in words(answer)
    assert answer.headers["HX-Trigger"] == "rows-changed"
    assert "10503" in words(bookkeeper.get(f"/batches/{batch}/rows?state=changes", hx=True))
    assert "10503" not in words(bookkeeper.get(f"/batches/{batch}/rows?state=problems", hx=True))
    shown = bookkeeper.get(f"/batches/{batch}/rows?state=changes&sort=-party", hx=True).text
    assert f'id="rows" aria-labelledby="rows-h" hx-get="/batches/{batch}/rows?state=changes&amp;sort=-party"' in shown
    assert "Nothing new" in _after_another(bookkeeper, world)


def _after_another(bookkeeper: Browser, world: Paying) -> str:
    send(bookkeeper, action="run")
    world.work(world.last().id or 0)
    return words(bookkeeper.get(f"/batches/{world.last().id}"))


def test_a_sync_that_another_person_must_approve_shows_first_what_it_would_write(
    bookkeeper: Browser, admin: Browser, world: Paying, database: Database
) -> None:
    with database.session() as session:
        books.set_settings(session, session.get_one(Book, 1), {"company.approval": "other"}, "owner@example.test")
    world.pay("10501", "40.00", unapplied="5.00")
    assert "once another person has approved it" in words(bookkeeper.get("/run/payments"))
    send(bookkeeper, action="run")
    batch = world.last().id or 0
    world.work(batch)
    shown = words(bookkeeper.get(f"/batches/{batch}"))
    assert "nothing is written before it is approved, by Admin Person" in shown
    assert "Adds a payment of 40.00" in shown
    assert not world.psa.writes
    page = admin.get(f"/batches/{batch}/approval")
    assert "Write 1 invoice, $40.00, from Demo MSP?" in words(page)
    admin.post(f"/batches/{batch}/approve", {"seen": field(page, "seen")})
    world.work(batch)
    assert len(world.psa.writes) == 1
    shown = words(admin.get(f"/batches/{batch}"))
    assert "approved by Admin Person" in shown
    assert "1 payment changed" in shown  # although it was read before
    assert "5.00 USD of payment" in shown
    world.pay("10501", "50.00")
    send(bookkeeper, action="run")
    world.work(world.last().id or 0)
    admin.post(f"/batches/{world.last().id}/reject", {"reason": "That cheque bounced."})
    assert "Not approved: That cheque bounced." in words(bookkeeper.get(f"/batches/{world.last().id}"))
    assert len(world.psa.writes) == 1


@pytest.mark.parametrize(("start", "since"), [("date", ""), ("date", "nonsense"), ("date", "1999-01-01"), ("soon", "")])
def test_a_start_that_is_none_is_told_and_nothing_is_begun(
    bookkeeper: Browser, world: Paying, start: str, since: str
) -> None:
    before = world.last().id
    answer = send(bookkeeper, 422, start=start, since=since)
    assert re.search(r"day|start", words(answer))
    assert world.last().id == before


def test_a_viewer_sees_but_does_not_sync(viewer: Browser, world: Paying) -> None:
    assert "Only bookkeepers sync payments" in words(viewer.get("/run/payments"))
    viewer.post("/run/payments", LOOK, status=403)


def test_what_only_documents_have_is_refused_for_payments(admin: Browser, world: Paying) -> None:
    send(admin, action="run")
    batch = world.last().id or 0
    world.work(batch)
    for deed in ("undo", "rerun"):
        assert admin.client.get(f"/batches/{batch}/{deed}", base_url=HOST).status_code < 500


def test_a_sync_that_left_something_wrong_waits_for_a_person_until_the_next(bookkeeper: Browser, world: Paying) -> None:
    world.pay("10501", "40.00")
    world.psa.next.append("refuse")
    send(bookkeeper, action="run")
    world.work(world.last().id or 0)
    wrong = world.last().name
    assert f"{wrong} left invoices that are not paid as in QuickBooks" in words(bookkeeper.get("/attention"))
    shown = words(bookkeeper.get(f"/batches/{world.last().id}?state=problems"))
    assert "Error The PSA does not take it. Look at the invoice." in shown
    send(bookkeeper, action="run")
    world.work(world.last().id or 0)
    assert "left invoices" not in words(bookkeeper.get("/attention"))
    assert [verb for verb, _ in world.psa.writes] == ["add"]


# ── QuickBooks' bell ─────────────────────────────────────────────────────────────────────────────────────────────


def ring(app: Flask, body: bytes, signature: str | None = None) -> int:
    signed = base64.b64encode(hmac.new(TOKEN.encode(), body, hashlib.sha256).digest()).decode()
    headers = {"intuit-signature": signed if signature is None else signature}
    return app.test_client().post(
        "/webhooks/quickbooks-online", data=body, base_url=HOST, headers=headers, content_type="application/json"
    ).status_code  # fmt: skip


@pytest.fixture
def hooked(admin: Browser, world: Paying) -> Iterator[Paying]:
    """An admin has entered the token, and payments were synced once."""
    admin.get("/settings/connections/intuit")
    admin.post("/settings/connections/intuit/webhooks", {"verifier": TOKEN})
    send(admin, action="run")
    world.work(world.last().id or 0)
    yield world
    security.limiter.reset()


def rung(world: Paying) -> bool:
    with world.database.reading() as session:
        mark = session.get(PaymentMark, 1)
        return mark is not None and mark.rung_at is not None


@pytest.mark.parametrize("notice", [NOTICE, [EVENT]], ids=["old shape", "cloud events"])
def test_a_signed_notice_is_taken_at_once_and_only_rings(app: Flask, hooked: Paying, notice: object) -> None:
    before = hooked.last().id
    assert ring(app, json.dumps(notice).encode()) == 200
    assert rung(hooked)
    assert hooked.last().id == before, "a worker decides, not whoever calls"


def test_notices_that_come_twice_and_in_any_order_lead_to_one_sync_and_none_is_lost(
    app: Flask, hooked: Paying, database: Database
) -> None:
    hooked.pay("10501", "40.00")
    for notice in ([EVENT], NOTICE, [EVENT, EVENT]):
        ring(app, json.dumps(notice).encode())
    assert answered(database) is None, "the last sync has just ended"
    some_minutes_later(database)
    batch = answered(database)
    assert batch is not None
    assert answered(database) is None, "it is under way"
    ring(app, json.dumps(NOTICE).encode())  # before the worker begins: it will read what this one tells of
    hooked.work(batch)
    some_minutes_later(database)
    assert (answered(database), hooked.psa.writes) == (None, [("add", "10501")])
    ring(app, json.dumps([EVENT]).encode())
    assert answered(database) is not None


def answered(database: Database) -> int | None:
    """A worker hears the bell."""
    with database.session() as session:
        batch = service.answer(session, 1)
        return batch.id if batch else None


def some_minutes_later(database: Database) -> None:
    with database.session() as session:
        for batch in session.exec(select(Batch).where(Batch.kind == "payments")):
            batch.ended_at = (batch.ended_at or utcnow()) - 2 * service.QUIET
            session.add(batch)
        session.commit()


@pytest.mark.parametrize("signature", ["", "bm90IGl0", "💥".encode().decode("latin-1")])
def test_an_unsigned_notice_is_refused(app: Flask, hooked: Paying, signature: str) -> None:
    assert ring(app, json.dumps(NOTICE).encode(), signature) == 401
    assert not rung(hooked)


def test_a_notice_of_what_moves_no_payment_rings_for_nothing(app: Flask, hooked: Paying) -> None:
    change = {"name": "Vendor", "id": "7", "operation": "Create", "lastUpdated": "2026-11-29T10:00:00Z"}
    told = {"eventNotifications": [{"realmId": "9341", "dataChangeEvent": {"entities": [change]}}]}
    assert ring(app, json.dumps(told).encode()) == 200
    assert not rung(hooked)


def test_without_a_token_there_is_no_such_address(app: Flask, world: Paying) -> None:
    assert ring(app, json.dumps(NOTICE).encode()) == 404


def test_too_many_notices_are_turned_away(app: Flask, hooked: Paying) -> None:
    answers = {ring(app, b"{}") for _ in range(125)}
    assert answers == {200, 429}


def test_the_token_is_never_shown(admin: Browser, hooked: Paying) -> None:
    page = admin.get("/settings/connections/intuit")
    assert TOKEN not in page.text
    assert "Notices are taken" in words(page)
    admin.post("/settings/connections/intuit/webhooks", {"verifier": "short"}, status=422)
