"""Reads: finding the codebase again, paging, exports in pieces, and what is missing in them."""

from __future__ import annotations

import pytest
import redis

from app.connectors.connectwise.client import chunks
from app.connectors.connectwise.connector import ConnectWise
from app.connectors.protocols import ConnectionFailedError
from app.domain.problems import Severity
from tests.connectors.connectwise.conftest import Open, Site
from tests.connectors.source_contract import KIND, document_of, exported


def test_an_upgrade_of_the_site_is_followed(source: ConnectWise, psa: Site) -> None:
    before = source.unposted(KIND)
    psa.upgrade("v2025_2/")

    assert source.unposted(KIND) == before


def test_the_codebase_is_asked_for_once(source: ConnectWise, psa: Site) -> None:
    source.unposted(KIND)
    source.unposted(KIND)

    assert psa.calls_of("/login/companyinfo/harborpoint") == 1


def test_a_list_of_several_pages_is_read_to_its_end(source: ConnectWise, psa: Site) -> None:
    psa.close_more(1000)

    assert len(source.unposted(KIND)) == len(psa.unposted()) > 1000


def test_many_records_are_exported_in_few_calls(source: ConnectWise, psa: Site) -> None:
    records = list(psa.unposted())

    exported(source, *records)

    assert psa.calls_of("/finance/accounting/export") == -(-len(records) // 50)
    assert psa.calls_of("/company/companies") == 1


@pytest.mark.parametrize("fault", ["503", "lose_answer", "500_after"])
def test_an_export_that_is_too_big_is_halved_and_stays_small(source: ConnectWise, psa: Site, fault: str) -> None:
    records = list(psa.unposted())[:50]
    psa.fault(fault, path="export", times=2)

    exports = exported(source, *records)

    assert [export.record for export in exports] == records
    assert psa.calls_of("/finance/accounting/export") == 2 + 5  # 50, 25, then 12 at a time
    exported(source, *records)
    assert psa.calls_of("/finance/accounting/export") == 2 + 5 + 5


def test_one_record_that_cannot_be_exported_does_not_hold_up_the_others(source: ConnectWise, psa: Site) -> None:
    records = list(psa.unposted())[:4]
    psa.fault("503", path="export", times=2)  # 4, then 2: now one at a time
    exported(source, *records)

    exported(source, records[0])
    psa.running.gate.faults.add("503", path="export", skip=1, times=3)
    exports = exported(source, *records)

    assert [bool(export.document) for export in exports] == [True, False, True, True]
    assert exports[1].problems[0].code == "export_failed"


def test_a_psa_that_exports_nothing_is_down(source: ConnectWise, psa: Site) -> None:
    psa.fault("503", path="export", times=0)

    with pytest.raises(ConnectionFailedError) as caught:
        exported(source, *list(psa.unposted())[:2])

    assert caught.value.code == "psa_down"


@pytest.mark.parametrize("form", ["bare", "absent"])
def test_an_invoice_without_a_gl_mapping_is_held_with_what_to_do(source: ConnectWise, psa: Site, form: str) -> None:
    psa.switch(unmapped_export=form)
    (unmapped,) = [str(row["id"]) for row in psa.invoices() if not row["mapped"]]

    (record,) = [record for record in source.unposted(KIND) if record.record == unmapped]
    (export,) = exported(source, unmapped)

    assert [(problem.code, problem.severity) for problem in record.problems] == [("no_gl_entries", Severity.WARNING)]
    assert export.document is None
    assert export.problems[0].code == "no_gl_entries"
    assert "reopen and close" in export.problems[0].remedy


def test_the_export_holds_every_gl_record_of_a_document(source: ConnectWise, psa: Site) -> None:
    known = {str(row["id"]): set(row["record_ids"]) for row in psa.invoices() if row["mapped"]}

    exports = exported(source, *known)

    assert {export.record: set(export.gl_ids) for export in exports} == known


def test_an_invoice_of_the_future_is_exported_too(source: ConnectWise, psa: Site) -> None:
    late = next(iter(psa.running.site.invoices.values()))
    late.date = late.date.replace(year=late.date.year + 1)
    psa.running.site.touch(late)

    assert document_of(exported(source, str(late.id))[0]).date == late.date


def test_without_the_rights_for_companies_and_invoices_a_document_still_comes(source: ConnectWise, psa: Site) -> None:
    psa.switch(rights={"company": "none", "invoicing": "none"})
    record = next(iter(psa.unposted()))

    assert document_of(exported(source, record)[0]).party.name


def test_whether_a_record_is_batched_cannot_be_told_without_the_right(source: ConnectWise, psa: Site) -> None:
    psa.switch(rights={"invoicing": "none"})

    with pytest.raises(ConnectionFailedError) as caught:
        source.batch_of(KIND, list(psa.unposted()))

    assert caught.value.code == "cannot_tell"


def test_many_batches_are_looked_up_in_few_calls(source: ConnectWise, psa: Site) -> None:
    assert source.find_batches([f"CF-I-{number}-g1" for number in range(39000, 39200)]) == {}

    assert psa.calls_of("/finance/accounting/batches") <= 4


def test_a_site_that_takes_no_lists_is_asked_one_by_one(source: ConnectWise, psa: Site) -> None:
    first, second, *_ = psa.unposted()
    psa.batch_by_hand(first, "M-1")
    psa.batch_by_hand(second, "M-2")
    psa.refuse_lists()

    assert set(source.find_batches(["M-1", "M-2", "M-3"])) == {"M-1", "M-2"}


def test_two_connections_share_one_throttle(opened: Open, psa: Site, redis_server: redis.Redis) -> None:
    opened().unposted(KIND)
    opened().unposted(KIND)

    (log,) = redis_server.keys("*:calls")
    assert redis_server.zcard(log) == sum(psa.calls().values())


def test_chunks_keep_an_address_short() -> None:
    values = [f'"CF-I-{number}-g1"' for number in range(1000, 1500)]

    groups = chunks(values, 1000)

    assert [value for group in groups for value in group] == values
    assert len(groups) < 25
