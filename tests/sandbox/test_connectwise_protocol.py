"""The ConnectWise stand-in's manners: discovery, keys, rights, codebase, throttle, faults."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from sandbox.demo_psa.demo import demo_site
from tests.sandbox.psa import ACCOUNTING, Psa, record_ids

INFO = "/system/info"


@pytest.fixture
def psa() -> Iterator[Psa]:
    psa = Psa(demo_site())
    yield psa
    psa.close()


def test_a_company_finds_its_codebase_and_a_stranger_gets_null(psa: Psa) -> None:
    assert psa.get("/login/companyinfo/HarborPoint")["Codebase"] == "v2025_1/"
    assert psa.get("/login/companyinfo/nobody") is None


def test_right_keys_are_let_in(psa: Psa) -> None:
    bits = {each["name"]: each["activeFlag"] for each in psa.get(INFO)["licenseBits"]}
    assert bits["GLInterface"] is True


@pytest.mark.parametrize("auth", [None, ("harborpoint+x", "y"), ("harborpoint", "y"), ("+", "")])
def test_wrong_keys_are_401(psa: Psa, auth: tuple[str, str] | None) -> None:
    psa.session.auth = auth
    answer = psa.call("GET", INFO)
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["code"] == "UserNotAuthenticated"


@pytest.mark.parametrize("client_id", ["", "00000000-0000-0000-0000-000000000000"])
def test_a_missing_or_foreign_client_id_is_401(psa: Psa, client_id: str) -> None:
    psa.session.headers["clientId"] = client_id
    assert psa.call("GET", INFO).status_code == 401


def test_another_company_cannot_be_routed_and_is_told_so_in_plain_text(psa: Psa) -> None:
    psa.session.auth = ("otherco+key", "secret")
    answer = psa.call("GET", INFO)
    assert (answer.status_code, answer.text) == (400, "Cannot route. Codebase/company is invalid")


def test_a_doubled_path_cannot_be_routed(psa: Psa) -> None:
    answer = psa.call("GET", f"/apis/3.0{INFO}")
    assert answer.status_code == 400
    assert answer.headers["Content-Type"].startswith("text/plain")


def test_an_upgrade_moves_every_address(psa: Psa) -> None:
    old = psa.running.url + "/v2025_1/apis/3.0" + INFO
    psa.post("/_edit", action="codebase", codebase="v2025_2/")
    gone = psa.session.get(old, timeout=10)
    assert (gone.status_code, gone.json()["message"]) == (404, "The endpoint does not exist.")
    assert psa.get("/login/companyinfo/harborpoint")["Codebase"] == "v2025_2/"
    assert psa.call("GET", INFO).status_code == 200


@pytest.mark.parametrize(
    ("area", "level", "method", "path"),
    [
        ("accounting", "none", "GET", f"{ACCOUNTING}/unpostedinvoices"),
        ("accounting", "inquire", "POST", f"{ACCOUNTING}/export"),
        ("accounting", "add", "POST", f"{ACCOUNTING}/batches"),
        ("accounting", "edit", "DELETE", f"{ACCOUNTING}/batches/1"),
        ("invoicing", "none", "GET", "/finance/invoices"),
        ("invoicing", "inquire", "PATCH", "/finance/invoices/1"),
        ("tables", "none", "GET", "/finance/accountingPackageSetup"),
        ("company", "none", "GET", "/company/companies"),
        ("procurement", "none", "GET", "/procurement/catalog"),
        ("system", "none", "GET", INFO),
    ],
)
def test_a_weak_role_is_403_where_it_is_weak(psa: Psa, area: str, level: str, method: str, path: str) -> None:
    psa.switch(rights={area: level})
    answer = psa.call(method, path, json={})
    assert answer.status_code == 403
    assert answer.json()["code"] == "Security"


def test_a_member_of_one_location_silently_sees_only_that_one(psa: Psa) -> None:
    everything = psa.unposted()
    elsewhere = next(each for each in everything if each["locationId"] != 4)
    psa.switch(structure_location=4)
    assert {each["locationId"] for each in psa.unposted()} == {4}
    assert psa.export(elsewhere["billingLogId"]) == []
    assert psa.call("GET", f"/finance/invoices/{elsewhere['billingLogId']}").status_code == 404


def test_the_call_after_the_last_of_the_window_is_429_in_a_shape_of_its_own(psa: Psa) -> None:
    psa.switch(calls_per_minute=3)
    statuses = [psa.call("GET", INFO).status_code for _ in range(4)]
    answer = psa.call("GET", INFO)
    assert statuses == [200, 200, 200, 429]
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.json()["error"] == "ConnectWiseAPI"
    assert psa.get("/_stats")["by_status"]["429"] == 2


def test_the_published_limit_is_on_by_default(psa: Psa) -> None:
    window = psa.get("/_stats")["throttle"]["windows"]["minute"]
    assert (window["calls"], window["seconds"]) == (1000, 60)


def test_a_lost_answer_leaves_its_work_done(psa: Psa) -> None:
    (document,) = psa.export(psa.number("10399")["billingLogId"])
    psa.post("/_faults", kind="lose_answer", path=f"{ACCOUNTING}/batches", method="POST")
    with pytest.raises(requests.ConnectionError):
        psa.batch("CF-1", record_ids(document))
    assert [each["batchIdentifier"] for each in psa.get(f"{ACCOUNTING}/batches")] == ["CF-1"]


@pytest.mark.parametrize(("kind", "status"), [("429", 429), ("401", 401), ("500_before", 500), ("503", 503)])
def test_faults_refuse_a_call_and_then_are_spent(psa: Psa, kind: str, status: int) -> None:
    psa.post("/_faults", kind=kind, path="system/info")
    assert [psa.call("GET", INFO).status_code for _ in range(2)] == [status, 200]


def test_a_dropped_call_has_no_answer_and_no_effect(psa: Psa) -> None:
    psa.post("/_faults", kind="drop_before", path="system/info")
    with pytest.raises(requests.ConnectionError):
        psa.call("GET", INFO)


def test_a_500_after_the_work_keeps_the_work(psa: Psa) -> None:
    psa.post("/_faults", kind="500_after", path=f"{ACCOUNTING}/batches")
    (document,) = psa.export(psa.number("10399")["billingLogId"])
    assert psa.batch("CF-1", record_ids(document)).status_code == 500
    assert len(psa.get(f"{ACCOUNTING}/batches")) == 1


def test_an_address_of_more_than_2000_characters_is_refused(psa: Psa) -> None:
    ids = ",".join(str(each) for each in range(38894, 39300))
    assert psa.call("GET", "/finance/invoices", params={"conditions": f"id in ({ids})"}).status_code == 414
