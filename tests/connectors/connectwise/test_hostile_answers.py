"""Over real HTTP: whatever arrives in the place of ConnectWise's answer, each verb ends in a sentence or an outcome."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import redis

from app.connectors.connectwise.connector import ConnectWise
from app.connectors.protocols import Check, ConnectionFailedError, Exported, Wait
from app.connectors.throttle import GrantedSlot
from app.domain.outcomes import NotDone, Refused
from app.domain.states import RecordKind
from tests.connectors.connectwise.conftest import Open, Site
from tests.connectors.mangled import Change, Reply, mangled
from tests.hostile import ANSWERS, assert_said

INVOICES = RecordKind.INVOICES
READS: dict[str, Callable[[ConnectWise], Any]] = {
    "check": lambda psa: psa.check(),
    "unposted": lambda psa: psa.unposted(INVOICES),
    "export": lambda psa: psa.export(INVOICES, ["1", "2"], summary="default", through=None),
    "find_batches": lambda psa: psa.find_batches(["CF-I-1-g1", "CF-I-2-g1"]),
    "batch_of": lambda psa: psa.batch_of(INVOICES, ["1", "2"]),
}
ODD = [(words, 200) for words in ANSWERS] + [
    ("nothing", 204),
    ("a log-in page", 403),
    ("plain text", 400),
    ("null", 404),
]


def everywhere(text: str, kind: str, status: int) -> Change:
    """Every call but the discovery of the codebase is answered so."""
    return lambda _, path, true: true if "/login/" in path else Reply(f"{status} Odd", text, kind)


def test_an_odd_answer_to_any_read_is_one_sentence(psa: Site, source: ConnectWise) -> None:
    believed = [
        f"{name}: {words}, HTTP {status}"
        for words, status in ODD
        for name, read in READS.items()
        if _believes(psa, lambda read=read: read(source), words, status)  # type: ignore[misc]  # the loop's own
    ]
    assert not believed


def _believes(psa: Site, read: Callable[[], Any], words: str, status: int) -> bool:
    """Whether something was made of an answer that says nothing."""
    with mangled(psa.running.server, everywhere(*ANSWERS[words], status)):
        try:
            found = read()
        except ConnectionFailedError as error:
            assert_said(error)
            return False
    if isinstance(found, Check):
        assert_said(*found.findings)
        return not found.findings
    exports = found if isinstance(found, list) and found and isinstance(found[0], Exported) else []
    assert_said(*(problem for export in exports for problem in export.problems))
    return any(export.document for export in exports) if exports else bool(found)


def test_an_odd_answer_to_a_write_is_an_outcome(psa: Site, source: ConnectWise) -> None:
    for words, status in ODD:
        with mangled(psa.running.server, everywhere(*ANSWERS[words], status)):
            outcomes = [source.close(INVOICES, "CF-I-1-g1", [10], slot(source)), source.reopen("77", slot(source))]
        refused = [outcome.problem for outcome in outcomes if isinstance(outcome, Refused)]
        assert_said(*refused)
        assert status >= 400 or not refused, words


def test_an_odd_answer_to_the_very_first_question_is_one_sentence(psa: Site, opened: Open) -> None:
    for words in ANSWERS:
        with mangled(psa.running.server, lambda *_, words=words: Reply("200 OK", *ANSWERS[words])):
            assert _refused(opened()).message


def _refused(source: ConnectWise) -> ConnectionFailedError:
    with pytest.raises(ConnectionFailedError) as caught:
        source.export(INVOICES, ["1"], summary="default", through=None)
    assert_said(caught.value)
    return caught.value


def slot(source: ConnectWise) -> GrantedSlot:
    granted = source.reserve()
    assert not isinstance(granted, Wait)
    return granted


# ── lists and exports, truncated and in another order ────────────────────────────────────────────────────────────


def _changed(path_end: str, change: Callable[[Any], Any]) -> Change:
    def changed(_: str, path: str, true: Reply) -> Reply:
        return true.saying(json.dumps(change(json.loads(true.text)))) if path.endswith(path_end) else true

    return changed


def test_a_list_with_doubled_and_foreign_rows_in_any_order_is_the_same_list(psa: Site, source: ConnectWise) -> None:
    honest = {record.record for record in source.unposted(INVOICES)}
    again = _changed("unpostedinvoices", lambda rows: [None, "x", *reversed(rows), *rows, []])

    with mangled(psa.running.server, again):
        assert {record.record for record in source.unposted(INVOICES)} == honest


def test_a_list_whose_pages_never_end_is_read_once(psa: Site, source: ConnectWise) -> None:
    honest = {record.record for record in source.unposted(INVOICES)}
    endless = (("Link", '<http://x>; rel="next"'),)

    with mangled(psa.running.server, lambda _, __, true: Reply(true.status, true.text, headers=endless)):
        assert {record.record for record in source.unposted(INVOICES)} == honest


def test_exports_out_of_order_doubled_and_beside_strangers_go_to_their_records(psa: Site, source: ConnectWise) -> None:
    records = list(psa.unposted())[:6]
    honest = {export.record: export.document for export in _exports(source, records)}

    def shuffled(export: Any) -> Any:
        rows = export["transactions"]
        return {**export, "transactions": [None, {"id": 999999}, *reversed(rows), *rows[:2]]}

    with mangled(psa.running.server, _changed("/export", shuffled)):
        assert {export.record: export.document for export in _exports(source, records)} == honest


def test_a_record_that_the_export_leaves_out_is_held_and_the_others_are_not(psa: Site, source: ConnectWise) -> None:
    records = [export.record for export in _exports(source, list(psa.unposted())[:6]) if export.document]

    def cut(export: Any) -> Any:
        return {**export, "transactions": [row for row in export["transactions"] if str(row["id"]) != records[0]]}

    with mangled(psa.running.server, _changed("/export", cut)):
        first, *others = _exports(source, records)

    assert first.document is None
    assert_said(*first.problems)
    assert all(export.document for export in others)


def _exports(source: ConnectWise, records: list[str]) -> Any:
    return source.export(INVOICES, records, summary="default", through=None)


def test_an_odd_wait_after_a_refusal_for_speed_is_no_endless_one(
    psa: Site, source: ConnectWise, redis_server: redis.Redis
) -> None:
    for wait in ("-1", "soon", "²", "1e9", "99999999999999", "Wed, 21 Oct 2026 07:28:00 GMT", ""):
        once = iter([Reply("429 Slow down", "{}", headers=(("Retry-After", wait),))])
        change: Change = lambda _, path, true, once=once: true if "/login/" in path else next(once, true)  # type: ignore[misc]  # noqa: E731 -- the loop's own
        granted = slot(source)
        with mangled(psa.running.server, change):
            outcome = source.close(INVOICES, "CF-I-1-g1", [10], granted)

        assert isinstance(outcome, NotDone)
        assert 0 < outcome.wait <= 900
        redis_server.flushall()
