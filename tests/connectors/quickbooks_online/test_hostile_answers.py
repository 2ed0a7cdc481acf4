"""Whatever arrives in the place of QuickBooks' answer: only what is certain is posted or refused, nothing is raised."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.connectors.http import Answer, parse_json
from app.connectors.protocols import ConnectionFailedError, Created, OutgoingCall, Removed
from app.connectors.quickbooks_online import calls, drafts, lists, pictures, removals
from app.domain import codec
from app.domain.documents import DocumentKind
from app.domain.links import LinkKind
from app.domain.outcomes import CannotTell, Found, InDoubt, NotDone, Outcome, Posted, Receipt, Refused
from tests.builders import a_document
from tests.connectors.destination_contract import a_body, a_probe, a_request_id, a_slot
from tests.connectors.mangled import Change, Reply, mangled
from tests.connectors.quickbooks_online.stand import SandboxStand
from tests.connectors.quickbooks_online.test_faults import a_call, a_fault
from tests.hostile import ANSWERS, CURRENCIES, as_json, assert_said, assert_storable, spoiled

INVOICE = {
    "Id": "145", "SyncToken": "0", "DocNumber": "10482", "TxnDate": "2026-11-22", "DueDate": "2026-12-22",
    "PrivateNote": "PSA 10482 · CF-I39005-g1", "CustomerRef": {"value": "1", "name": "Acme"},
    "CurrencyRef": {"value": "USD"}, "TotalAmt": Decimal("214.00"), "Balance": Decimal("214.00"),
    "MetaData": {"CreateTime": "2026-11-22T10:00:00-08:00"}, "CustomField": [{"StringValue": "x"}],
    "TxnTaxDetail": {"TotalTax": 14, "TaxLine": [{"Amount": 14, "TaxLineDetail": {"TaxPercent": 7}}]},
    "Line": [{"Id": "1", "Amount": 200, "DetailType": "SalesItemLineDetail", "Description": "x",
              "SalesItemLineDetail": {"ItemRef": {"value": "1"}, "Qty": 1, "UnitPrice": 200}}],
}  # fmt: skip
ROWS: dict[LinkKind, dict[str, Any]] = {
    LinkKind.CUSTOMERS: {"Id": "1", "DisplayName": "A", "Active": True, "PrimaryEmailAddr": {"Address": "a@b.example"}},
    LinkKind.ITEMS: {"Id": "1", "Name": "A", "Type": "Service", "Sku": "x", "IncomeAccountRef": {"value": "1"}},
    LinkKind.ACCOUNTS: {"Id": "1", "Name": "A", "AcctNum": "1", "AccountType": "Income"},
    LinkKind.TERMS: {"Id": "1", "Name": "A", "Type": "STANDARD", "DueDays": 30},
    LinkKind.TAX_CODES: {
        "Id": "3",
        "Name": "A",
        "SalesTaxRateList": {"TaxRateDetail": [{"TaxRateRef": {"value": "1"}}]},
    },
}
ONE = a_call()
FIVE = a_call(*[DocumentKind.INVOICE] * 5)


def an_answer(body: Any, status: int = 200) -> Answer:
    return Answer(status, {}, body if isinstance(body, str) else as_json(body), "https://quickbooks.api.intuit.com/")


def batch_answer(*answered: tuple[str, str]) -> dict[str, Any]:
    """A batch's answer: pairs of item id and the document's id."""
    return {"BatchItemResponse": [{"bId": item, "Invoice": {**INVOICE, "Id": ident}} for item, ident in answered]}


def outcomes(call: OutgoingCall, answer: Answer) -> list[Outcome]:
    """Read and checked: one outcome per member, each such as every part of the program can carry."""
    found = calls.outcomes(call, answer, "USD")
    assert len(found) == len(call.item_ids)
    for outcome in found:
        assert isinstance(outcome, Posted | Refused | NotDone | InDoubt)
        if isinstance(outcome, Posted):
            assert_sound(outcome.receipt)
        if isinstance(outcome, Refused):
            assert_said(outcome.problem)
    return found


def assert_sound(receipt: Receipt) -> None:
    assert receipt.ledger_id
    assert receipt.ledger_id != "None"
    assert len(receipt.total.currency) == 3
    assert receipt.total.amount < 10**12
    stored = json.dumps(codec.to_json(receipt), ensure_ascii=False)
    assert_storable(stored)
    assert codec.from_json(Receipt, json.loads(stored)) == receipt
    pictures.to_picture(receipt.stored)


# ── truncated, re-ordered, doubled ───────────────────────────────────────────────────────────────────────────────

IDS = {item: str(100 + place) for place, item in enumerate(FIVE.item_ids)}


@given(st.lists(st.sampled_from([*IDS, "6", "0", "", "None", " 1", "１"]), max_size=9))
def test_a_member_is_posted_only_where_its_own_id_stands_exactly_once(items: list[str]) -> None:
    found = outcomes(FIVE, an_answer(batch_answer(*((item, IDS.get(item, "999")) for item in items))))

    for (item, ident), outcome in zip(IDS.items(), found, strict=True):
        if items.count(item) == 1:
            assert isinstance(outcome, Posted)
            assert outcome.receipt.ledger_id == ident
        else:
            assert isinstance(outcome, InDoubt)
            assert outcome.ended


def test_an_answer_cut_off_anywhere_leaves_every_member_in_doubt() -> None:
    whole = as_json(batch_answer(*IDS.items()))
    for end in range(0, len(whole), 37):
        assert all(isinstance(outcome, InDoubt) for outcome in outcomes(FIVE, an_answer(whole[:end])))


def test_a_fault_inside_an_answer_of_200_is_that_members_alone() -> None:
    body = batch_answer(*IDS.items())
    body["BatchItemResponse"][2] = {"bId": "3", **a_fault("6240")}
    body["BatchItemResponse"][3] = {"bId": "4", "Fault": {}, "Invoice": None}

    kinds = [type(outcome) for outcome in outcomes(FIVE, an_answer(body))]
    assert kinds == [Posted, Posted, Refused, InDoubt, Posted]


def test_a_fault_beside_a_document_is_not_posted() -> None:
    body = {"Invoice": INVOICE, **a_fault("10000")}

    assert isinstance(outcomes(ONE, an_answer(body))[0], InDoubt)


@pytest.mark.parametrize("currency", CURRENCIES, ids=ascii)
def test_a_document_has_a_currencys_code_or_stays_in_doubt(currency: Any) -> None:
    assert len(outcomes(ONE, an_answer({"Invoice": {**INVOICE, "CurrencyRef": currency}}))) == 1


@pytest.mark.parametrize("currency", ["usd", {"value": "usd"}, {"value": " Usd "}, None, {}])
def test_a_currency_is_read_as_object_or_text_in_any_case(currency: Any) -> None:
    [outcome] = outcomes(ONE, an_answer({"Invoice": {**INVOICE, "CurrencyRef": currency}}))

    assert isinstance(outcome, Posted)
    assert outcome.receipt.total.currency == "USD"


# ── anything anywhere ────────────────────────────────────────────────────────────────────────────────────────────


@given(spoiled({"Invoice": INVOICE}))
def test_a_document_with_anything_anywhere_is_sound_or_in_doubt(body: Any) -> None:
    assert len(outcomes(ONE, an_answer(body))) == 1


@given(spoiled({"BatchItemResponse": [{"bId": "1", "Invoice": INVOICE}, {"bId": "2", **a_fault("6140")}]}))
def test_a_batch_with_anything_anywhere_is_sound_or_in_doubt(body: Any) -> None:
    assert len(outcomes(FIVE, an_answer(body))) == 5


@given(spoiled(a_fault("6240")), st.sampled_from([200, 400, 401, 403, 404, 429, 500, 503]))
def test_a_fault_with_anything_anywhere_is_an_outcome(body: Any, status: int) -> None:
    assert not any(isinstance(outcome, Posted) for outcome in outcomes(ONE, an_answer(body, status)))
    drafts.outcome(LinkKind.CUSTOMERS, an_answer(body, status), "r")
    removals.removal(an_answer(body, status), "r")


@given(spoiled(INVOICE))
def test_what_was_kept_can_always_be_shown(body: dict[str, Any]) -> None:
    assert pictures.to_picture(parse_json(as_json(body)))


@given(st.sampled_from(list(ROWS)).flatmap(lambda kind: st.tuples(st.just(kind), spoiled(ROWS[kind]))))
def test_a_list_with_anything_anywhere_is_entries_or_one_sentence(given: tuple[LinkKind, Any]) -> None:
    kind, row = given
    try:
        entries = lists.entries(lambda _: [parse_json(as_json(row))], kind)
    except ConnectionFailedError as error:
        assert_said(error)
    else:
        assert all(entry.ledger_id and entry.ledger_id != "None" for entry in entries)
    if kind in drafts.ENTITIES:
        made = drafts.outcome(kind, an_answer({drafts.ENTITIES[kind]: row}), "r")
        assert isinstance(made, Created | InDoubt)


# ── other bodies ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("words", ANSWERS)
@pytest.mark.parametrize("status", [200, 201, 204, 301, 400, 404, 408, 500, 502, 503, 504])
def test_an_answer_that_says_nothing_leaves_a_doubt(words: str, status: int) -> None:
    answer = an_answer(ANSWERS[words][0], status)

    assert {type(outcome) for outcome in outcomes(FIVE, answer)} == {InDoubt}
    assert isinstance(drafts.outcome(LinkKind.CUSTOMERS, answer, "r"), InDoubt)
    assert isinstance(removals.removal(answer, "r"), InDoubt)


# ── over real HTTP ───────────────────────────────────────────────────────────────────────────────────────────────


def _reads(stand: SandboxStand) -> dict[str, Callable[[], Any]]:
    destination = stand.destination
    return {
        "company": destination.company,
        "names": destination.names_taken,
        **{kind: lambda kind=kind: destination.entries(kind) for kind in ROWS},  # type: ignore[misc]  # the loop's own
        "read": lambda: destination.read(DocumentKind.INVOICE, "1"),
    }


def _everywhere(text: str, kind: str) -> Change:
    return lambda _, path, true: true.saying(text, kind) if "/v3/" in path else true


#: The throttle lets ten calls a second through, so not every read meets every answer.
FEW = ("cut off", "null", "a list of nothing", "an unknown object")


def test_an_odd_answer_to_any_read_is_one_sentence(stand: SandboxStand) -> None:
    believed = []
    for words in ANSWERS:
        reads = _reads(stand) if words in FEW else {"company": stand.destination.company}
        with mangled(stand.running.server, _everywhere(*ANSWERS[words])):
            for name, read in reads.items():
                try:
                    read()
                except ConnectionFailedError as error:
                    assert_said(error)
                else:
                    believed.append(f"{name}: {words}")
    assert not believed


def test_an_odd_answer_to_a_look_into_the_books_concludes_nothing(stand: SandboxStand) -> None:
    for words in FEW:
        with mangled(stand.running.server, _everywhere(*ANSWERS[words])):
            [finding] = stand.destination.find([a_probe(stand, a_document())])
        assert isinstance(finding, CannotTell)


def test_documents_whose_answers_come_mixed_up_are_booked_once_and_found(stand: SandboxStand) -> None:
    documents = [a_document(str(39100 + place)) for place in range(6)]

    def mixed(_: str, path: str, true: Reply) -> Reply:
        if not path.endswith("/batch"):
            return true
        body = json.loads(true.text)
        items = body["BatchItemResponse"]
        random.Random(4).shuffle(items)
        body["BatchItemResponse"] = [items[0], *items, {"bId": "77", **a_fault("6240")}, None][: len(items)]
        return true.saying(json.dumps(body))

    call = stand.destination.compose([a_body(stand, document) for document in documents], a_request_id())
    with mangled(stand.running.server, mixed):
        found = stand.destination.send(call, a_slot(stand.destination, 6))
    findings = stand.destination.find([a_probe(stand, document) for document in documents])

    assert stand.count() == 6
    ids = [finding.receipt.ledger_id for finding in findings if isinstance(finding, Found)]
    assert len(ids) == 6
    assert [type(outcome) for outcome in found].count(InDoubt) == 2  # the doubled one and the one cut off
    assert all(o.receipt.ledger_id == i for o, i in zip(found, ids, strict=True) if isinstance(o, Posted))


def test_nothing_is_taken_for_removed_that_is_still_there(stand: SandboxStand) -> None:
    ident = stand.type_in(a_document())
    receipt = stand.destination.read(DocumentKind.INVOICE, ident)
    assert receipt
    with mangled(stand.running.server, lambda *_: Reply("200 OK", "{}")):
        outcome = stand.destination.remove(DocumentKind.INVOICE, receipt, a_request_id(), a_slot(stand.destination))

    assert isinstance(outcome, InDoubt)
    assert isinstance(
        stand.destination.remove(DocumentKind.INVOICE, receipt, a_request_id(), a_slot(stand.destination)), Removed
    )


@pytest.mark.parametrize("value", ["NaN", None, "many", True, [], {}, Decimal("1E+999"), Decimal("-1")], ids=ascii)
def test_a_rate_of_anything_is_a_list_or_one_sentence(value: Any) -> None:
    answers: dict[bool, list[Any]] = {True: [{"Id": "1", "RateValue": value}], False: [ROWS[LinkKind.TAX_CODES]]}
    try:
        lists.untaxed_code(lists.entries(lambda asked: answers["FROM TaxRate" in asked], LinkKind.TAX_CODES))
    except ConnectionFailedError as error:
        assert_said(error)
