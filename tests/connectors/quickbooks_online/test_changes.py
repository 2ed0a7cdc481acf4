"""Files beside documents, changes and voiding, over real HTTP."""

from __future__ import annotations

import dataclasses

import pytest

from app.connectors.ledger_changes import Attached, Attaching, Changed, Changes, Changing
from app.connectors.protocols import Removed
from app.connectors.quickbooks_online.connector import QuickBooksOnline
from app.domain.documents import DocumentKind
from app.domain.outcomes import InDoubt, NotDone, Receipt, Refused
from tests.builders import a_document
from tests.connectors.destination_contract import OldSlot, a_request_id, a_slot, posted
from tests.connectors.quickbooks_online.payables import documents, furnish
from tests.connectors.quickbooks_online.stand import SandboxStand

PDF = b"%PDF-1.7\n\x00\xff\x80 binary"
NAME = "Invoice 20000.pdf"


@pytest.fixture
def books(stand: SandboxStand) -> SandboxStand:
    furnish(stand)
    return stand


@pytest.fixture
def ledger(books: SandboxStand) -> QuickBooksOnline:
    assert isinstance(books.destination, QuickBooksOnline)
    return books.destination


def change(
    ledger: QuickBooksOnline, receipt: Receipt, changes: Changes, kind: DocumentKind = DocumentKind.BILL
) -> object:
    return ledger.update(kind, receipt, changes, a_request_id(), a_slot(ledger, 0))


# files ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_quickbooks_attaches_and_changes(ledger: QuickBooksOnline) -> None:
    assert isinstance(ledger, Attaching)
    assert isinstance(ledger, Changing)


def test_a_file_is_attached_byte_for_byte_and_found_by_its_name(books: SandboxStand, ledger: QuickBooksOnline) -> None:
    receipt = posted(books, a_document())
    kind = DocumentKind.INVOICE
    assert ledger.attachment(kind, receipt.ledger_id, NAME) is None
    outcome = ledger.attach(kind, receipt.ledger_id, NAME, PDF, a_slot(ledger, 0))
    assert isinstance(outcome, Attached), outcome
    assert ledger.attachment(kind, receipt.ledger_id, NAME) == outcome.attachment_id
    (file,) = books.company.tables["Attachable"].values()
    assert (file["FileName"], file["Size"], file["ContentType"]) == (NAME, len(PDF), "application/pdf")


def test_a_file_of_another_document_is_not_taken_for_it(books: SandboxStand, ledger: QuickBooksOnline) -> None:
    first, second = (posted(books, a_document(record)) for record in ("39005", "39006"))
    ledger.attach(DocumentKind.INVOICE, first.ledger_id, NAME, PDF, a_slot(ledger, 0))
    assert ledger.attachment(DocumentKind.INVOICE, second.ledger_id, NAME) is None


def test_an_upload_whose_answer_is_lost_is_found(books: SandboxStand, ledger: QuickBooksOnline) -> None:
    receipt = posted(books, a_document())
    books.misbehave("lose_answer")
    outcome = ledger.attach(DocumentKind.INVOICE, receipt.ledger_id, NAME, PDF, a_slot(ledger, 0))
    assert isinstance(outcome, InDoubt)
    assert ledger.attachment(DocumentKind.INVOICE, receipt.ledger_id, NAME)


def test_a_file_for_a_document_that_is_gone_is_refused(ledger: QuickBooksOnline) -> None:
    outcome = ledger.attach(DocumentKind.INVOICE, "9999", NAME, PDF, a_slot(ledger, 0))
    assert isinstance(outcome, Refused)


def test_an_old_slot_sends_no_file(books: SandboxStand, ledger: QuickBooksOnline) -> None:
    receipt = posted(books, a_document())
    assert ledger.attach(DocumentKind.INVOICE, receipt.ledger_id, NAME, PDF, OldSlot()) == NotDone("late")
    assert not books.company.tables["Attachable"]


@pytest.mark.parametrize("name", ['Quote "A"/B.pdf', "Rechnung Müller – 7.pdf", "a\r\nb: c.pdf"])
def test_hostile_names_of_files_are_found_again(books: SandboxStand, ledger: QuickBooksOnline, name: str) -> None:
    receipt = posted(books, a_document())
    assert isinstance(ledger.attach(DocumentKind.INVOICE, receipt.ledger_id, name, PDF, a_slot(ledger, 0)), Attached)
    assert ledger.attachment(DocumentKind.INVOICE, receipt.ledger_id, name)


# changes ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_bill_that_waited_gets_its_number_and_date_and_keeps_the_rest(
    books: SandboxStand, ledger: QuickBooksOnline
) -> None:
    receipt = posted(books, documents()["bill_waiting"])
    note = receipt.note.replace("\nWaiting on bill", "")
    outcome = change(ledger, receipt, Changes(number="VINV-9", date="2026-11-20", due_date="2026-12-20", note=note))
    assert isinstance(outcome, Changed)
    now = outcome.receipt
    assert (now.number, str(now.date), str(now.due_date), now.note) == ("VINV-9", "2026-11-20", "2026-12-20", note)
    assert (now.total, now.party_id, now.ledger_id) == (receipt.total, receipt.party_id, receipt.ledger_id)
    assert now.version != receipt.version


def test_a_bill_that_was_edited_since_is_not_changed(books: SandboxStand, ledger: QuickBooksOnline) -> None:
    receipt = posted(books, documents()["bill_waiting"])
    assert isinstance(change(ledger, receipt, Changes(note="by a person")), Changed)
    outcome = change(ledger, receipt, Changes(number="VINV-9"))
    assert isinstance(outcome, Refused)
    assert outcome.problem.code == "edited_since"


def test_a_vendors_number_that_is_taken_is_refused(books: SandboxStand, ledger: QuickBooksOnline) -> None:
    posted(books, documents("39006")["bill"])
    outcome = change(ledger, posted(books, documents()["bill_waiting"]), Changes(number="V-39006"))
    assert isinstance(outcome, Refused)
    assert outcome.duplicate_number


def test_kinds_that_know_full_updates_only_are_not_changed(ledger: QuickBooksOnline, books: SandboxStand) -> None:
    receipt = posted(books, documents()["vendor_credit"])
    with pytest.raises(ValueError, match="in part"):
        change(ledger, receipt, Changes(number="X"), DocumentKind.VENDOR_CREDIT)


def test_an_invoice_is_voided_and_kept(books: SandboxStand, ledger: QuickBooksOnline) -> None:
    receipt = posted(books, a_document())
    assert ledger.void(DocumentKind.INVOICE, receipt, a_request_id(), a_slot(ledger, 0)) == Removed()
    now = ledger.read(DocumentKind.INVOICE, receipt.ledger_id)
    assert now is not None
    assert now.voided


def test_an_edited_invoice_is_not_voided(books: SandboxStand, ledger: QuickBooksOnline) -> None:
    receipt = posted(books, a_document())
    books.edit(receipt.ledger_id, PrivateNote="edited")
    outcome = ledger.void(DocumentKind.INVOICE, receipt, a_request_id(), a_slot(ledger, 0))
    assert isinstance(outcome, Refused)
    gone = dataclasses.replace(receipt, ledger_id="9999")
    assert ledger.void(DocumentKind.INVOICE, gone, a_request_id(), a_slot(ledger, 0)) == Removed()


def test_a_bill_can_only_be_deleted(books: SandboxStand, ledger: QuickBooksOnline) -> None:
    receipt = posted(books, documents()["bill"])
    with pytest.raises(ValueError, match="only be deleted"):
        ledger.void(DocumentKind.BILL, receipt, a_request_id(), a_slot(ledger, 0))


@pytest.mark.parametrize("kind", list(DocumentKind))
def test_every_kind_has_an_address_on_quickbooks_screens(ledger: QuickBooksOnline, kind: DocumentKind) -> None:
    assert ledger.url(kind, "145").endswith("?txnId=145")
