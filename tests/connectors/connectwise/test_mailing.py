"""An invoice's PDF and its customer's address, over real HTTP."""

from __future__ import annotations

import pytest

from app.connectors.connectwise.connector import ConnectWise
from app.connectors.protocols import ConnectionFailedError
from app.connectors.source_abilities import GivesPdf, KnowsMailAddresses
from app.domain.states import RecordKind
from tests.connectors.connectwise.conftest import Site


def test_the_pdf_comes_byte_for_byte(source: ConnectWise, psa: Site) -> None:
    row = psa.invoices()[0]
    assert isinstance(source, GivesPdf)
    content = source.pdf(RecordKind.INVOICES, str(row["id"]))
    assert content.startswith(b"%PDF-1.4")
    assert f"invoice {row['number']}".encode() in content


@pytest.mark.parametrize(("word", "code"), [("half", "not_a_pdf"), ("page", "not_a_pdf"), ("huge", "file_too_large")])
def test_what_is_no_whole_pdf_of_a_decent_size_is_not_taken(
    source: ConnectWise, psa: Site, word: str, code: str
) -> None:
    psa.running.site.switches.invoice_pdf = word
    with pytest.raises(ConnectionFailedError) as said:
        source.pdf(RecordKind.INVOICES, str(psa.invoices()[0]["id"]))
    assert said.value.code == code


def test_an_invoice_that_is_gone_and_an_expense_have_none(source: ConnectWise) -> None:
    for kind, record in ((RecordKind.INVOICES, "999999"), (RecordKind.EXPENSES, "1")):
        with pytest.raises(ConnectionFailedError):
            source.pdf(kind, record)


def test_the_invoice_address_goes_before_the_contacts_own(source: ConnectWise, psa: Site) -> None:
    first, second, third = list(psa.running.site.companies.values())[:3]
    first.email, first.contact_email = "invoices@first.example", "jo@first.example"
    second.email, second.contact_email = "", "jo@second.example"
    third.email, third.contact_email = "", ""
    assert isinstance(source, KnowsMailAddresses)
    asked = [str(company.id) for company in (first, second, third)]
    assert source.mail_addresses(asked) == {asked[0]: "invoices@first.example", asked[1]: "jo@second.example"}
