"""Mail to customers: the queue page, a mail as the customer sees it, approval, sending again, and the Email tab."""

from __future__ import annotations

import secrets

import pytest
from sqlmodel import select

from app.connectors.addresses import NetRules
from app.connectors.mail.smtp import SmtpMailer
from app.database import Database
from app.domain.states import RecordKind
from app.models.columns import utcnow
from app.models.connections import Book, InstallationSetting
from app.models.mail import Mail
from app.models.postings import Posting, PostingProblem
from app.services.batches import batches
from app.services.mail import bounces, mail_problems
from tests.imap_server import PASSWORD, USER, imap_server, report
from tests.routes.conftest import Browser, Vendors, field, words
from tests.routes.test_connections import stored
from tests.routes.world import World

MAILER = SmtpMailer(NetRules(), "books.test", patience=3)


@pytest.fixture
def mail(database: Database, vendors: Vendors) -> Mail:
    """One held mail of one posted invoice."""
    world = World(database, vendors)
    with database.session() as session:
        book = session.exec(select(Book)).one()
        batches.submit(session, book, kind=RecordKind.INVOICES, wanted=["39005"], by="ada", accept=True)
    world.work()
    with database.session() as session:
        posting = session.exec(select(Posting)).first()
        assert posting is not None
        made = Mail(
            key="invoice:1:1", kind="invoice", to="ap@acme.example", subject="Invoice <1>", state="held", by="ada",
            message_name=secrets.token_hex(16), book_id=posting.book_id, posting_id=posting.id,
        )  # fmt: skip
        session.add(made)
        session.commit()
        return made


def change(database: Database, **values: object) -> None:
    with database.session() as session:
        mail = session.exec(select(Mail)).one()
        for name, value in values.items():
            setattr(mail, name, value)
        session.add(mail)
        session.commit()


def test_a_held_mail_is_shown_and_approved(bookkeeper: Browser, mail: Mail, database: Database) -> None:
    page = words(bookkeeper.get("/mail/1"))
    assert "ap@acme.example" in page
    one = bookkeeper.get(f"/mail/1/{mail.id}")
    assert "Thank you for your business." in words(one)
    letter = bookkeeper.get(f"/mail/1/{mail.id}/letter")
    assert "script-src" not in letter.headers["Content-Security-Policy"]
    assert "style-src 'unsafe-inline'" in letter.headers["Content-Security-Policy"]
    bookkeeper.get("/mail/1")
    assert "No mail is ticked" in words(bookkeeper.post("/mail/1/held", {"how": "approve"}, status=422))
    assert "1 mail on the way" in words(bookkeeper.post("/mail/1/held", {"how": "approve", "mail": str(mail.id)}))
    assert stored(database, Mail)[0].state == "preparing"


def test_all_held_mails_of_one_batch_go_and_no_others(bookkeeper: Browser, mail: Mail, database: Database) -> None:
    assert "ap@acme.example" not in words(bookkeeper.get("/mail/1?view=held&batch=7"))
    page = words(bookkeeper.get("/mail/1?view=held&batch=1"))
    assert "ap@acme.example" in page
    assert "all 1 of this batch" in page
    everything = {"how": "approve_all", "batch": "7"}
    assert "None of these mails is held" in words(bookkeeper.post("/mail/1/held", everything, status=422))
    assert stored(database, Mail)[0].state == "held"
    assert "1 mail on the way" in words(bookkeeper.post("/mail/1/held", {**everything, "batch": "1"}))


def test_what_failed_is_sent_again_to_a_corrected_address(bookkeeper: Browser, mail: Mail, database: Database) -> None:
    change(database, state="failed", problem="550 no such user")
    assert "550 no such user" in words(bookkeeper.get("/mail/1?view=failed"))
    assert "550 no such user" in words(bookkeeper.get(f"/mail/1/{mail.id}"))
    assert "is no e-mail address" in words(
        bookkeeper.post(f"/mail/1/{mail.id}/again", {"to": "a@b\nBcc: c@d.test"}, status=422)
    )
    assert "On its way to new@acme.example" in words(
        bookkeeper.post(f"/mail/1/{mail.id}/again", {"to": "new@acme.example"})
    )
    assert [one.state for one in stored(database, Mail)] == ["dropped", "preparing"]


def test_a_doubt_is_settled_by_hand(bookkeeper: Browser, mail: Mail, database: Database) -> None:
    change(database, state="in_doubt")
    bookkeeper.get(f"/mail/1/{mail.id}")
    assert "Settled." in words(bookkeeper.post(f"/mail/1/{mail.id}/arrived"))
    assert stored(database, Mail)[0].state == "sent"


def test_viewers_only_look_and_get_no_link_to_pay(
    viewer: Browser, bookkeeper: Browser, mail: Mail, database: Database
) -> None:
    assert "Send" not in words(viewer.get("/mail/1"))
    viewer.post("/mail/1/held", {"how": "approve_all"}, status=403)
    body = {"text": "Pay online:\nhttps://b.test/pay/abc", "html": '<a href="https://b.test/pay/abc?a=1&amp;b">Pay</a>'}
    change(database, state="sent", body=body)
    for page in (f"/mail/1/{mail.id}", f"/mail/1/{mail.id}/letter"):
        assert "/pay/abc" in bookkeeper.get(page).text
        assert "/pay/" not in viewer.get(page).text
        assert "Pay" in words(viewer.get(page))


def test_a_bounce_mailbox_that_cannot_be_read_is_said_where_mails_are_looked_at(
    bookkeeper: Browser, mail: Mail, database: Database
) -> None:
    wrong = {"message": "It refused the password.", "remedy": "Enter it again."}
    box = {"host": "imap.test", "port": 993, "security": "tls", "user": "ar", "password": "x", "sender": ""}
    with database.session() as session:
        session.add(InstallationSetting(key=bounces.WRONG, value=wrong))
        session.commit()
    assert "It refused the password." not in words(bookkeeper.get("/mail/1")), "there is no such mailbox any more"
    with database.session() as session:
        session.add(InstallationSetting(key=bounces.NAME, value=box))
        session.commit()
    assert "It refused the password. Enter it again." in words(bookkeeper.get("/mail/1"))


def test_the_email_tab_tries_templates_previews_a_mail_and_lets_a_customer_opt_out(
    admin: Browser, mail: Mail, database: Database
) -> None:
    admin.get("/settings/books/1/email")
    tried = words(
        admin.post("/settings/books/1/try?key=email.subject", {"email.subject": "Bill {{ number }}"}, hx=True)
    )
    assert "Bill 10" in tried
    rule = {"email.recipients": "{{ psa_address }}, jo"}
    tried = words(admin.post("/settings/books/1/try?key=email.recipients", rule, hx=True))
    assert "ap@psa.example, jo (no address)" in tried
    assert "Thank you for your business" in words(admin.get("/mail/1/preview"))
    admin.post("/settings/books/1/own", {"setting": "email.recipients", "customer": "77", "text": "never"})
    assert stored(database, Book)[0].settings["email.recipients@77"] == "never"
    admin.get("/settings/books/1/email")
    wrong = {"email.reply_to": "not an address"}
    assert "Give one e-mail address" in words(admin.post("/settings/books/1/email", wrong, status=422))


def test_the_queue_without_any_mail_says_what_it_is_for(admin: Browser, database: Database, vendors: Vendors) -> None:
    World(database, vendors)
    assert "Invoices are not mailed" in words(admin.get("/mail/1"))


def test_a_mail_that_came_back_stands_beside_its_invoice(admin: Browser, mail: Mail, database: Database) -> None:
    change(database, state="sent", ended_at=utcnow())
    with imap_server() as box:
        box.deliver(report(f"{mail.message_name}@msp.test", mail.to))
        box.deliver(report("somebody-elses@msp.test", "bob@shop.test"))
        admin.get("/settings/mail")
        form = {"host": "localhost", "port": str(box.port), "security": "none", "user": USER, "password": PASSWORD}
        assert "1 mail came back" in words(admin.post("/settings/mail/bounces", form))
        assert bounces.due(database)
        assert not bounces.due(database)
        assert bounces.look(database, MAILER) == 0
        form = {**form, "password": "wrong"}
        assert "Invalid credentials" in words(admin.post("/settings/mail/bounces", form))
    assert "no such user here" in words(admin.get(f"/mail/1/{mail.id}"))
    with database.reading() as session:
        assert "mail_bounced" in session.exec(select(PostingProblem.code)).all()
    page = admin.get("/settings/mail").text
    assert PASSWORD not in page
    assert "The bounce mailbox at" in page


def test_an_invoice_is_mailed_by_hand_once_for_each_form(bookkeeper: Browser, mail: Mail, database: Database) -> None:
    page = bookkeeper.get(f"/mail/1/invoices/{mail.posting_id}")
    assert 'value="ap@acme.example"' in page.text
    form = {"to": "jo@acme.example", "token": field(page, "token")}
    for _ in range(2):
        assert "On its way to jo@acme.example" in words(bookkeeper.post(f"/mail/1/invoices/{mail.posting_id}", form))
    assert [one.state for one in stored(database, Mail)] == ["held", "preparing"]
    assert "is no e-mail address" in words(
        bookkeeper.post(f"/mail/1/invoices/{mail.posting_id}", {**form, "to": "x"}, status=422)
    )
    bookkeeper.get("/mail/1/invoices/999", status=404)
    assert f"/mail/1/invoices/{mail.posting_id}" in bookkeeper.get("/records/1/invoices/39005").text


def test_a_missing_address_says_where_to_enter_it_and_is_retried(
    bookkeeper: Browser, mail: Mail, database: Database
) -> None:
    with database.session() as session:
        mail_problems.no_address(session, session.get_one(Posting, mail.posting_id), "77", "")
        session.commit()
    address = "/batches/1/problems/mail_no_address:mail:77"
    page = bookkeeper.get(address)
    assert "Give the customer an address here" in words(page)
    assert "/settings/books/1/email#own-h" in page.text
    assert "1 document goes again" in words(bookkeeper.post(address, {"how": "retry"}))
    bookkeeper.get(address, status=404)
