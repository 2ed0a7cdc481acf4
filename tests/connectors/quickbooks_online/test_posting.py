"""Every kind of document in every tax model, over real HTTP: what the company then holds is what we meant."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from app.connectors.protocols import ConnectionFailedError, Created, Wait
from app.connectors.quickbooks_online import queries
from app.connectors.registry import Registry
from app.domain.documents import Address, Party
from app.domain.links import Draft, Entry, LinkKind, Rules
from app.domain.outcomes import Absent, LooksAlike, Posted, Refused
from sandbox.quickbooks_online import people
from tests.builders import ACME, BOLT, a_document
from tests.connectors.destination_contract import a_call, a_probe, a_request_id, a_slot, posted, sent, several
from tests.connectors.quickbooks_online.cast import DOCUMENTS, a_credit_memo, a_line, an_invoice
from tests.connectors.quickbooks_online.stand import SPEED, SandboxStand
from tests.redis_server import start_redis

Stands = Callable[..., SandboxStand]
UK = {"tax_mode": "non_us", "country": "GB", "home_currency": "USD"}


@pytest.fixture
def stands(redis_server: redis.Redis) -> Iterator[Stands]:
    """Companies with other switches, with the rules that the company itself gives."""
    running: list[SandboxStand] = []

    def start(**switches: Any) -> SandboxStand:
        stand = SandboxStand(redis_server, **switches)
        running.append(stand)
        stand.rules = stand.destination.company().rules
        return stand

    yield start
    for stand in running:
        stand.stop()


@pytest.mark.parametrize("mode", ["us_manual", "us_ast"])
def test_every_type_keeps_total_and_tax_in_the_us(stands: Stands, mode: str) -> None:
    stand = stands(tax_mode=mode, duplicate_numbers="allowed")
    for name, document in DOCUMENTS.items():
        receipt = posted(stand, document)
        assert (receipt.total, receipt.tax) == (document.total, document.tax), name
        assert receipt.date == document.date
        assert receipt.due_date in (document.due_date, None)


def test_every_type_keeps_total_and_tax_outside_the_us(stands: Stands) -> None:
    stand = stands(**UK, duplicate_numbers="allowed")
    vat = Entry(LinkKind.TAX_CODES, "15", "20.0% S", rate="20", parts="15=20")
    stand.links = {**stand.links, (LinkKind.TAX_CODES, "21"): vat}
    for name, document in DOCUMENTS.items():
        receipt = posted(stand, document)
        assert (receipt.total, receipt.tax) == (document.total, document.tax), name


def test_a_company_without_sales_tax_takes_untaxed_documents(stands: Stands) -> None:
    stand = stands(using_sales_tax=False)
    assert posted(stand, DOCUMENTS["untaxed"]).total == DOCUMENTS["untaxed"].total


def test_invoices_and_credit_memos_go_in_one_call(stand: SandboxStand) -> None:
    outcomes = sent(stand, a_call(stand, [an_invoice(), a_credit_memo(number="10483")]))
    assert [outcome.receipt.number for outcome in outcomes if isinstance(outcome, Posted)] == ["10482", "10483"]
    assert len(stand.company.tables["CreditMemo"]) == 1


def test_a_company_that_numbers_by_itself_is_found_by_mark(stands: Stands) -> None:
    stand = stands(custom_txn_numbers=False)
    receipt = posted(stand, DOCUMENTS["untaxed"])
    assert receipt.number
    assert receipt.number != "10482"
    (finding,) = stand.destination.find([a_probe(stand, DOCUMENTS["untaxed"], exact=True)])
    assert getattr(finding, "receipt", None) == receipt


def test_where_quickbooks_numbers_by_itself_an_equal_number_alone_is_chance(stands: Stands) -> None:
    stand = stands(custom_txn_numbers=False)
    other = a_document("1", number="10482", party=BOLT, lines=(a_line("7.00"),))
    stand.type_in(other)
    assert stand.destination.find([a_probe(stand, DOCUMENTS["untaxed"])]) == [Absent()]
    assert isinstance(stand.destination.find([a_probe(stand, other)])[0], LooksAlike)


def test_a_redis_that_dies_during_a_call_loses_no_answer(stand: SandboxStand, tmp_path: Path) -> None:
    call = a_call(stand, several(2))
    with start_redis(tmp_path) as url, redis.Redis.from_url(url) as memory:
        stand.registry = Registry(memory, stand.rules_of_the_net(), stand.app, speed=SPEED)
        stand.destination = stand.opened()
        slot = a_slot(stand.destination, 2)
    assert all(isinstance(outcome, Posted) for outcome in stand.destination.send(call, slot))
    with pytest.raises(ConnectionFailedError):
        stand.destination.reserve(1)


def test_a_mark_in_the_custom_field_alone_is_found(stand: SandboxStand) -> None:
    stand.rules = dataclasses.replace(stand.rules, mark_custom_field="1")
    document = an_invoice()
    receipt = posted(stand, document)
    stand.edit(receipt.ledger_id, PrivateNote="somebody wrote over it")
    (finding,) = stand.destination.find([a_probe(stand, document)])
    assert getattr(finding, "receipt", None) is not None


def test_the_receipt_keeps_the_ledgers_own_form_without_floats(stand: SandboxStand) -> None:
    stored = posted(stand, DOCUMENTS["miscellaneous"]).stored
    assert [line["Description"] for line in stored["Line"]] == ["Firewall with one year", "Cabling"]
    assert {line["DetailType"] for line in stored["Line"]} == {"SalesItemLineDetail"}
    assert "float" not in {type(value).__name__ for line in stored["Line"] for value in line.values()}


def test_a_date_of_the_closed_period_is_refused_with_its_remedy(stand: SandboxStand) -> None:
    stand.company.switches.book_close_date = "2026-12-31"
    (outcome,) = sent(stand, a_call(stand, [a_document()]))
    assert isinstance(outcome, Refused)
    assert outcome.problem.code == "period_closed"
    assert outcome.problem.field == "date"


def test_a_customer_made_inactive_meanwhile_is_named(stand: SandboxStand) -> None:
    people.edit(stand.company, {"entity": "Customer", "id": "1", "operation": "inactivate"})
    (outcome,) = sent(stand, a_call(stand, [a_document()]))
    assert isinstance(outcome, Refused)
    assert outcome.problem.code in ("reference_gone", "customer_gone")


def test_thirty_documents_fill_a_call(stand: SandboxStand) -> None:
    assert all(isinstance(outcome, Posted) for outcome in sent(stand, a_call(stand, several(30))))


def test_a_third_of_a_hundred_lookups_takes_few_queries(stand: SandboxStand) -> None:
    before = stand.company.counts.total()
    stand.destination.find([a_probe(stand, document) for document in several(150)])
    assert stand.company.counts.total() - before <= 4


def test_the_fourth_lane_is_the_last(stand: SandboxStand) -> None:
    a_slot(stand.destination).release()
    slots = [stand.destination.reserve(1) for _ in range(5)]
    assert [isinstance(slot, Wait) for slot in slots] == [False] * 4 + [True]


def test_the_batch_limit_is_named_in_words(stand: SandboxStand) -> None:
    for _ in range(40):
        a_slot(stand.destination, 2).release()
    waiting = stand.destination.reserve(2)
    assert isinstance(waiting, Wait)
    assert waiting.reason == "QuickBooks’ limit (40 batch calls a minute)"


# creations ───────────────────────────────────────────────────────────────────────────────────────────────────────


def created(stand: SandboxStand, draft: Draft) -> Entry:
    name = stand.destination.valid_name(draft.kind, draft.name)
    body = stand.destination.draft_body(draft, name, stand.links, Rules())
    outcome = stand.destination.create(draft.kind, body, a_request_id(), a_slot(stand.destination, 0))
    assert isinstance(outcome, Created), outcome
    return outcome.entry


def test_a_customer_comes_with_its_address_mail_and_phone(stand: SandboxStand) -> None:
    address = Address(("1 Main St", "Suite 2"), "Boise", "ID", "83702", "US")
    party = Party("900", "Nova: Labs\tInc", email="ap@nova.example", phone="208 555 0100 " * 5, billing_address=address)
    entry = created(stand, Draft(LinkKind.CUSTOMERS, "900", party.name, party=party))
    stored = stand.company.tables["Customer"][entry.ledger_id]
    assert entry.name == "Nova- Labs Inc"
    assert stored["BillAddr"]["Line2"] == "Suite 2"
    assert stored["PrimaryEmailAddr"] == {"Address": "ap@nova.example"}
    assert len(stored["PrimaryPhone"]["FreeFormNumber"]) <= 30


@pytest.mark.parametrize("text", ["é" * 700, "🙂" * 600, "a:b\tc\nd", "  ", "=1+1", 'O’Neil & "Sons" \'n <b>'])
def test_any_name_becomes_one_that_quickbooks_takes(stand: SandboxStand, text: str) -> None:
    for kind in (LinkKind.CUSTOMERS, LinkKind.TERMS):
        assert created(stand, Draft(kind, "901", text, party=dataclasses.replace(ACME, name=text))).ledger_id


@pytest.mark.parametrize(
    ("kind", "becomes"),
    [("Service", "Service"), ("Inventory Part", "NonInventory"), ("Non-Inventory Part", "NonInventory")],
)
def test_an_item_posts_to_the_linked_income_account(stand: SandboxStand, kind: str, becomes: str) -> None:
    entry = created(stand, Draft(LinkKind.ITEMS, "502", f"New {kind}", item_kind=kind, account="4100", taxable=True))
    assert entry.account_id == "82"
    assert entry.detail == becomes


def test_values_with_quotes_and_backslashes_stay_values(stand: SandboxStand) -> None:
    document = an_invoice(number="O'B\\1")
    posted(stand, document)
    (finding,) = stand.destination.find([a_probe(stand, document)])
    assert getattr(finding, "receipt", None) is not None
    assert queries.quoted("O'B\\1") == "'O\\'B\\\\1'"
