"""What stands on many of ConnectWise's invoices, by their own sums."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from app.connectors.connectwise.connector import ConnectWise
from tests.connectors.connectwise.conftest import Site
from tests.connectors.connectwise.test_payments import add, new, written
from tests.connectors.mangled import Reply, mangled


def test_the_sum_of_many_invoices_is_told_in_one_call_and_of_few_by_their_lists(source: ConnectWise, psa: Site) -> None:
    records = [record for record, amount in psa.unposted().items() if amount > 30]
    for record in records[:2]:
        written(add(source, record, new("10.00", "CF-1")))
        written(add(source, record, new("2.50", "CF-2")))
    before = psa.calls_of("/finance/invoices")
    found = source.paid_on(records)
    assert psa.calls_of("/finance/invoices") - before == 1
    assert found == {record: Decimal("12.50" if record in records[:2] else 0) for record in records}
    assert source.paid_on(records[:20]) == {}


@pytest.mark.parametrize("told", ['"payments":"much"', '"payments":1e999', '"payments":13.50', '"payments":null'])
def test_a_sum_that_is_no_number_or_leaves_another_balance_is_none(source: ConnectWise, psa: Site, told: str) -> None:
    records = [record for record, amount in psa.unposted().items() if amount > 30]
    written(add(source, records[0], new("12.50")))

    def change(_method: str, _path: str, true: Reply) -> Reply:
        assert '"payments": 12.5' in true.text or '"payments":12.5' in true.text, true.text[:300]
        return true.saying(re.sub(r'"payments": ?12\.50?', told, true.text))

    with mangled(psa.running.server, change):
        found = source.paid_on(records)
    assert set(found) == set(records[1:])


def test_sums_that_cancel_out_are_not_nothing(source: ConnectWise, psa: Site) -> None:
    records = [record for record, amount in psa.unposted().items() if amount > 30]

    def change(_method: str, path: str, true: Reply) -> Reply:
        some = re.sub(
            r'"payments": ?0(\.0+)?', '"payments":10', re.sub(r'"credits": ?0(\.0+)?', '"credits":-10', true.text)
        )
        return true if "/payments" in path else true.saying(some)

    with mangled(psa.running.server, change):
        assert source.paid_on(records) == {}
        before = psa.calls_of("/payments")
        assert source.payments_on(records) == dict.fromkeys(records, ())
        assert psa.calls_of("/payments") - before == len(records)
