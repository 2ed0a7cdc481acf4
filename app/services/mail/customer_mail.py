"""Mails to customers: made ready (text, link to pay, PDF), held until approved, sent by the outbox, sent again by hand.

Making one ready changes nothing anywhere, so whatever dies, it is simply begun again; handing it over is outbox's.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, func, update
from sqlmodel import Session, col, select

from app.connectors.ledger_changes import Billing, Printing
from app.connectors.protocols import ConnectionFailedError, Connectors, Destination, Source
from app.connectors.source_abilities import GivesPdf
from app.database import Database
from app.domain import mail_text
from app.domain.documents import Document, DocumentKind
from app.domain.links import Rules
from app.domain.mail_addresses import is_address
from app.domain.problems import NotFoundError, Problem, ValidationError
from app.domain.states import STANDING, RecordKind
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.mail import Mail, MailFile
from app.models.pay_links import PayLink
from app.models.postings import Posting, PostingRecord
from app.services import leases
from app.services.connections import books, connections
from app.services.mail import letters, mail_problems, mailing, outbox
from app.services.mail.mail_lists import Row, of_batch
from app.services.paying import pay_links, stripe_keys
from app.services.people import audit
from app.services.posting import failures, papers, posting_rows
from app.services.posting.reading import document_of

#: A worker that makes a mail ready has this long before another one may.
LEASE = dt.timedelta(minutes=5)
#: What does not get better by waiting.
FINAL = ("not_a_pdf", "file_too_large", "not_found", "cannot_tell")
AGAIN = ("sent", "failed", "in_doubt", "bounced", "dropped")


# ── making ready ─────────────────────────────────────────────────────────────────────────────────────────────────


def due(database: Database) -> list[int]:
    """Books with mails to be made ready now."""
    with database.reading() as session:
        query = select(Mail.book_id).where(*_ready(utcnow())).distinct()
        return [ident for ident in session.exec(query) if ident is not None]


def _ready(now: dt.datetime) -> tuple[ColumnElement[bool], ...]:
    return col(Mail.state) == "preparing", col(Mail.due_at) <= now, leases.free(col(Mail.lease_until), now)


def prepare(database: Database, connectors: Connectors, book_id: int, home: str = "") -> list[int]:
    """Make a Book's mails ready, one after the other; answers those that can be handed over. Any worker may call it.

    ``home`` is our public address; without it no link leads to a page of ours.
    """
    done, opened = [], None
    while (mail := _claim(database, book_id)) is not None:
        try:
            opened = opened or _open(database, connectors, book_id, home)
            ready = _make(database, opened, mail)
        except ConnectionFailedError as error:
            _put_off(database, mail, error)
            if error.systemic:
                break
        except ValidationError as error:
            _fail(database, mail, f"{error.message} {error.remedy}")
        except Exception as error:
            _put_off(database, mail, failures.of_our_own(error, "It is tried again; if it fails, report it."))
            raise
        else:
            done += [mail.id or 0] if ready else []
    return done


def _claim(database: Database, book_id: int) -> Mail | None:
    with database.session() as session:
        ready = _ready(utcnow())
        found = session.exec(select(Mail).where(Mail.book_id == book_id, *ready).order_by(col(Mail.id))).first()
        if found is None:
            return None
        values = {"lease_until": utcnow() + LEASE, "attempts": Mail.attempts + 1}
        taken = session.exec(update(Mail).where(col(Mail.id) == found.id, *ready).values(**values)).rowcount == 1
        session.commit()
        return session.get_one(Mail, found.id, populate_existing=True) if taken else None


@dataclass(frozen=True, slots=True)
class _Opened:
    book: Book
    rules: Rules
    source: Source | None
    destination: Destination
    home: str
    stripe: bool


def _open(database: Database, connectors: Connectors, book_id: int, home: str) -> _Opened:
    with database.reading() as session:
        book = session.get_one(Book, book_id)
        rules, stripe = books.rules_of(book), stripe_keys.is_on(session, book)
    source = connections.open_source(database, connectors, book.source_id) if book.source_id else None
    destination = connections.open_destination(database, connectors, book_id)
    return _Opened(book, rules, source, destination, home, stripe)


def _make(database: Database, opened: _Opened, mail: Mail) -> bool:
    """Read what it needs, then write text and file in one commit. False where it is not wanted any more."""
    with database.reading() as session:
        posting = session.get_one(Posting, mail.posting_id)
        record = _record(session, posting)
    if posting.state not in STANDING or not posting.document:
        _end(database, mail, "dropped", outbox.TAKEN_OUT)
        return False
    document = document_of(posting)
    file = _pdf(opened, posting, record)
    link, ours_to_pay = _pay_link(opened, posting)
    body = dressed(opened.rules, opened.book, document, attached=file is not None, pay_link=link)
    with database.session() as session:
        values = {
            "state": "queued", "attempts": 0, "due_at": utcnow(), "lease_until": None, "body": body, "problem": "",
            "subject": mail_text.subject(opened.rules, document, opened.book.name),
            "sender_name": opened.rules["email.sender_name"] or opened.book.name,
            "reply_to": opened.rules["email.reply_to"],
        }  # fmt: skip
        ours = session.exec(update(Mail).where(*_mine(mail)).values(**values)).rowcount == 1
        session.exec(delete(MailFile).where(col(MailFile.mail_id) == mail.id))
        if file is not None:
            name = papers.name_of(DocumentKind(posting.kind), posting.number)
            session.add(MailFile(mail_id=mail.id or 0, name=name, content=file))
        if ours_to_pay is not None:
            session.add(ours_to_pay)
        if ours:
            session.commit()
    return ours


def _mine(mail: Mail) -> tuple[ColumnElement[bool], ...]:
    """SQL: still claimed by this very attempt."""
    return col(Mail.id) == mail.id, col(Mail.state) == "preparing", col(Mail.attempts) == mail.attempts


def _record(session: Session, posting: Posting) -> str:
    query = select(func.min(PostingRecord.record)).where(PostingRecord.posting_id == posting.id)
    return session.exec(query).one() or ""


def _pdf(opened: _Opened, posting: Posting, record: str) -> bytes | None:
    match opened.rules["email.pdf"]:
        case "psa" if isinstance(opened.source, GivesPdf):
            return opened.source.pdf(RecordKind.INVOICES, record)
        case "books" if isinstance(opened.destination, Printing):
            return opened.destination.pdf(DocumentKind(posting.kind), posting.ledger_id)
    return None


def _pay_link(opened: _Opened, posting: Posting) -> tuple[str, PayLink | None]:
    """QuickBooks' own link; where it has none one of ours, whose row goes into the commit of the mail's text."""
    if opened.rules["email.pay_link"] != "yes" or posting.kind != DocumentKind.INVOICE:
        return "", None
    theirs = opened.destination.pay_link(posting.ledger_id) if isinstance(opened.destination, Billing) else ""
    if theirs or not (opened.stripe and opened.home):
        return theirs, None
    token, row = pay_links.new(posting, int(opened.rules["payments.stripe_days"]))
    return pay_links.address(opened.home, token), row


def dressed(rules: Rules, book: Book, document: Document, *, attached: bool, pay_link: str) -> dict[str, str]:
    """``text`` and ``html`` of a mail. Raises ValidationError for a template that can't be filled in."""
    return letters.rendered(
        "invoice",
        subject=mail_text.subject(rules, document, book.name),
        company=rules["email.sender_name"] or book.name,
        lines=mail_text.text(rules, document, book.name, attached=attached, pay_link=pay_link),
        facts=mail_text.facts(document),
        pay_link=pay_link,
    )


def _put_off(database: Database, mail: Mail, error: ConnectionFailedError | Problem) -> None:
    """Tried again after growing pauses; what waiting does not cure, or not in hours, is said."""
    if error.code in FINAL or mail.attempts > len(outbox.TRY_AGAIN):
        _fail(database, mail, f"{error.message} {error.remedy}")
        return
    values = {"due_at": utcnow() + outbox.TRY_AGAIN[mail.attempts - 1], "lease_until": None,
              "problem": f"{error.message} {error.remedy}"[:600]}  # fmt: skip
    with database.session() as session:
        session.exec(update(Mail).where(*_mine(mail)).values(**values))
        session.commit()


def _fail(database: Database, mail: Mail, problem: str) -> None:
    _end(database, mail, "failed", problem)


def _end(database: Database, mail: Mail, state: str, problem: str) -> None:
    values = {"state": state, "problem": problem[:600], "lease_until": None, "ended_at": utcnow()}
    with database.session() as session:
        if session.exec(update(Mail).where(*_mine(mail)).values(**values)).rowcount == 1:
            mail_problems.told(session, session.get_one(Mail, mail.id, populate_existing=True))
        session.commit()


# ── what people see and decide ───────────────────────────────────────────────────────────────────────────────────


def find(session: Session, book_id: int, mail_id: int) -> Row:
    """One mail of a Book. Raises NotFoundError."""
    mail = session.get(Mail, mail_id)
    if mail is None or mail.posting_id is None or mail.book_id != book_id:
        raise NotFoundError("There is no such mail.", "Look at the list of mails to customers.")
    posting = session.get_one(Posting, mail.posting_id)
    return Row(mail, posting, session.get_one(Batch, posting.batch_id), _record(session, posting))


def shown(session: Session, row: Row, *, with_link: bool = True) -> dict[str, str]:
    """``text`` and ``html`` as it went out, or as it would go out now. Raises ValidationError.

    Whoever has the link to pay can use it: without ``with_link`` it is blotted out.
    """
    if row.mail.body:
        return row.mail.body if with_link else letters.without_links(row.mail.body)
    book = session.get_one(Book, row.mail.book_id)
    rules = books.rules_of(book)
    asked = rules["email.pay_link"] == "yes" and row.posting.kind == DocumentKind.INVOICE
    link = letters.NO_LINK if asked else ""
    return dressed(rules, book, document_of(row.posting), attached=rules["email.pdf"] != "none", pay_link=link)


def approve(session: Session, book_id: int, wanted: Collection[int] | None, by: str, batch_id: int = 0) -> int:
    """Let held mails go, and commit; the caller rings. Raises ValidationError.

    ``wanted`` None: all of the Book's, or of one batch of it.
    """
    return _release(session, book_id, wanted, by, "preparing", batch_id)


def drop(session: Session, book_id: int, wanted: Collection[int] | None, by: str, batch_id: int = 0) -> int:
    """Held mails are not sent. Raises ValidationError."""
    return _release(session, book_id, wanted, by, "dropped", batch_id)


def _release(
    session: Session, book_id: int, wanted: Collection[int] | None, by: str, state: str, batch_id: int
) -> int:  # fmt: skip
    act = "mail.drop" if state == "dropped" else "mail.approve"
    query = select(Mail).where(Mail.state == "held", Mail.book_id == book_id, *of_batch(batch_id))
    query = query if wanted is None else query.where(col(Mail.id).in_(wanted))
    found: Sequence[Mail] = session.exec(query.with_for_update()).all()
    if not found:
        raise ValidationError("None of these mails is held any more.", "Look at the list again.")
    for mail in found:
        mail.state, mail.due_at = state, utcnow()
        mail.ended_at = utcnow() if state == "dropped" else None
        session.add(mail)
        mail_problems.told(session, mail)
    audit.record(session, by, act, f"book:{book_id}", mails=len(found))
    session.commit()
    return len(found)


def again(session: Session, book_id: int, mail_id: int, to: str, by: str) -> Mail:
    """A person wants the mail sent (once more), perhaps to another address: a new mail, made anew. Commits.

    From one mail at most one other is made, so a button that is pressed twice sends once. Raises ValidationError.
    """
    row = find(session, book_id, mail_id)
    session.refresh(row.mail, with_for_update=True)  # pressed twice at one moment, the second one sees the first
    address = to.strip() or row.mail.to
    if not is_address(address):
        raise ValidationError(f"“{address}” is no e-mail address.", "Give one address, like ap@example.com.")
    if row.mail.state not in AGAIN:
        raise ValidationError("This mail is still on its way.", "Look at the list again.")
    key = f"again:{mail_id}"
    if session.exec(select(Mail.id).where(Mail.key == key)).first():
        raise ValidationError("It was sent again already.", "Send the newest one again, if need be.")
    mail = mailing.new(row.posting, key, address, row.mail.subject, by=by)
    session.add(mail)
    if row.mail.state != "sent":  # whatever became of it, the new one takes its place
        row.mail.state, row.mail.problem = "dropped", "It was sent again as a new mail."
        session.add(row.mail)
        mail_problems.told(session, row.mail)
    audit.record(session, by, "mail.again", f"mail:{mail_id}", to=address, invoice=row.posting.number)
    session.commit()
    return mail


def of_invoice(session: Session, book_id: int, posting_id: int) -> tuple[Row | None, list[Mail]]:
    """An invoice of a Book that can be mailed by hand (in the first's place), and its mails so far, newest first.

    Raises NotFoundError.
    """
    posting = session.get(Posting, posting_id, options=posting_rows.WITH_DOCUMENT)
    if posting is None or posting.book_id != book_id:
        raise NotFoundError("There is no such invoice.", "Look at the list of batches.")
    mails = list(session.exec(select(Mail).where(Mail.posting_id == posting_id).order_by(col(Mail.id).desc())))
    able = mailable(posting)
    draft = mailing.new(posting, "", document_of(posting).party.email, "", by="") if able else None
    batch = session.get_one(Batch, posting.batch_id)
    return Row(draft, posting, batch, _record(session, posting)) if draft else None, mails


def mailable(posting: Posting) -> bool:
    """Whether it is a sales form that stands in the books, with its document still stored."""
    stands = posting.state in STANDING and bool(posting.document)
    return stands and posting.kind in mail_text.WORDS and posting.role == "main"


def by_hand(session: Session, book_id: int, posting_id: int, to: str, token: str, by: str) -> Mail:
    """A person mails an invoice, whatever the settings say of mailing; once for each ``token``. Commits.

    Raises ValidationError, NotFoundError.
    """
    row, _ = of_invoice(session, book_id, posting_id)
    if row is None:
        raise ValidationError("This document can’t be mailed.", "Only invoices and credit memos that are posted can.")
    address, key = to.strip(), f"hand:{posting_id}:{token[:64]}"
    if not is_address(address):
        raise ValidationError(f"“{address}” is no e-mail address.", "Give one address, like ap@example.com.")
    session.exec(select(Posting.id).where(Posting.id == posting_id).with_for_update()).one()
    if twin := session.exec(select(Mail).where(Mail.key == key)).first():
        return twin
    book = session.get_one(Book, book_id)
    subject = mail_text.subject(books.rules_of(book), document_of(row.posting), book.name)
    mail = mailing.new(row.posting, key, address, subject, by=by)
    session.add(mail)
    audit.record(session, by, "mail.by_hand", f"book:{book_id}", to=address, invoice=row.posting.number)
    session.commit()
    return mail


def arrived(session: Session, book_id: int, mail_id: int, by: str) -> None:
    """A person knows that a mail in doubt arrived. Raises ValidationError, NotFoundError."""
    find(session, book_id, mail_id)
    outbox.settle_as_sent(session, mail_id, by)
