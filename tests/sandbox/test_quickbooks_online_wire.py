"""The QuickBooks stand-in at its gateway: tokens, realms, throttle, faults, control addresses."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import requests

from sandbox.faults import Faults, UnknownFaultError
from sandbox.quickbooks_online.chart import empty_company
from sandbox.throttle import Limit, Throttle
from tests.sandbox.qbo import Books, books_of, invoice


@pytest.fixture
def books() -> Iterator[Books]:
    with books_of() as running:
        running.customer()
        yield running


def test_without_a_good_token_the_gateway_answers_in_lower_case(books: Books) -> None:
    answer = requests.get(f"{books.base}/preferences", headers={"Authorization": "Bearer no"}, timeout=5)
    assert answer.status_code == 401
    assert answer.json()["fault"]["error"][0]["code"] == "3200"
    assert answer.json()["fault"]["type"] == "AUTHENTICATION"
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="Intuit", error="invalid_token"'
    assert answer.headers["intuit_tid"]


def test_a_token_opens_only_its_own_company() -> None:
    with books_of(empty_company("111"), empty_company("222")) as books:
        other = books.session.get(f"{books.running.url}/v3/company/222/preferences", timeout=5)
        assert other.status_code == 403
        assert other.json()["fault"]["error"][0]["code"] == "3100"


def test_the_published_limits_are_on_by_default() -> None:
    company = empty_company()
    report = company.throttle.report()
    assert report["enabled"] is True
    assert {name: (window["calls"], window["seconds"]) for name, window in report["windows"].items()} == {
        "minute": (500, 60),
        "second": (10, 1),
        "batch": (40, 60),
    }


def test_the_eleventh_call_of_a_second_is_429_and_counted(books: Books) -> None:
    books.company.throttle.enabled = True
    statuses = [books.get("preferences").status_code for _ in range(12)]
    assert statuses.count(429) >= 1
    stats = requests.get(f"{books.running.url}/_stats", timeout=5).json()
    assert stats["too_many_requests"] == statuses.count(429)
    time.sleep(1.05)
    assert books.get("preferences").status_code == 200


def test_no_window_wherever_it_starts_holds_more_than_the_limit() -> None:
    now = [0.0]
    throttle = Throttle({"minute": Limit(3, 60)}, clock=lambda: now[0])
    passed = []
    for tick in range(400):
        now[0] = tick * 0.7
        if throttle.let_through("minute"):
            passed.append(now[0])
    assert all(sum(start <= other < start + 60 for other in passed) <= 3 for start in passed)
    assert len(passed) >= 12


def test_a_call_that_one_window_refuses_is_counted_in_none() -> None:
    throttle = Throttle({"all": Limit(5, 60), "batch": Limit(1, 60)}, clock=lambda: 1.0)
    assert throttle.let_through("all", "batch")
    assert not throttle.let_through("all", "batch")
    assert throttle.report()["windows"]["all"]["used"] == 1


@pytest.mark.parametrize(
    ("kind", "status", "booked"),
    [("429", 429, 0), ("401", 401, 0), ("503", 503, 0), ("500_before", 500, 0), ("500_after", 500, 1)],
)
def test_a_fault_answers_its_status_before_or_after_the_work(books: Books, kind: str, status: int, booked: int) -> None:
    books.control("_faults", {"kind": kind, "path": "invoice", "method": "POST"})
    assert books.post("invoice", invoice("1")).status_code == status
    assert books.count() == booked
    assert books.post("invoice", invoice("1")).status_code == 200


@pytest.mark.parametrize(("kind", "booked"), [("drop_before", 0), ("lose_answer", 1)])
def test_a_dropped_connection_tells_nothing(books: Books, kind: str, booked: int) -> None:
    books.company.faults.add(kind, entity="Invoice")
    with pytest.raises(requests.ConnectionError):
        books.post("invoice", invoice("1"))
    assert books.count() == booked


def test_a_cut_answer_is_no_json(books: Books) -> None:
    books.company.faults.add("cut_answer", entity="Invoice")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        books.post("invoice", invoice("1"))
    assert books.count() == 1


@pytest.mark.parametrize("kind", ["slow:0.2", "slow_after:0.2"])
def test_a_slow_call_takes_its_time(books: Books, kind: str) -> None:
    books.company.faults.add(kind, path="invoice")
    started = time.monotonic()
    assert books.post("invoice", invoice("1")).status_code == 200
    assert time.monotonic() - started >= 0.2


def test_a_rule_waits_for_its_call_skips_and_is_spent() -> None:
    faults = Faults()
    faults.add("429", path="/v3/company/1/batch", times=2, skip=1)
    hits = [faults.take("POST", "/v3/company/1/batch") is not None for _ in range(5)]
    assert hits == [False, True, True, False, False]
    assert faults.take("POST", "/v3/company/1/invoice") is None
    with pytest.raises(UnknownFaultError):
        faults.add("explode")


def test_connections_are_kept_alive(books: Books) -> None:
    connection = http.client.HTTPConnection(urlsplit(books.base).netloc, timeout=5)
    used = set()
    for _ in range(3):
        connection.request("GET", "/_stats")
        connection.getresponse().read()
        used.add(connection.sock.getsockname())
    connection.close()
    assert len(used) == 1


def test_revoked_tokens_open_nothing(books: Books) -> None:
    books.control("_faults", {"kind": "token_revoked"})
    assert books.get("preferences").status_code == 401


def test_switches_are_set_by_name_and_unknown_ones_refused(books: Books) -> None:
    changed = books.control("_switches", {"auto_apply_credit": True, "throttle": True, "throttle_scale": 0.5})
    assert changed["auto_apply_credit"] is True
    assert books.company.throttle.report()["windows"]["minute"]["seconds"] == 30
    books.company.throttle.enabled = False
    answer = requests.post(f"{books.running.url}/_switches", json={"nonsense": 1}, timeout=5)
    assert answer.status_code == 400
    assert requests.post(f"{books.running.url}/_switches", json={"requestid": "maybe"}, timeout=5).status_code == 400


def test_documents_and_stats_can_be_read_without_a_token(books: Books) -> None:
    made = books.create("Invoice", invoice("1", DocNumber="10482", PrivateNote="PSA 10482"))
    (row,) = requests.get(f"{books.running.url}/_documents", timeout=5).json()
    assert (row["type"], row["Id"], row["DocNumber"], row["PrivateNote"]) == (
        "Invoice",
        made["Id"],
        "10482",
        "PSA 10482",
    )
    stats = requests.get(f"{books.running.url}/_stats", timeout=5).json()
    assert stats["counts"]["create Invoice"] == 1
    assert stats["documents"]["Invoice"] == 1
    assert stats["throttle"]["enabled"] is False


def test_a_person_can_edit_void_rename_pay_and_delete(books: Books) -> None:
    one, two, three = (books.create("Invoice", invoice("1"))["Id"] for _ in range(3))
    edited = books.control("_edit", {"entity": "Invoice", "id": one, "changes": {"PrivateNote": "mine"}})
    assert (edited["PrivateNote"], edited["SyncToken"]) == ("mine", "1")
    assert books.control("_edit", {"entity": "Invoice", "id": one, "operation": "pay", "amount": 40})["TotalAmt"] == 40
    assert books.get(f"invoice/{one}").json()["Invoice"]["Balance"] == 60
    assert books.control("_edit", {"entity": "Invoice", "id": two, "operation": "void"})["TotalAmt"] == 0
    assert books.control("_edit", {"entity": "Invoice", "id": three, "operation": "delete"})["status"] == "Deleted"
    renamed = books.control("_edit", {"entity": "Customer", "id": "1", "operation": "rename", "name": "New"})
    assert renamed["DisplayName"] == "New"
