"""Invoices to customers: whom, held or not, with which PDF, once; missing addresses and doubts beside the posting."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from email.message import EmailMessage

import pytest
from sqlmodel import col, select, update

from app.connectors.addresses import NetRules
from app.connectors.mail.smtp import SmtpMailer
from app.domain.problems import ValidationError
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.mail import Mail, MailFile
from app.services.batches import batches
from app.services.connections import books
from app.services.mail import customer_mail, mail_settings, outbox
from app.services.posting import papers, undoing
from tests import engine
from tests.engine import Engine
from tests.mail_server import Post, mail_server

MAILER = SmtpMailer(NetRules.parse("localhost:*"), "books.test")


@pytest.fixture
def post() -> Iterator[Post]:
    with mail_server() as post:
        yield post


@pytest.fixture
def working(working: Engine, post: Post) -> Engine:
    """Mails go out unapproved, to a real server."""
    settings(working, **{"email.invoices": "invoices", "email.hold": "no"})
    form = {"host": "localhost", "port": str(post.port), "security": "none", "user": "", "sender": "books@msp.test"}
    with working.database.session() as session:
        mail_settings.store(session, form, engine.BY)
    return working


def settings(working: Engine, **values: str) -> None:
    with working.database.session() as session:
        books.set_settings(session, session.get_one(Book, working.book_id), values, engine.BY)


def customer_of(working: Engine, number: str) -> str:
    """The PSA's id of an invoice's customer."""
    invoice = next(each for each in working.site.invoices.values() if each.number == number)
    return str(invoice.company.id)


def deliver(working: Engine) -> None:
    """What the jobs do: make ready, hand over."""
    for book_id in customer_mail.due(working.database):
        customer_mail.prepare(working.database, working.connectors, book_id)
    for mail_id in outbox.due(working.database):
        outbox.deliver(working.database, MAILER, mail_id)


def mails(working: Engine) -> list[Mail]:
    with working.database.reading() as session:
        return list(session.exec(select(Mail).order_by(col(Mail.id))))


def again(working: Engine, batch: int) -> None:
    with working.database.session() as session:
        batches.retry(session, batches.find(session, batch), by=engine.BY)
    working.run(batch)
    deliver(working)


def pdf_of(letter: EmailMessage) -> bytes:
    (part,) = letter.iter_attachments()
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content


def test_each_posted_invoice_goes_to_its_customer_once_with_the_psas_pdf(working: Engine, post: Post) -> None:
    shown = working.post("10394", "10397")
    deliver(working)
    again(working, shown["batch"])
    assert sorted(str(letter["Subject"]) for letter in post.letters) == [
        "Invoice 10394 from Harbor Point IT LLC", "Invoice 10397 from Harbor Point IT LLC",
    ]  # fmt: skip
    letter = next(one for one in post.letters if "10394" in one["Subject"])
    assert letter["From"] == "Harbor Point IT LLC <books@msp.test>"
    assert letter["To"] == "ap@sandpiperhospitality.example", "QuickBooks’, for ConnectWise has none"
    assert b"invoice 10394" in pdf_of(letter)
    assert [part.get_filename() for part in letter.iter_attachments()] == ["Invoice 10394.pdf"]
    assert "Please find attached our invoice 10394" in next(text for text in post.texts if "10394" in text)
    section = next(one for one in shown["sections"] if one["key"] == "email")
    assert (section["status"], section["done"]) == ("completed", 2)
    with working.database.reading() as session:
        assert session.exec(select(MailFile)).first() is None


def test_nothing_goes_out_before_it_is_approved_nor_what_was_undone_meanwhile(working: Engine, post: Post) -> None:
    settings(working, **{"email.hold": "yes"})
    shown = working.post("10394", "10395", "10397")
    deliver(working)
    assert [mail.state for mail in mails(working)] == ["held", "held", "held"]
    last = next(posting for posting in shown["postings"] if posting["number"] == "10397")
    with working.database.session() as session:
        undoing.ask(session, batches.find(session, shown["batch"]), last["records"], by=engine.BY)
    working.run(shown["batch"])
    of = {mail.subject.split()[1]: mail.id or 0 for mail in mails(working)}
    with working.database.session() as session:
        row = customer_mail.find(session, working.book_id, of["10394"])
        assert "Thank you for your business" in customer_mail.shown(session, row)["html"]
        assert customer_mail.approve(session, working.book_id, [of["10394"], of["10397"]], engine.BY) == 2
        customer_mail.drop(session, working.book_id, None, engine.BY)
        with pytest.raises(ValidationError):
            customer_mail.approve(session, working.book_id, None, engine.BY)
    deliver(working)
    states = {mail.subject.split()[1]: mail.state for mail in mails(working)}
    assert (len(post.letters), states) == (1, {"10394": "sent", "10395": "dropped", "10397": "dropped"})


def test_an_invoice_that_is_undone_while_its_mail_waits_for_the_server_is_not_mailed(
    working: Engine, post: Post
) -> None:
    shown = working.post("10394")
    [mail_id] = customer_mail.prepare(working.database, working.connectors, working.book_id)
    with working.database.session() as session:
        undoing.ask(session, batches.find(session, shown["batch"]), shown["postings"][0]["records"], by=engine.BY)
    outbox.deliver(working.database, MAILER, mail_id)
    working.run(shown["batch"])
    assert (post.letters, [mail.state for mail in mails(working)]) == ([], ["dropped"])


def test_a_customer_without_an_address_is_a_warning_and_a_retry_finds_the_new_one(working: Engine, post: Post) -> None:
    company = working.site.companies[int(customer_of(working, "10394"))]
    company.email = company.contact_email = ""
    settings(working, **{"email.to": "psa"})
    shown = working.post("10394")
    (posting,) = shown["postings"]
    assert (shown["status"], posting["state"]) == ("completed_with_warnings", "closed")
    assert [problem["code"] for problem in posting["problems"]] == ["mail_no_address"]
    company.contact_email = "jo@customer.test"
    again(working, shown["batch"])
    assert [str(letter["To"]) for letter in post.letters] == ["jo@customer.test"]
    assert working.json(shown["batch"])["status"] == "completed"


def test_the_customers_own_rule_goes_before_the_companys_and_never_means_never(working: Engine, post: Post) -> None:
    first, second = customer_of(working, "10394"), customer_of(working, "10397")
    assert first != second
    working.site.companies[int(first)].email = "ap@customer.test"
    settings(
        working,
        **{f"email.recipients@{first}": "a@customer.test, {{ psa_address }}", f"email.recipients@{second}": "never",
           f"email.subject@{first}": "Your bill {{ number }}", "email.reply_to": "ar@msp.test"},
    )  # fmt: skip
    shown = working.post("10394", "10397")
    deliver(working)
    assert sorted(str(letter["To"]) for letter in post.letters) == ["a@customer.test", "ap@customer.test"]
    assert {str(letter["Subject"]) for letter in post.letters} == {"Your bill 10394"}
    assert {str(letter["Reply-To"]) for letter in post.letters} == {"ar@msp.test"}
    assert [problem for posting in shown["postings"] for problem in posting["problems"]] == []


def test_quickbooks_address_pdf_and_link_to_pay_made_by_another_worker_where_one_died(
    working: Engine, post: Post
) -> None:
    working.company.switches.online_payments = True
    settings(working, **{"email.to": "books", "email.pdf": "books", "email.pay_link": "yes", "sales.pay_card": "yes"})
    working.post("10394")
    assert customer_mail._claim(working.database, working.book_id) is not None, "a worker that is to die"
    deliver(working)
    assert not post.letters, "somebody is at it"
    with working.database.session() as session:
        session.exec(update(Mail).values(lease_until=utcnow() - dt.timedelta(seconds=1)))
        session.commit()
    deliver(working)
    (letter,) = post.letters
    assert b"Harbor" in pdf_of(letter)
    assert b"invoice 10394" not in pdf_of(letter)
    assert "https://connect.intuit.example/" in post.texts[0]


def test_a_pdf_that_cannot_be_had_fails_the_mail_and_not_the_invoice(working: Engine, post: Post) -> None:
    working.site.switches.invoice_pdf = "page"
    shown = working.post("10394")
    deliver(working)
    assert [mail.state for mail in mails(working)] == ["failed"]
    assert working.problems("10394") == ["mail_not_sent"]
    assert working.json(shown["batch"])["postings"][0]["state"] == "closed"
    working.site.switches.invoice_pdf = "whole"
    with working.database.session() as session:
        customer_mail.again(session, working.book_id, mails(working)[0].id or 0, "", engine.BY)
        with pytest.raises(ValidationError, match="sent again already"):
            customer_mail.again(session, working.book_id, mails(working)[0].id or 0, "", engine.BY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(papers, "name_of", {}.__getitem__)
        with pytest.raises(TypeError):  # a fault of ours keeps no other mail of the company waiting
            deliver(working)
    assert "fault of its own (TypeError)" in mails(working)[-1].problem
    assert customer_mail.due(working.database) == []
    with working.database.session() as session:
        session.exec(update(Mail).values(due_at=utcnow()))
        session.commit()
    deliver(working)
    assert (len(post.letters), working.problems("10394")) == (1, [])


def test_an_answer_lost_after_the_letter_is_a_doubt_that_is_shown_and_never_sent_again(
    working: Engine, post: Post
) -> None:
    post.hang_up = True
    shown = working.post("10394")
    deliver(working)
    post.hang_up = False
    again(working, shown["batch"])
    assert (len(post.letters), [mail.state for mail in mails(working)]) == (1, ["in_doubt"])
    assert working.problems("10394") == ["mail_in_doubt"]
    with working.database.session() as session:
        customer_mail.arrived(session, working.book_id, mails(working)[0].id or 0, engine.BY)
    assert working.problems("10394") == []
