"""Intuit's webhooks: believed only with its signature, read in both shapes, each event once."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.connectors.ledger_events import BadNoticeError, LedgerEvent
from app.connectors.quickbooks_online.webhooks import events
from sandbox.quickbooks_online import bookkeeper
from sandbox.quickbooks_online.chart import empty_company, place
from sandbox.wire import Server

VERIFIER = "c2a7b1d0-3d1f-4f0e-9c58-0b6d2a1f7e11"


def signed(body: bytes, verifier: str = VERIFIER) -> str:
    return base64.b64encode(hmac.new(verifier.encode(), body, hashlib.sha256).digest()).decode()


def read(told: Any) -> list[LedgerEvent]:
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    return events(body, signed(body), VERIFIER)


def refused(body: bytes, signature: str, verifier: str = VERIFIER) -> str:
    with pytest.raises(BadNoticeError) as caught:
        events(body, signature, verifier)
    assert caught.value.remedy
    return caught.value.code


def changed(ident: str, stamp: str, operation: str = "Update", **more: str) -> dict[str, str]:
    return {"name": "Payment", "id": ident, "operation": operation, "lastUpdated": stamp, **more}


def notified(*entities: dict[str, str], realm: str = "913") -> dict[str, Any]:
    return {"eventNotifications": [{"realmId": realm, "dataChangeEvent": {"entities": list(entities)}}]}


def cloud(ident: str, number: str, at: str, kind: str = "qbo.creditmemo.voided.v1") -> dict[str, Any]:
    told = {"specversion": "1.0", "id": number, "source": "intuit.x", "type": kind, "time": at, "data": {}}
    return {**told, "intuitentityid": ident, "intuitaccountid": "913"}


def test_the_old_shape_is_read() -> None:
    (event,) = read(notified(changed("42", "2026-11-28T16:00:00-08:00", "Create")))
    moment = dt.datetime(2026, 11, 29, tzinfo=dt.UTC)
    assert (event.realm, event.entity, event.ledger_id) == ("913", "Payment", "42")
    assert (event.operation, event.moment) == ("created", moment)


def test_cloud_events_are_read() -> None:
    (event,) = read([cloud("7", "b-1", "2026-11-29T00:00:00Z")])
    assert (event.realm, event.entity, event.ledger_id) == ("913", "CreditMemo", "7")
    assert (event.operation, event.event_id) == ("voided", "b-1")


def test_duplicates_count_once_and_order_does_not_matter() -> None:
    late, early = changed("1", "2026-11-29T10:00:00Z"), changed("1", "2026-11-29T09:00:00Z")
    found = read(notified(late, early, late))
    assert [event.moment for event in found] == sorted(event.moment for event in found if event.moment)
    assert len(found) == 2
    again = [cloud("7", "b-2", "2026-11-29T09:00:00Z"), cloud("7", "b-1", "2026-11-29T08:00:00Z")]
    assert [event.event_id for event in read([*again, *again])] == ["b-1", "b-2"]


def test_what_a_merge_took_away_is_told_too() -> None:
    found = read(notified(changed("1", "2026-11-29T10:00:00Z", "Merge", deletedId="2")))
    assert {(event.ledger_id, event.operation) for event in found} == {("1", "merged"), ("2", "deleted")}


def test_several_companies_come_in_one_delivery() -> None:
    first, second = (notified(changed("1", "2026-11-29T10:00:00Z"), realm=realm) for realm in ("913", "914"))
    both = {"eventNotifications": first["eventNotifications"] + second["eventNotifications"]}
    assert {event.realm for event in read(both)} == {"913", "914"}


def test_entries_that_name_nothing_are_left_out() -> None:
    good = changed("1", "yesterday", "Celebrate")
    (event,) = read(notified({"name": "Payment"}, good, {"id": "3" * 400, "name": "Payment", "operation": "Update"}))
    assert (event.ledger_id, event.operation, event.moment) == ("1", "celebrate", None)
    assert read([{"id": "x"}, None, 7, {"type": "qbo"}]) == []


def test_a_signature_of_another_token_body_or_form_is_refused() -> None:
    body = json.dumps(notified(changed("1", "2026-11-29T10:00:00Z"))).encode()
    assert refused(body, signed(body, "another")) == "bad_signature"
    assert refused(body + b" ", signed(body)) == "bad_signature"
    for signature in ("", "%%%", "é", signed(body)[:-4], hmac.new(VERIFIER.encode(), body, "sha256").hexdigest()):
        assert refused(body, signature) == "bad_signature"
    assert refused(body, signed(body, ""), "") == "no_verifier"


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"null", b"7", b'"x"', b"{}", b'{"eventNotifications": 7}'])
def test_a_signed_body_of_another_form_is_refused_as_unreadable(body: bytes) -> None:
    assert refused(body, signed(body)) == "bad_body"


@given(st.recursive(st.none() | st.text() | st.integers() | st.booleans(), lambda x: st.lists(x) | st.dictionaries(
    st.sampled_from(["eventNotifications", "realmId", "dataChangeEvent", "entities", "id", "name", "type", "operation",
                     "lastUpdated", "time", "intuitentityid", "intuitaccountid"]), x), max_leaves=20))  # fmt: skip
def test_anything_signed_ends_in_events_or_in_one_typed_error(told: Any) -> None:
    try:
        found = read(told)
    except BadNoticeError:
        return
    assert all(event.realm and event.ledger_id for event in found)


@pytest.mark.parametrize("shape", ["notifications", "cloud_events"])
def test_what_the_sandbox_tells_is_read_in_both_shapes(shape: str) -> None:
    company, heard = empty_company(), list[tuple[bytes, str]]()

    def listen(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        heard.append((environ["wsgi.input"].read(), environ["HTTP_INTUIT_SIGNATURE"]))
        start_response("200 OK", [])
        return [b""]

    server = Server(listen).start()
    try:
        company.switches.update(
            {"webhook_url": server.url, "webhook_shape": shape, "webhook_twice": True, "webhook_verifier": VERIFIER}
        )
        with company.lock:
            customer = place(company, "Customer", {"DisplayName": "Acme Dental"})["Id"]
            paid = bookkeeper.act(company, {"operation": "receive", "customer": customer, "amount": "10"})["Id"]
            bookkeeper.act(company, {"operation": "void", "payment": paid})
        until = time.monotonic() + 5
        while len(heard) < 2 and time.monotonic() < until:
            time.sleep(0.01)
    finally:
        server.stop()
    first, second = (events(body, signature, VERIFIER) for body, signature in heard)
    told = {(event.realm, event.entity, event.ledger_id, event.operation) for event in first}
    assert told == {(company.realm, "Customer", customer, "created"), (company.realm, "Payment", paid, "created"),
                    (company.realm, "Payment", paid, "voided")}  # fmt: skip
    assert [event.event_id for event in second] == [event.event_id for event in first]
