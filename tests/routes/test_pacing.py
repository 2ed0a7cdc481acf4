"""One person cannot use up what the vendors allow: pages that ask them are counted together, per user."""

from __future__ import annotations

from sqlmodel import select

from app.database import Database
from app.domain.states import RecordKind
from app.models.connections import Book
from app.services.batches import batches
from tests.routes.conftest import Browser, Vendors, words
from tests.routes.world import World


def test_who_asks_the_vendors_too_often_is_told_to_wait_and_others_are_not(
    bookkeeper: Browser, admin: Browser, database: Database, vendors: Vendors
) -> None:
    world = World(database, vendors)
    with database.session() as session:
        book = session.exec(select(Book)).one()
        batches.submit(session, book, kind=RecordKind.INVOICES, wanted=["39006"], by="a", name="n", accept=True)
    world.work()
    bookkeeper.get("/run/invoices")
    for _ in range(10):
        bookkeeper.get("/run/invoices/why?number=10482")
        bookkeeper.post("/run/invoices/refresh", follow=False, status=303)
    refused = bookkeeper.get("/run/invoices/why?number=10482", status=429)
    assert "Wait a minute, then try again" in words(refused)
    assert refused.headers["Retry-After"] == "60"
    notice = bookkeeper.get("/run/invoices/why?number=10482", status=429, hx=True)
    assert "twenty times within a minute" in words(notice)
    for question in (
        "/first-day/1/records",
        "/mappings/1/lists",
        "/reconcile/1/look",
        "/mappings/1/customers/updates/compare",
        "/mappings/1/customers/wake",
    ):
        bookkeeper.post(question, status=429)
    bookkeeper.get("/records/1/invoices/39005", status=429)
    bookkeeper.post("/batches/1/decide", {"record": "39006", "choice": "link"}, status=429)
    bookkeeper.get("/records/1/invoices/39006")  # was read by its batch: asks nobody
    bookkeeper.get("/run/invoices")
    bookkeeper.post("/reconcile/1/drift/1", {"choice": "ignore"}, status=404)
    bookkeeper.post("/reconcile/1/drift/1", {"choice": "resend"}, status=429)
    admin.get("/run/invoices/why?number=10482")
