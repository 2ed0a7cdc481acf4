"""Lists of the ConnectWise stand-in: conditions, order, fields, pages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest

from sandbox.demo_psa.demo import demo_site
from tests.sandbox.psa import ACCOUNTING, Psa

UNPOSTED = f"{ACCOUNTING}/unpostedinvoices"


@pytest.fixture(scope="module")
def psa() -> Iterator[Psa]:
    psa = Psa(demo_site())
    yield psa
    psa.close()


def test_a_page_has_25_rows_unless_asked_otherwise_and_never_more_than_1000(psa: Psa) -> None:
    assert len(psa.get(UNPOSTED)) == 25
    answer = psa.call("GET", UNPOSTED, params={"pageSize": 5000})
    assert len(answer.json()) == psa.get(f"{UNPOSTED}/count")["count"]
    assert "pageSize" not in answer.headers["Link"]


def test_links_lead_through_every_page_once(psa: Psa) -> None:
    answer = psa.call("GET", UNPOSTED, params={"pageSize": 20, "conditions": "total > 0"})
    seen = [each["id"] for each in answer.json()]
    while "next" in answer.links:
        answer = psa.session.get(answer.links["next"]["url"], timeout=10)
        seen += [each["id"] for each in answer.json()]
    assert len(seen) == len(set(seen)) == psa.get(f"{UNPOSTED}/count", conditions="total > 0")["count"]


def test_forward_only_paging_goes_by_page_id_and_always_links_on(psa: Psa) -> None:
    psa.session.headers["pagination-type"] = "forward-only"
    try:
        answer = psa.call("GET", UNPOSTED, params={"pageSize": 1000})
        after = psa.session.get(answer.links["next"]["url"], timeout=10)
        refused = psa.call("GET", UNPOSTED, params={"orderBy": "total"})
    finally:
        del psa.session.headers["pagination-type"]
    assert answer.json()
    assert after.json() == []
    assert refused.status_code == 400


@pytest.mark.parametrize(
    ("conditions", "numbers"),
    [
        ("invoiceNumber = '10404'", ["10404"]),
        ('invoiceNumber="10404" and company/id = 405', ["10404"]),
        ("invoiceNumber in ('10404','10405',)", ["10404", "10405"]),
        ("invoiceNumber like '1040*' and invoiceNumber not in ('10400','10401','10402','10403')", [*"456789"]),
        ("company/name contains 'WHITAKER'", ["10397", "10404"]),
        ("(total = 437.30 or total < -300) and invoiceType = 'Standard'", ["10404"]),
        ("total > 437 and total <= 437.3", ["10404"]),
        ("hasTime = True and not_a_field = 1", None),
        ("total >", None),
        ("total > 1 total", None),
        ("invoiceNumber like 10404 )", None),
    ],
)
def test_conditions_are_read_as_the_vendor_reads_them(psa: Psa, conditions: str, numbers: list[str] | None) -> None:
    answer = psa.call("GET", UNPOSTED, params={"conditions": conditions, "pageSize": 1000})
    if numbers is None:
        assert answer.status_code == 400
        return
    found = [each["invoiceNumber"] for each in answer.json()]
    assert found == [each if len(each) > 1 else f"1040{each}" for each in numbers]


def test_null_is_what_was_left_out_and_booleans_go_both_ways(psa: Psa) -> None:
    count = psa.get(f"{UNPOSTED}/count")["count"]
    without = psa.get(f"{UNPOSTED}/count", conditions="accountNumber = null")["count"]
    having = psa.get(f"{UNPOSTED}/count", conditions="accountNumber != null")["count"]
    time = psa.get(f"{UNPOSTED}/count", conditions="hasTime = True")["count"]
    no_time = psa.get(f"{UNPOSTED}/count", conditions="hasTime=false")["count"]
    assert without == 2
    assert without + having == time + no_time == count


def test_dates_are_compared_as_dates(psa: Psa) -> None:
    day = psa.number("10404")["invoiceDate"]
    same = psa.unposted(conditions=f"invoiceDate = [{day}] and company/id = 405")
    assert [each["invoiceNumber"] for each in same] == ["10404"]
    old = psa.unposted(conditions=f"invoiceDate < [{psa.site.today - dt.timedelta(days=60)}] and dateClosed != null")
    assert [each["invoiceNumber"] for each in old] == ["10416"]


def test_order_and_fields_are_obeyed_and_unknown_ones_refused(psa: Psa) -> None:
    rows = psa.get(UNPOSTED, orderBy="total desc", fields="total,company/name", pageSize=3)
    assert [set(each) for each in rows] == [{"total", "company"}] * 3
    assert set(rows[0]["company"]) == {"name"}
    assert rows[0]["total"] >= rows[1]["total"] >= rows[2]["total"]
    assert psa.call("GET", UNPOSTED, params={"orderBy": "colour"}).status_code == 400
    assert psa.call("GET", UNPOSTED, params={"fields": "colour"}).status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        "/finance/accountingPackages",
        "/finance/accountingPackageSetup",
        "/finance/glAccounts",
        "/finance/glAccounts/mappedTypes",
        "/finance/glCaptions",
        "/finance/billingTerms",
        "/finance/billingStatuses",
        "/finance/taxCodes",
        "/finance/invoices",
        "/company/companies",
        "/system/locations",
        "/procurement/catalog",
        "/procurement/types",
        f"{ACCOUNTING}/unpostedexpenses",
        f"{ACCOUNTING}/unpostedprocurement",
    ],
)
def test_every_table_has_list_count_and_record(psa: Psa, path: str) -> None:
    rows = psa.get(path, pageSize=1000)
    assert psa.get(f"{path}/count")["count"] == len(rows) > 0
    assert psa.get(f"{path}/{rows[0]['id']}") == rows[0]
    assert psa.call("GET", f"{path}/999999").status_code == 404


def test_tax_code_levels_skip_the_levels_that_are_not_used(psa: Psa) -> None:
    levels = psa.get("/finance/taxCodes/21/taxCodeLevels")
    assert [(each["taxLevel"], each["taxRate"]) for each in levels] == [(1, 6.5), (3, 3.75)]


def test_what_changed_since_a_moment_can_be_asked(psa: Psa) -> None:
    assert psa.get("/finance/invoices/count", conditions="lastUpdated > [2020-01-01T00:00:00Z]")["count"] > 0
    assert psa.get("/finance/invoices/count", conditions="lastUpdated > [2999-01-01T00:00:00Z]")["count"] == 0
