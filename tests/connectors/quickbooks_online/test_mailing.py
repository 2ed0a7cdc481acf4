"""What a mail to a customer needs of QuickBooks, over real HTTP: PDF, address, link to pay."""

from __future__ import annotations

import pytest

from app.connectors.ledger_changes import Billing, Printing
from app.connectors.protocols import ConnectionFailedError
from app.connectors.quickbooks_online.connector import QuickBooksOnline
from app.domain.documents import DocumentKind
from tests.builders import a_document
from tests.connectors.destination_contract import posted
from tests.connectors.quickbooks_online.stand import SandboxStand


def test_quickbooks_prints_its_invoice(stand: SandboxStand) -> None:
    ledger, receipt = stand.destination, posted(stand, a_document())
    assert isinstance(ledger, QuickBooksOnline)
    assert isinstance(ledger, Printing)
    assert ledger.pdf(DocumentKind.INVOICE, receipt.ledger_id).startswith(b"%PDF-")
    with pytest.raises(ConnectionFailedError):
        ledger.pdf(DocumentKind.INVOICE, "99999")


def test_a_link_to_pay_is_there_only_with_online_payments(stand: SandboxStand) -> None:
    ledger, receipt = stand.destination, posted(stand, a_document())
    assert isinstance(ledger, Billing)
    assert ledger.pay_link(receipt.ledger_id) == ""
    invoice = stand.company.tables["Invoice"][receipt.ledger_id]
    invoice |= {"AllowOnlineCreditCardPayment": True, "BillEmail": {"Address": "ap@acme.example"}}
    stand.company.switches.online_payments = True
    assert ledger.pay_link(receipt.ledger_id).startswith("https://connect.intuit.example/")


def test_the_customers_own_address(stand: SandboxStand) -> None:
    ledger = stand.destination
    assert isinstance(ledger, Billing)
    customer = next(iter(stand.company.tables["Customer"].values()))
    customer["PrimaryEmailAddr"] = {"Address": "ap@acme.example, jo@acme.example"}
    assert ledger.mail_address(customer["Id"]) == "ap@acme.example, jo@acme.example"
    del customer["PrimaryEmailAddr"]
    assert ledger.mail_address(customer["Id"]) == ""
