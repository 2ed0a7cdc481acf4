"""The stage E-mail: for each invoice that a batch has posted and closed, one mail to each recipient, noted once.

Only notes them: making text and PDF, and handing over, is done by customer_mail and outbox, whatever becomes of the
batch. What an earlier run has noted is never noted again, nor what was not sent by us: another program may have mailed.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from sqlmodel import Session, col, select

from app.connectors.ledger_changes import Billing
from app.connectors.protocols import ConnectionFailedError
from app.connectors.source_abilities import KnowsMailAddresses
from app.domain import mail_text
from app.domain.documents import Document, DocumentKind
from app.domain.line_text import template_for
from app.domain.mail_text import Recipients
from app.domain.problems import ValidationError
from app.domain.states import PostingState, SectionKey
from app.models.connections import Book
from app.models.mail import Mail
from app.models.postings import Posting, PostingProblem
from app.services.batches import afterwards
from app.services.mail import mail_problems
from app.services.mapping import wants
from app.services.posting import posting_rows
from app.services.posting.reading import document_of
from app.services.posting.run import Run

KIND = "invoice"
KINDS = {"invoices": (DocumentKind.INVOICE,), "all": (DocumentKind.INVOICE, DocumentKind.CREDIT_MEMO)}
CHUNK = 100


def plan(run: Run) -> None:
    """Note the mails of this batch. Raises ConnectionFailedError where PSA or ledger are out of reach altogether."""
    kinds = KINDS.get(run.rules["email.invoices"], ())
    if not kinds or not afterwards.has_section(run.database, run.batch_id, SectionKey.EMAIL):
        return
    last, begun, addresses = 0, False, _Addresses(run)
    while not run.stopping() and (chunk := _unplanned(run, kinds, last)):
        last = chunk[-1].id or 0
        if not begun:
            run.begin(SectionKey.EMAIL)
            begun = True
        found = [(posting, addresses.of(posting, document_of(posting))) for posting in addresses.known(chunk)]
        with run.database.session() as session:
            run.hold_on(session)
            name = session.get_one(Book, run.book_id).name
            for posting, recipients in found:
                _note(session, run, name, posting, recipients)
            run.changed(session)
    if begun:
        run.end(SectionKey.EMAIL)


def _unplanned(run: Run, kinds: Sequence[DocumentKind], after: int) -> list[Posting]:
    noted = select(Mail.id).where(Mail.posting_id == Posting.id)
    told = select(PostingProblem.id).where(
        PostingProblem.posting_id == Posting.id, PostingProblem.code == mail_problems.NO_ADDRESS
    )
    query = (
        select(Posting)
        .where(Posting.batch_id == run.batch_id, Posting.role == "main", col(Posting.kind).in_(kinds))
        .where(Posting.state == PostingState.CLOSED, Posting.attempt > 0, col(Posting.id) > after)
        .where(~noted.exists(), ~told.exists())
        .order_by(col(Posting.id))
        .limit(CHUNK)
    )
    with run.database.reading() as session:
        return list(session.exec(query.options(*posting_rows.WITH_DOCUMENT)))


def _note(session: Session, run: Run, company: str, posting: Posting, found: Recipients | str) -> None:
    """The rows of one posting's mails, or what stands in their way; the caller commits."""
    document = document_of(posting)
    customer = document.party.source_id
    if isinstance(found, str):
        mail_problems.no_address(session, posting, customer, found)
        return
    if found.never:
        run.log(session, f"{posting.number} is not mailed: {posting.party} gets no mail.", posting)
        return
    if found.wrong or not found.addresses:
        said = f"“{found.wrong[0]}” of {posting.party} is no e-mail address." if found.wrong else ""
        mail_problems.no_address(session, posting, customer, said)
    subject = mail_text.subject(run.rules, document, company)
    for place, address in enumerate(found.addresses, 1):
        mail = new(posting, f"{KIND}:{posting.id}:{place}", address, subject, by=run.by)
        mail.state = "held" if run.rules["email.hold"] == "yes" else "preparing"
        session.add(mail)
        mail_problems.told(session, mail)


def new(posting: Posting, key: str, address: str, subject: str, *, by: str) -> Mail:
    """The row of a mail whose text and PDF are still to be made."""
    return Mail(
        key=key, kind=KIND, about=f"posting:{posting.id}", to=address, subject=subject, by=by, state="preparing",
        message_name=secrets.token_hex(16), book_id=posting.book_id, posting_id=posting.id,
    )  # fmt: skip


class _Addresses:
    """Asks PSA and ledger for addresses, only where a rule needs them, and once a customer."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._psa: dict[str, str] = {}
        self._books: dict[str, str] = {}

    def known(self, postings: Sequence[Posting]) -> Sequence[Posting]:
        """Ask the PSA for all of these at once."""
        parties = {document_of(posting).party.source_id for posting in postings}
        wanted = sorted(p for p in parties if p not in self._psa and mail_text.needs(self._run.rules, p)[0])
        if wanted and isinstance(self._run.source, KnowsMailAddresses):
            self._psa |= dict.fromkeys(wanted, "") | self._run.source.mail_addresses(wanted)
        return postings

    def of(self, posting: Posting, document: Document) -> Recipients | str:
        """Who gets it, or why that can't be told."""
        rules, customer = self._run.rules, document.party.source_id
        psa = self._psa.get(customer, "")
        try:
            books = self._in_books(posting) if self._asks_books(customer, psa) else ""
            return mail_text.recipients(rules, customer, document.party.name, psa=psa, books=books)
        except ConnectionFailedError as error:
            if error.systemic or error.code == "redis_gone":
                raise
            return f"The address of {posting.party} could not be read: {error.message}"
        except ValidationError as error:
            return f"The rule for the recipients of {posting.party} can’t be used: {error.message}"

    def _asks_books(self, customer: str, psa: str) -> bool:
        needed = mail_text.needs(self._run.rules, customer)[1]
        rule = template_for(self._run.rules, "email.recipients", customer)
        return needed and not (psa and not rule and self._run.rules["email.to"] == "psa_books")

    def _in_books(self, posting: Posting) -> str:
        party = wants.ledger_party(posting.party_key)
        if party not in self._books and party and isinstance(self._run.destination, Billing):
            self._books[party] = self._run.destination.mail_address(party)
        return self._books.get(party, "")
