"""What every Destination must do, whoever the vendor is. Subclassed beside each connector, run against its stand-in.

A subclass gives the fixtures ``stand`` (the vendor's stand-in with a connected Destination) and nothing else.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import time
from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

import pytest

from app.connectors.protocols import (
    Body,
    Created,
    Destination,
    NameTaken,
    OutgoingCall,
    Probe,
    Slot,
    UntranslatableError,
    Wait,
)
from app.domain.documents import Document
from app.domain.links import Draft, LinkKind, Links, Rules
from app.domain.marks import Mark
from app.domain.outcomes import (
    Absent,
    CannotTell,
    Found,
    InDoubt,
    LooksAlike,
    NotDone,
    Outcome,
    Posted,
    Receipt,
    Refused,
    Several,
)
from app.domain.states import RecordKind
from tests.builders import a_document, money

REQUEST_IDS = itertools.count(1)


class Stand(Protocol):
    """A vendor's stand-in with one company that a Destination is connected to."""

    destination: Destination
    links: Links
    rules: Rules

    def count(self) -> int:
        """Documents in the books, voided ones too."""
        ...

    def misbehave(self, kind: str, *, times: int = 1, skip: int = 0) -> None:
        """The next writing call meets the fault."""
        ...

    def type_in(self, document: Document) -> str:
        """A person enters the document by hand; answers its id."""
        ...

    def edit(self, ledger_id: str, **changes: object) -> None: ...

    def void(self, ledger_id: str) -> None: ...

    def delete(self, ledger_id: str) -> None: ...

    def refusals_for_speed(self) -> int:
        """How often the vendor had to say that we are too fast."""
        ...


class OldSlot:
    """Granted too long ago."""

    age = 21.0

    def release(self, *, sent: bool = True) -> None:
        return


def a_request_id() -> str:
    return f"contract-{next(REQUEST_IDS)}-{time.monotonic_ns()}"[:36]


def a_mark(document: Document, generation: int = 1) -> Mark:
    return Mark(RecordKind.INVOICES, document.records[0], generation)


def a_slot(destination: Destination, members: int = 1) -> Slot:
    while isinstance(slot := destination.reserve(members), Wait):
        time.sleep(min(slot.seconds, 0.05))
    return slot


def a_body(stand: Stand, document: Document, generation: int = 1) -> Body:
    return stand.destination.translate(document, a_mark(document, generation), stand.links, stand.rules)


def a_call(stand: Stand, documents: Sequence[Document], generation: int = 1) -> OutgoingCall:
    return stand.destination.compose([a_body(stand, document, generation) for document in documents], a_request_id())


def sent(stand: Stand, call: OutgoingCall) -> list[Outcome]:
    return stand.destination.send(call, a_slot(stand.destination, len(call.item_ids)))


def posted(stand: Stand, document: Document, generation: int = 1) -> Receipt:
    (outcome,) = sent(stand, a_call(stand, [document], generation))
    assert isinstance(outcome, Posted), outcome
    return outcome.receipt


def a_probe(stand: Stand, document: Document, **rest: object) -> Probe:
    party = stand.links[(LinkKind.CUSTOMERS, document.party.source_id)].ledger_id
    facts = {"number": document.number, "party_id": party, "date": document.date, "total": document.total.amount}
    return Probe(**{"mark": a_mark(document), "kind": document.kind, **facts, **rest})  # type: ignore[arg-type]  # facts


def several(count: int) -> list[Document]:
    return [a_document(str(39100 + number)) for number in range(count)]


class DestinationContract:
    """The sentences are the requirements."""

    @pytest.fixture
    def stand(self) -> Stand:
        raise NotImplementedError("A subclass gives its stand-in.")

    # posting ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def test_a_posted_document_is_in_the_books_once_with_its_total_and_mark(self, stand: Stand) -> None:
        document, before = a_document(), stand.count()
        receipt = posted(stand, document)
        assert receipt.total == document.total
        assert receipt.tax == document.tax
        assert receipt.date == document.date
        assert receipt.note.startswith(f"PSA {document.number} · {a_mark(document)}")
        assert receipt.created_at is not None
        assert receipt.created_at.tzinfo is not None
        assert stand.count() == before + 1

    def test_a_call_with_several_documents_answers_for_each_in_order(self, stand: Stand) -> None:
        documents = several(5)
        outcomes = sent(stand, a_call(stand, documents))
        notes = [outcome.receipt.note for outcome in outcomes if isinstance(outcome, Posted)]
        assert notes == [a_mark(document).note(document.number) for document in documents]

    def test_posting_twice_with_one_request_id_books_once(self, stand: Stand) -> None:
        call, before = a_call(stand, several(3)), stand.count()
        first, second = sent(stand, call), sent(stand, call)
        assert [self._id(outcome) for outcome in first] == [self._id(outcome) for outcome in second]
        assert stand.count() == before + 3

    def test_composing_twice_gives_the_same_bytes(self, stand: Stand) -> None:
        bodies = [a_body(stand, document) for document in several(2)]
        assert stand.destination.compose(bodies, "r1") == stand.destination.compose(bodies, "r1")

    def test_one_refused_document_does_not_stop_the_others(self, stand: Stand) -> None:
        documents = several(3)
        posted(stand, documents[1])
        outcomes = sent(
            stand, a_call(stand, [documents[0], dataclasses.replace(documents[1], memo="again"), documents[2]])
        )
        assert [type(outcome) for outcome in outcomes] == [Posted, Refused, Posted]

    def test_a_number_that_is_taken_is_refused_and_said_to_be_so(self, stand: Stand) -> None:
        posted(stand, a_document("1001", number="7001"))
        (outcome,) = sent(stand, a_call(stand, [a_document("1002", number="7001")]))
        assert isinstance(outcome, Refused)
        assert outcome.duplicate_number
        assert outcome.problem.remedy

    def test_a_slot_that_is_too_old_is_not_used(self, stand: Stand) -> None:
        before = stand.count()
        assert stand.destination.send(a_call(stand, several(2)), OldSlot()) == [NotDone("late"), NotDone("late")]
        assert stand.count() == before

    def test_a_missing_link_is_named_and_nothing_is_translated(self, stand: Stand) -> None:
        document = a_document()
        without = {key: entry for key, entry in stand.links.items() if key[0] is not LinkKind.CUSTOMERS}
        with pytest.raises(UntranslatableError) as caught:
            stand.destination.translate(document, a_mark(document), without, stand.rules)
        (problem,) = caught.value.problems
        assert problem.code == "customer_not_linked"
        assert problem.subject == f"customers:{document.party.source_id}"

    # bad days ────────────────────────────────────────────────────────────────────────────────────────────────────

    @pytest.mark.parametrize("count", [1, 3])
    @pytest.mark.parametrize("fault", ["lose_answer", "cut_answer", "500_after"])
    def test_an_answer_lost_after_the_commit_is_in_doubt_and_found_by_its_mark(
        self, stand: Stand, fault: str, count: int
    ) -> None:
        documents, before = several(count), stand.count()
        stand.misbehave(fault)
        outcomes = sent(stand, a_call(stand, documents))
        assert all(isinstance(outcome, InDoubt) for outcome in outcomes)
        assert stand.count() == before + count
        findings = stand.destination.find([a_probe(stand, document, exact=True) for document in documents])
        assert all(isinstance(finding, Found) for finding in findings), findings

    def test_a_call_that_was_dropped_before_the_work_is_in_doubt_and_absent(self, stand: Stand) -> None:
        document = a_document()
        stand.misbehave("drop_before")
        (outcome,) = sent(stand, a_call(stand, [document]))
        assert isinstance(outcome, InDoubt)
        assert stand.destination.find([a_probe(stand, document)]) == [Absent()]

    def test_the_identical_call_after_a_lost_answer_books_nothing_more(self, stand: Stand) -> None:
        call, before = a_call(stand, several(4)), stand.count()
        stand.misbehave("lose_answer")
        sent(stand, call)
        assert all(isinstance(outcome, Posted) for outcome in sent(stand, call))
        assert stand.count() == before + 4

    def test_items_missing_from_an_answer_are_in_doubt_and_the_others_posted(self, stand: Stand) -> None:
        stand.misbehave("missing_items")
        outcomes = sent(stand, a_call(stand, several(4)))
        assert {type(outcome) for outcome in outcomes} == {Posted, InDoubt}

    def test_too_fast_is_not_done_and_says_how_long_to_wait(self, stand: Stand) -> None:
        before = stand.count()
        stand.misbehave("429")
        (outcome,) = sent(stand, a_call(stand, [a_document()]))
        assert isinstance(outcome, NotDone)
        assert outcome.wait > 0
        assert outcome.systemic is None
        assert stand.count() == before

    def test_after_too_fast_nobody_gets_a_slot(self, stand: Stand) -> None:
        stand.misbehave("429")
        sent(stand, a_call(stand, [a_document()]))
        assert isinstance(stand.destination.reserve(1), Wait)

    def test_an_expired_token_is_renewed_and_the_call_made_once(self, stand: Stand) -> None:
        before = stand.count()
        stand.misbehave("401")
        posted(stand, a_document())
        assert stand.count() == before + 1

    def test_a_failure_that_says_nothing_is_in_doubt(self, stand: Stand) -> None:
        stand.misbehave("503")
        (outcome,) = sent(stand, a_call(stand, [a_document()]))
        assert isinstance(outcome, InDoubt)

    # looking ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def test_nothing_there_is_absent(self, stand: Stand) -> None:
        assert stand.destination.find([a_probe(stand, a_document())]) == [Absent()]

    def test_findings_run_beside_their_probes(self, stand: Stand) -> None:
        documents = several(3)
        receipt = posted(stand, documents[1])
        findings = stand.destination.find([a_probe(stand, document) for document in documents])
        assert isinstance(findings[1], Found)
        assert findings[1].receipt.ledger_id == receipt.ledger_id
        assert [findings[0], findings[2]] == [Absent(), Absent()]

    def test_any_generation_is_ours_unless_one_is_meant(self, stand: Stand) -> None:
        document = a_document()
        posted(stand, document, generation=2)
        assert isinstance(stand.destination.find([a_probe(stand, document)])[0], Found)
        assert stand.destination.find([a_probe(stand, document, exact=True)]) == [Absent()]

    def test_two_with_our_mark_are_several(self, stand: Stand) -> None:
        document = a_document()
        posted(stand, document)
        posted(stand, dataclasses.replace(document, number="20001"), generation=2)
        (finding,) = stand.destination.find([a_probe(stand, document)])
        assert isinstance(finding, Several)

    def test_a_document_typed_in_by_hand_with_the_number_looks_alike(self, stand: Stand) -> None:
        document = a_document()
        ledger_id = stand.type_in(dataclasses.replace(document, date=document.date - dt.timedelta(days=90)))
        (finding,) = stand.destination.find([a_probe(stand, document)])
        assert isinstance(finding, LooksAlike)
        assert [receipt.ledger_id for receipt in finding.candidates] == [ledger_id]

    def test_same_customer_total_and_date_looks_alike(self, stand: Stand) -> None:
        document = a_document()
        stand.type_in(dataclasses.replace(document, number="H-1"))
        (finding,) = stand.destination.find([a_probe(stand, document)])
        assert isinstance(finding, LooksAlike)

    def test_another_record_of_ours_does_not_look_alike(self, stand: Stand) -> None:
        posted(stand, a_document("39006"))
        assert stand.destination.find([a_probe(stand, a_document("39005"))]) == [Absent()]

    def test_look_alikes_are_left_out_where_only_our_mark_is_asked_for(self, stand: Stand) -> None:
        document = a_document()
        stand.type_in(document)
        assert stand.destination.find([a_probe(stand, document, look_alikes=False)]) == [Absent()]

    def test_a_voided_document_does_not_count(self, stand: Stand) -> None:
        document = a_document()
        stand.void(posted(stand, document).ledger_id)
        assert stand.destination.find([a_probe(stand, document)]) == [Absent()]

    def test_a_changed_date_and_number_do_not_hide_a_new_document(self, stand: Stand) -> None:
        document, since = a_document(), dt.datetime.now(dt.UTC)
        receipt = posted(stand, document)
        stand.edit(receipt.ledger_id, TxnDate="2026-01-05", DocNumber="OTHER")
        (finding,) = stand.destination.find([a_probe(stand, document, since=since)])
        assert isinstance(finding, Found)

    def test_a_look_that_fails_cannot_tell(self, stand: Stand) -> None:
        stand.misbehave("500_before", times=0)
        (finding,) = stand.destination.find([a_probe(stand, a_document())])
        assert isinstance(finding, CannotTell)

    def test_a_document_is_read_as_it_stands_now(self, stand: Stand) -> None:
        receipt = posted(stand, a_document())
        stand.edit(receipt.ledger_id, PrivateNote="changed")
        now = stand.destination.read(a_document().kind, receipt.ledger_id)
        assert now is not None
        assert now.note == "changed"
        assert now.version != receipt.version

    def test_a_deleted_document_is_gone_and_a_voided_one_says_so(self, stand: Stand) -> None:
        first, second = (posted(stand, document).ledger_id for document in several(2))
        stand.delete(first)
        stand.void(second)
        kind = a_document().kind
        assert stand.destination.read(kind, first) is None
        voided = stand.destination.read(kind, second)
        assert voided is not None
        assert voided.voided

    # lists ───────────────────────────────────────────────────────────────────────────────────────────────────────

    @pytest.mark.parametrize("kind", [LinkKind.CUSTOMERS, LinkKind.TERMS])
    def test_an_entry_is_created_once_for_one_request_id(self, stand: Stand, kind: LinkKind) -> None:
        draft = Draft(kind, "900", "Brand New", party=a_document().party, due_days=21)
        name = stand.destination.valid_name(kind, draft.name)
        body, request_id = stand.destination.draft_body(draft, name, stand.links, stand.rules), a_request_id()
        first, second = (
            stand.destination.create(kind, body, request_id, a_slot(stand.destination, 0)) for _ in range(2)
        )
        assert isinstance(first, Created)
        assert isinstance(second, Created)
        assert first.entry == second.entry
        assert [entry.name for entry in stand.destination.entries(kind)].count(name) == 1

    def test_a_name_that_is_taken_is_said_to_be_so(self, stand: Stand) -> None:
        draft = Draft(LinkKind.CUSTOMERS, "900", "Acme Dental")
        body = stand.destination.draft_body(draft, "Acme Dental", stand.links, stand.rules)
        outcome = stand.destination.create(LinkKind.CUSTOMERS, body, a_request_id(), a_slot(stand.destination, 0))
        assert isinstance(outcome, NameTaken)
        assert "acme dental" in stand.destination.names_taken()

    @pytest.mark.parametrize("kind", list(LinkKind))
    def test_every_list_can_be_read_whole(self, stand: Stand, kind: LinkKind) -> None:
        entries = stand.destination.entries(kind)
        assert entries or kind is LinkKind.VENDORS  # the company has none yet
        assert len({entry.ledger_id for entry in entries}) == len(entries)
        assert all(entry.kind is kind and entry.name for entry in entries)

    # speed ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def test_sixty_full_speed_calls_never_break_a_limit(self, stand: Stand) -> None:
        for number in range(60):
            pair = [a_document(f"{50000 + 2 * number + more}") for more in range(2)]
            assert all(isinstance(outcome, Posted) for outcome in sent(stand, a_call(stand, pair)))
        assert stand.refusals_for_speed() == 0

    def test_amounts_survive_to_the_cent(self, stand: Stand) -> None:
        for amount in ("0.01", "1234567.89", "33.33"):
            document = a_document(str(int(Decimal(amount) * 100) + 60000), total=None, tax="0.00")
            line = dataclasses.replace(document.lines[0], amount=money(amount), quantity=Decimal(3))
            document = dataclasses.replace(document, lines=(line,), total=money(amount))
            assert posted(stand, document).total == money(amount)

    @staticmethod
    def _id(outcome: Outcome) -> str:
        assert isinstance(outcome, Posted), outcome
        return outcome.receipt.ledger_id
