"""What every Source must do, whatever PSA it speaks to. Subclassed per vendor, run against its stand-in over HTTP.

A subclass gives two fixtures: ``source`` and ``psa``, the latter a Psa below.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Protocol

import pytest

from app.connectors.protocols import ClosedInPsa, ConnectionFailedError, Exported, Slot, Source, Wait
from app.domain.documents import Document, DocumentKind
from app.domain.outcomes import InDoubt, NotDone, Refused
from app.domain.states import RecordKind

KIND = RecordKind.INVOICES


class Psa(Protocol):
    """The PSA's side of the bench: what its people see and do, and how it misbehaves on request."""

    def unposted(self) -> dict[str, Decimal]:
        """Signed total of every unposted record, by record id."""
        ...

    def batches(self) -> dict[str, set[str]]:
        """Records of every accounting batch, by its identifier."""
        ...

    def batch_by_hand(self, record: str, identifier: str) -> None: ...
    def close_batch(self, identifier: str) -> None: ...
    def fault(self, kind: str, *, path: str = "", method: str = "", times: int = 1) -> None: ...


class Aged:
    """A slot that was granted a while ago."""

    age = 21.0
    released = False

    def release(self, *, sent: bool = True) -> None:
        self.released = True


def slot_of(source: Source) -> Slot:
    slot = source.reserve()
    assert not isinstance(slot, Wait), slot
    return slot


def exported(source: Source, *records: str) -> list[Exported]:
    return source.export(KIND, records, summary="default", through=None)


def document_of(export: Exported) -> Document:
    assert export.document is not None, export.problems
    return export.document


def closed(source: Source, record: str, identifier: str) -> Any:
    (export,) = exported(source, record)
    return source.close(KIND, identifier, export.gl_ids, slot_of(source))


def good(source: Source) -> list[str]:
    """Records without a problem."""
    records = [record.record for record in source.unposted(KIND)]
    return [export.record for export in exported(source, *records) if export.document and not export.problems]


class SourceContract:
    """One sentence, one requirement."""

    def test_the_list_has_every_unposted_record_once_with_its_signed_total(self, source: Source, psa: Psa) -> None:
        records = source.unposted(KIND)

        assert {record.record: record.total for record in records} == psa.unposted()
        assert len(records) == len(psa.unposted())

    def test_a_records_fingerprint_is_the_same_at_every_look(self, source: Source) -> None:
        first = {record.record: record.fingerprint for record in source.unposted(KIND)}
        second = {record.record: record.fingerprint for record in source.unposted(KIND)}

        assert first == second
        assert len(set(first.values())) == len(first)

    def test_an_export_answers_for_each_record_in_the_order_asked(self, source: Source) -> None:
        records = [record.record for record in source.unposted(KIND)][5::-1]

        assert [export.record for export in exported(source, *records)] == records

    def test_a_documents_total_is_what_the_list_said(self, source: Source, psa: Psa) -> None:
        totals = psa.unposted()

        documents = {export.record: export.document for export in exported(source, *totals)}

        known = {record: document.signed_total.amount for record, document in documents.items() if document}
        assert known
        assert known == {record: totals[record] for record in known}

    def test_a_credit_comes_as_a_credit_memo_with_positive_amounts(self, source: Source, psa: Psa) -> None:
        credited = [record for record, total in psa.unposted().items() if total < 0]

        documents = [document_of(export) for export in exported(source, *credited)]

        assert documents
        assert {document.kind for document in documents} == {DocumentKind.CREDIT_MEMO}
        assert all(document.total.amount > 0 for document in documents)

    def test_a_record_that_the_psa_does_not_export_comes_with_its_problem(self, source: Source) -> None:
        (export,) = exported(source, "999999999")

        assert export.document is None
        assert export.problems[0].remedy

    def test_a_closed_record_is_no_longer_unposted_and_its_batch_is_ours(self, source: Source, psa: Psa) -> None:
        record = good(source)[0]

        assert isinstance(closed(source, record, "CF-I-1-g1"), ClosedInPsa)

        assert record not in psa.unposted()
        assert psa.batches()["CF-I-1-g1"] == {record}
        assert source.find_batches(["CF-I-1-g1", "CF-I-2-g1"])["CF-I-1-g1"].closed is False
        assert source.batch_of(KIND, [record]) == {record: "CF-I-1-g1"}

    def test_only_batches_that_exist_are_found(self, source: Source) -> None:
        assert source.find_batches(["CF-I-1-g1"]) == {}
        assert source.find_batches([]) == {}

    def test_a_record_in_somebody_elses_batch_names_that_batch(self, source: Source, psa: Psa) -> None:
        first, second = good(source)[:2]
        psa.batch_by_hand(first, "M-1")

        assert source.batch_of(KIND, [first, second]) == {first: "M-1"}

    def test_closing_what_is_closed_already_changes_nothing(self, source: Source, psa: Psa) -> None:
        record = good(source)[0]
        (export,) = exported(source, record)
        psa.batch_by_hand(record, "M-1")

        outcome = source.close(KIND, "CF-I-1-g1", export.gl_ids, slot_of(source))

        assert isinstance(outcome, Refused)
        assert "CF-I-1-g1" not in psa.batches()

    def test_a_batch_name_that_is_taken_is_a_doubt(self, source: Source, psa: Psa) -> None:
        first, second = good(source)[:2]
        closed(source, first, "CF-I-1-g1")

        outcome = closed(source, second, "CF-I-1-g1")

        assert isinstance(outcome, InDoubt)
        assert outcome.ended

    def test_a_lost_answer_is_a_doubt_that_looking_settles(self, source: Source, psa: Psa) -> None:
        record = good(source)[0]
        psa.fault("lose_answer", path="batches", method="POST")

        assert isinstance(closed(source, record, "CF-I-1-g1"), InDoubt)

        assert "CF-I-1-g1" in source.find_batches(["CF-I-1-g1"])

    def test_an_error_of_the_psas_own_is_a_doubt(self, source: Source, psa: Psa) -> None:
        record = good(source)[0]
        psa.fault("500_after", path="batches", method="POST")

        assert isinstance(closed(source, record, "CF-I-1-g1"), InDoubt)

    def test_a_throttled_write_was_not_done(self, source: Source, psa: Psa) -> None:
        record = good(source)[0]
        psa.fault("429", path="batches", method="POST")

        outcome = closed(source, record, "CF-I-1-g1")

        assert isinstance(outcome, NotDone)
        assert outcome.wait > 0
        assert outcome.systemic is None

    def test_a_key_that_stops_working_is_systemic(self, source: Source, psa: Psa) -> None:
        record = good(source)[0]
        psa.fault("401", path="batches", method="POST")

        outcome = closed(source, record, "CF-I-1-g1")

        assert isinstance(outcome, NotDone)
        assert outcome.systemic is not None
        assert outcome.systemic.remedy

    def test_a_slot_that_is_too_old_is_not_used(self, source: Source, psa: Psa) -> None:
        record = good(source)[0]
        (export,) = exported(source, record)
        slot = Aged()

        outcome = source.close(KIND, "CF-I-1-g1", export.gl_ids, slot)

        assert outcome == NotDone("late")
        assert slot.released
        assert psa.batches() == {}

    def test_a_reopened_record_is_unposted_again(self, source: Source, psa: Psa) -> None:
        record = good(source)[0]
        closed(source, record, "CF-I-1-g1")
        batch = source.find_batches(["CF-I-1-g1"])["CF-I-1-g1"]

        assert isinstance(source.reopen(batch.batch_id, slot_of(source)), ClosedInPsa)

        assert record in psa.unposted()

    def test_reopening_what_is_open_already_is_no_failure(self, source: Source) -> None:
        assert isinstance(source.reopen("424242", slot_of(source)), ClosedInPsa)

    def test_a_closed_batch_is_not_reopened(self, source: Source, psa: Psa) -> None:
        record = good(source)[0]
        closed(source, record, "CF-I-1-g1")
        psa.close_batch("CF-I-1-g1")
        batch = source.find_batches(["CF-I-1-g1"])["CF-I-1-g1"]

        outcome = source.reopen(batch.batch_id, slot_of(source))

        assert batch.closed
        assert isinstance(outcome, Refused)
        assert record not in psa.unposted()

    @pytest.mark.parametrize("fault", ["503", "500_before", "drop_before", "lose_answer", "cut_answer", "429"])
    def test_a_read_survives_one_bad_moment(self, source: Source, psa: Psa, fault: str) -> None:
        psa.fault(fault, path="unposted")

        assert len(source.unposted(KIND)) == len(psa.unposted())

    def test_a_psa_that_is_down_is_said_with_a_remedy(self, source: Source, psa: Psa) -> None:
        psa.fault("503", times=0)

        with pytest.raises(ConnectionFailedError) as caught:
            source.unposted(KIND)

        assert caught.value.code == "psa_down"
        assert caught.value.remedy

    def test_a_record_has_an_address_on_the_psas_own_screens(self, source: Source) -> None:
        assert source.url(KIND, "39005").startswith("http")
        assert "39005" in source.url(KIND, "39005")
