"""What QuickBooks' faults mean: the table, and the shapes they come in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.connectors.http import Answer
from app.connectors.protocols import Body, OutgoingCall
from app.connectors.quickbooks_online import calls, faults
from app.connectors.quickbooks_online.fault_catalogue import CATALOGUE, Meaning
from app.connectors.quickbooks_online.faults import Fault, outcome_of
from app.domain.documents import DocumentKind
from app.domain.outcomes import InDoubt, NotDone, Outcome, Posted, Refused

FINAL = [
    *("610", "620", "2010", "2020", "2030", "2050", "2140", "2240", "2250", "2290", "2500", "3000", "6070", "6100"),
    *("6140", "6160", "6170", "6200", "6210", "6230", "6240", "6250", "6270", "6430", "6440", "6470", "6520"),
]
DOUBTFUL = ["600", "1000", "1010", "1020", "10000", "99999", "unheard-of", ""]
SYSTEMIC = ["100", "110", "120", "3100", "3200", "5020", "6190"]


def an_answer(status: int, body: Any, **headers: str) -> Answer:
    text = body if isinstance(body, str) else json.dumps(body)
    return Answer(status, {"intuit_tid": "1-abc", **headers}, text, "https://quickbooks.api.intuit.com/v3/")


def a_fault(code: str, detail: str = "Something : is wrong", element: str = "") -> dict[str, Any]:
    error = {"Message": "Wrong", "Detail": detail, "code": code, "element": element}
    return {"Fault": {"Error": [error], "type": "ValidationFault"}, "time": "2026-11-22T02:08:54.543-08:00"}


def a_gateway_fault(code: str) -> dict[str, Any]:
    error = {"message": "message=No; errorCode=00", "detail": "Token expired", "code": code, "element": None}
    return {"warnings": None, "fault": {"error": [error], "type": "SERVICE"}, "time": 1601391072830}


def a_call(*kinds: DocumentKind) -> OutgoingCall:
    return calls.compose([Body(kind, "{}") for kind in kinds or (DocumentKind.INVOICE,)], "r-1")


def an_invoice(**changes: Any) -> dict[str, Any]:
    return {"Id": "5", "TotalAmt": 10, "SyncToken": "0", "CurrencyRef": {"value": "USD"}, **changes}


def read(call: OutgoingCall, answer: Answer) -> list[Outcome]:
    return calls.outcomes(call, answer, "USD")


@pytest.mark.parametrize("code", FINAL)
def test_listed_faults_are_final_with_cause_and_remedy(code: str) -> None:
    outcome = outcome_of([Fault(code, detail="Detail text")], "1-abc", "r-1")
    assert isinstance(outcome, Refused)
    assert outcome.problem.code
    assert outcome.problem.message
    assert outcome.problem.remedy
    assert outcome.problem.technical == {
        "code": code,
        "intuit_tid": "1-abc",
        "request_id": "r-1",
        "said": "Detail text",
    }
    assert outcome.duplicate_number == (code == "6140")


@pytest.mark.parametrize("code", DOUBTFUL)
def test_everything_that_is_not_listed_leaves_a_doubt(code: str) -> None:
    assert isinstance(outcome_of([Fault(code)]), InDoubt)


@pytest.mark.parametrize("code", SYSTEMIC)
def test_what_stops_every_call_is_not_done_and_says_so(code: str) -> None:
    outcome = outcome_of([Fault(code)])
    assert isinstance(outcome, NotDone)
    assert outcome.systemic is not None
    assert outcome.systemic.remedy


@pytest.mark.parametrize(
    ("code", "reason"),
    [("3001", "throttled"), ("130", "maintenance"), ("140", "maintenance"), ("150", "maintenance"), ("5010", "locked")],
)
def test_what_may_go_again_says_when(code: str, reason: str) -> None:
    outcome = outcome_of([Fault(code)])
    assert isinstance(outcome, NotDone)
    assert outcome.reason == reason
    assert outcome.wait > 0
    assert outcome.systemic is None


@pytest.mark.parametrize(
    ("detail", "code"),
    [
        ("The account period has closed and the account books cannot be updated: closed period", "period_closed"),
        ("The currency of the transaction is invalid for this customer", "currency_differs"),
        ("Make sure all your transactions have a tax rate before you save.", "tax_not_taken"),
        ("A business validation error has occurred: something else", "business_rule"),
    ],
)
def test_business_rules_are_told_apart_by_their_text(detail: str, code: str) -> None:
    outcome = outcome_of([Fault("6000", detail=detail)])
    assert isinstance(outcome, Refused)
    assert outcome.problem.code == code


def test_a_business_error_that_asks_to_try_again_is_not_tried_for_ever() -> None:
    detail = "We're sorry, QuickBooks encountered an error while calculating tax. Click Save to try again."
    assert isinstance(outcome_of([Fault("6000", detail=detail)]), Refused)


def test_the_older_form_of_too_fast_is_understood() -> None:
    assert read(a_call(), an_answer(403, a_gateway_fault("3001"))) == [NotDone("throttled", 60)]


def test_a_lock_on_customer_or_item_is_tried_again_alone() -> None:
    detail = "Another user is editing: the account or customer is locked. Please try again."
    assert outcome_of([Fault("6000", detail=detail)]) == NotDone("locked", faults.LOCK_SECONDS)


def test_of_several_errors_the_most_careful_reading_holds() -> None:
    assert isinstance(outcome_of([Fault("6000", detail="x"), Fault("10000")]), InDoubt)
    assert isinstance(outcome_of([Fault("2020"), Fault("2050")]), Refused)


def test_every_entry_that_a_person_reads_has_cause_and_remedy() -> None:
    for code, entry in CATALOGUE.items():
        if entry.meaning in (Meaning.FINAL, Meaning.STOP):
            assert entry.code, code
            assert entry.message.strip(), code
            assert entry.remedy.strip(), code


def test_the_field_is_named_after_the_element() -> None:
    outcome = outcome_of([Fault("2050", element="Line.Description")])
    assert isinstance(outcome, Refused)
    assert outcome.problem.field == "lines"


# answers ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_both_shapes_of_faults_are_read() -> None:
    assert [fault.code for fault in faults.faults_in(a_fault("6140"))] == ["6140"]
    assert [fault.code for fault in faults.faults_in(a_gateway_fault("003100"))] == ["3100"]


@pytest.mark.parametrize(
    "body", [None, [], "x", {}, {"Fault": None}, {"Fault": {"Error": "x"}}, {"fault": {"error": [1]}}]
)
def test_odd_shapes_carry_no_fault(body: Any) -> None:
    assert faults.faults_in(body) == []


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_is_in_doubt_and_a_gateways_is_not_the_end(status: int) -> None:
    (outcome,) = read(a_call(), an_answer(status, "<html>Bad</html>"))
    assert isinstance(outcome, InDoubt)
    assert outcome.ended is False


def test_a_refusal_of_the_service_with_200_is_a_refusal() -> None:
    (outcome,) = read(a_call(), an_answer(200, a_fault("6140")))
    assert isinstance(outcome, Refused)


def test_429_waits_as_long_as_it_is_told_else_a_minute() -> None:
    assert read(a_call(), an_answer(429, a_gateway_fault("3001"))) == [NotDone("throttled", 60)]
    assert read(a_call(), an_answer(429, "", **{"Retry-After": "7"})) == [NotDone("throttled", 7)]


@pytest.mark.parametrize(("status", "code"), [(401, "3200"), (403, "3100")])
def test_being_locked_out_is_systemic(status: int, code: str) -> None:
    (outcome,) = read(a_call(), an_answer(status, a_gateway_fault(code)))
    assert isinstance(outcome, NotDone)
    assert outcome.systemic is not None
    assert outcome.systemic.code == "reconnect_needed"


@pytest.mark.parametrize(
    "body", ["", "{", "[]", "{}", '{"Invoice":{}}', '{"Invoice":{"Id":"5"}}', '{"Invoice":{"Id":"5","TotalAmt":"x"}}']
)
def test_an_answer_of_another_form_is_in_doubt(body: str) -> None:
    (outcome,) = read(a_call(), an_answer(200, body))
    assert isinstance(outcome, InDoubt)
    assert outcome.ended


def test_a_credit_memo_is_not_taken_for_an_invoice() -> None:
    (outcome,) = read(a_call(), an_answer(200, {"CreditMemo": an_invoice()}))
    assert isinstance(outcome, InDoubt)


def test_answers_are_matched_by_item_id_and_never_by_order() -> None:
    call = a_call(*[DocumentKind.INVOICE] * 4)
    items = [
        {"bId": "4", **a_fault("6140")},
        {"bId": "2", "Invoice": an_invoice(Id="22")},
        {"bId": "9", "Invoice": an_invoice(Id="99")},
        {"bId": "1", "Invoice": an_invoice(Id="11")},
    ]
    first, second, third, fourth = read(call, an_answer(200, {"BatchItemResponse": items}))
    assert isinstance(first, Posted)
    assert isinstance(second, Posted)
    assert (first.receipt.ledger_id, second.receipt.ledger_id) == ("11", "22")
    assert isinstance(third, InDoubt)
    assert isinstance(fourth, Refused)


def test_an_item_that_is_answered_twice_is_in_doubt() -> None:
    items = [{"bId": "1", "Invoice": an_invoice(Id=id_)} for id_ in ("11", "12")]
    outcomes = read(a_call(*[DocumentKind.INVOICE] * 2), an_answer(200, {"BatchItemResponse": items}))
    assert all(isinstance(outcome, InDoubt) for outcome in outcomes)


def test_a_call_that_quickbooks_would_not_take_is_not_composed() -> None:
    body = Body(DocumentKind.INVOICE, "{}")
    for bodies, request_id in ([], "r"), ([body] * 31, "r"), ([body], "r" * 37), ([body], ""):
        with pytest.raises(ValueError, match="1 to"):
            calls.compose(bodies, request_id)


def test_a_batch_holds_the_bodies_to_the_byte() -> None:
    bodies = [Body(DocumentKind.INVOICE, '{"A":1.10}'), Body(DocumentKind.CREDIT_MEMO, '{"B":"ü"}')]
    call = calls.compose(bodies, "r-1")
    assert call.target == "batch"
    assert call.item_ids == ("1", "2")
    assert call.body == (
        '{"BatchItemRequest":[{"bId":"1","operation":"create","Invoice":{"A":1.10}},'
        '{"bId":"2","operation":"create","CreditMemo":{"B":"ü"}}]}'
    )
