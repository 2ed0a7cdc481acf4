"""The pages of a batch that waits for approval."""

from __future__ import annotations

import pytest
from sqlmodel import select

from app.database import Database
from app.domain.links import LinkKind
from app.models.connections import Book
from app.models.mail import Mail
from app.models.people import User
from app.services.batches import approving
from app.services.connections import books
from app.services.mail import mail_settings
from app.services.mapping import links
from tests.routes.conftest import Browser, Vendors, field, words
from tests.routes.test_run import chosen, submission
from tests.routes.world import World


@pytest.fixture
def world(database: Database, vendors: Vendors) -> World:
    world = World(database, vendors)
    with database.session() as session:
        books.set_settings(session, session.get_one(Book, 1), {"company.approval": "other"}, "test")
    return world


@pytest.fixture
def waiting(bookkeeper: Browser, world: World) -> Browser:
    """A bookkeeper has submitted two invoices."""
    chosen(bookkeeper, "39005", "39006")
    bookkeeper.post("/run/invoices/submit", submission(bookkeeper))
    return bookkeeper


def test_who_prepared_it_sees_that_it_waits_and_no_button_to_approve_it(waiting: Browser) -> None:
    said = words(waiting.get("/batches/1"))
    assert "Awaiting approval" in said
    assert "Prepared by Bookkeeper Person; nothing is sent before it is approved, by Admin Person." in said
    assert "Approve or reject" not in said
    assert "live?seen=" in waiting.get("/batches/1").text
    page = waiting.get("/batches/1/approval")
    assert "Approve and post" not in words(page)
    assert "You prepared this batch or changed it, so somebody else approves it." in words(page)
    assert "It can be approved by Admin Person." in words(page)
    assert "cannot approve it too" in words(
        waiting.post("/batches/1/approve", {"seen": field(page, "seen")}, status=422)
    )


def test_who_prepares_a_batch_submits_it_for_approval_and_posts_nothing(bookkeeper: Browser, world: World) -> None:
    said = chosen(bookkeeper, "39005", "39006")
    assert "Submit 2 documents, $321.00, for approval" in said
    assert "Submit 2 documents, $321.00, for approval" in words(bookkeeper.get("/run/invoices"))
    assert "for approval" in words(bookkeeper.get("/run/everything"))
    assert "Post " not in said


def test_a_batch_that_nobody_may_approve_says_whom_to_invite(
    waiting: Browser, admin: Browser, database: Database
) -> None:
    assert "Approve or reject" in words(admin.get("/batches/1"))
    with database.session() as session:
        person = session.exec(select(User).where(User.email == "admin@example.test")).one()
        person.active = False
        session.add(person)
        session.commit()
    assert "nobody else has the role of a bookkeeper in this company" in words(waiting.get("/batches/1"))


def test_somebody_else_sees_what_it_would_do_and_approves_it(waiting: Browser, admin: Browser, world: World) -> None:
    assert "waits for approval · 2 documents · $321.00 ·" in words(admin.get("/attention"))
    page = admin.get("/batches/1/approval")
    assert "Post 2 documents, $321.00, to Demo MSP?" in words(page)
    assert "1 customer will be created" in words(page)
    said = words(admin.post("/batches/1/approve", {"seen": field(page, "seen")}))
    assert "Approved; it goes on at once." in said
    world.work()
    assert "approved by Admin Person" in words(admin.get("/batches/1"))
    assert len(world.company.documents) == 2
    assert "waits for approval" not in words(admin.get("/attention"))


def test_what_changed_since_the_page_was_opened_is_shown_again_before_it_is_approved(
    waiting: Browser, admin: Browser, database: Database
) -> None:
    seen = field(admin.get("/batches/1/approval"), "seen")
    with database.session() as session:
        links.set_link(session, session.get_one(Book, 1), LinkKind.ACCOUNTS, "4100", "91", by="test")
    page = admin.post("/batches/1/approve", {"seen": seen}, status=422)
    assert "changed since you opened the page" in words(page)
    admin.post("/batches/1/approve", {"seen": field(page, "seen")})
    assert "Queued" in words(admin.get("/batches/1"))


def test_a_rejection_needs_a_reason_and_holds_the_documents_with_it(waiting: Browser, admin: Browser) -> None:
    admin.get("/batches/1/approval")
    assert "with a reason" in words(admin.post("/batches/1/reject", {"reason": " "}, status=422))
    said = words(admin.post("/batches/1/reject", {"reason": "wrong month"}))
    assert "did not approve it: wrong month" in said
    assert "Not approved: wrong month" in words(waiting.get("/batches/1/approval"))


def test_a_viewer_may_look_and_not_answer(waiting: Browser, viewer: Browser) -> None:
    page = viewer.get("/batches/1/approval")
    assert "Approve and post" not in words(page)
    assert "Reject" not in words(page)
    viewer.post("/batches/1/approve", status=403)


def test_who_may_approve_is_told_by_mail_once_each_time_that_it_is_asked_for(
    waiting: Browser, admin: Browser, viewer: Browser, database: Database
) -> None:
    assert approving.tell(database, "http://books.test") == 0  # no mail server
    with database.session() as session:
        server = {"host": "mail.test", "port": "587", "security": "starttls", "sender": "a@books.test"}
        mail_settings.store(session, server, "test")
    assert (approving.tell(database, "http://books.test"), approving.tell(database, "http://books.test")) == (1, 0)
    with database.reading() as session:
        mail = session.exec(select(Mail)).one()
        assert (mail.to, "waits for your approval" in mail.subject) == ("admin@example.test", True)
        assert "http://books.test/batches/1/approval" in mail.body["text"]
