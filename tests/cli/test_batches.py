from __future__ import annotations

import getpass

import pytest

from tests.builders import BOLT, a_document, a_line
from tests.cli.conftest import CommandLine, Told

INVOICES = ("--book", "Demo MSP", "--kind", "invoices")


def run(crossfoot: CommandLine, *more: str) -> Told:
    return crossfoot("batch", "run", *INVOICES, "--json", *(more or ("--all", "--accept", "--through", "2026-12-31")))


def states(crossfoot: CommandLine, batch: int = 1) -> dict[str, str]:
    shown = crossfoot("batch", "show", str(batch), "--json").json
    return {posting["records"][0]: posting["state"] for posting in shown["postings"]}


def test_unposted_lists_every_record_with_its_problems(connected: CommandLine) -> None:
    connected.source.add(a_document("39007", total="1.00"))
    told = connected("unposted", *INVOICES, "--through", "2026-12-31", "--json")
    found = {record["record"]: record for record in told.json["records"]}
    assert told.status == 0
    assert found["39005"]["total"] == "214.00"
    assert {p["code"] for p in found["39005"]["problems"] if p["severity"] == "error"} == set()
    assert "does_not_crossfoot" in {problem["code"] for problem in found["39007"]["problems"]}
    assert told.json["as_of"]


def test_unposted_is_narrowed_by_day_and_location(connected: CommandLine) -> None:
    connected.source.add(a_document("39008"), location="2", location_name="Shelbyville")
    assert connected("unposted", *INVOICES, "--through", "2020-01-01", "--json").json["records"] == []
    for place in ("2", "Shelbyville"):
        told = connected("unposted", *INVOICES, "--through", "2026-12-31", "--location", place, "--json")
        assert [record["record"] for record in told.json["records"]] == ["39008"]
    told = connected("unposted", *INVOICES, "--location", "Ogdenville", "--json")
    assert told.status == 2
    assert "Shelbyville (id 2)" in told.json["remedy"]


def test_all_of_nothing_says_what_was_looked_for(connected: CommandLine) -> None:
    told = run(connected, "--all", "--through", "2020-01-01")
    assert told.status == 2
    assert told.json["error"] == "There is nothing unposted among the invoices through 01/01/2020."


def test_a_batch_is_submitted_worked_on_and_shown(connected: CommandLine) -> None:
    told = run(connected)
    assert (told.status, told.json["status"], told.json["book"]) == (0, "queued", "Demo MSP")
    connected.work(1)
    assert states(connected) == {"39005": "closed", "39006": "closed"}
    assert connected.books.total_booked() == 428
    listed = connected("batch", "list", "--json").json["batches"]
    assert [(batch["batch"], batch["status"]) for batch in listed] == [(1, "completed")]
    assert "closed" in connected("batch", "log", "1").out.lower()


def test_a_batch_that_waits_for_approval_is_submitted_and_approved_by_somebody_else(
    connected: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected("book", "set", "1", "company.approval=other")
    monkeypatch.setattr(getpass, "getuser", lambda: "ada")
    told = run(connected, "--record", "39005", "--accept")
    assert (told.status, told.json["status"]) == (0, "awaiting_approval")
    assert "approval" in told.err
    assert told.json["approval"]["prepared_by"] == ["ada (command line)"]
    own = connected("batch", "approve", "1", "--json")
    assert (own.status, "cannot approve it too" in own.json["error"]) == (2, True)
    monkeypatch.setattr(getpass, "getuser", lambda: "kim")
    assert connected("batch", "approve", "1", "--json").json["status"] == "queued"
    connected.work(1)
    assert states(connected) == {"39005": "closed"}


def test_a_batch_is_rejected_with_a_reason(connected: CommandLine) -> None:
    connected("book", "set", "1", "company.approval=other")
    run(connected, "--record", "39005", "--accept")
    assert connected("batch", "reject", "1").status == 64
    told = connected("batch", "reject", "1", "--reason", "wrong month", "--json").json
    assert (told["status"], told["approval"]["note"]) == ("completed_with_errors", "Not approved: wrong month")
    assert connected("batch", "approve", "1").status == 2


def test_batches_are_listed_newest_first(connected: CommandLine) -> None:
    run(connected, "--record", "39005", "--name", "one")
    run(connected, "--record", "39006", "--name", "two")
    assert [b["name"] for b in connected("batch", "list", "--json").json["batches"]] == ["two", "one"]


def test_nothing_to_post_is_2_and_makes_no_batch(connected: CommandLine) -> None:
    told = run(connected, "--all", "--through", "2020-01-01")
    assert told.status == 2
    assert connected("batch", "list", "--json").json == {"batches": []}


def test_a_record_outside_the_location_is_an_error_not_a_surprise(connected: CommandLine) -> None:
    assert run(connected, "--record", "39005", "--through", "2020-01-01").status == 2


def test_a_psa_that_is_down_is_2_and_nothing_is_submitted(connected: CommandLine) -> None:
    connected.source.down = "The PSA is down."
    told = run(connected)
    assert (told.status, told.json["error"]) == (2, "The PSA is down.")
    assert connected("batch", "list", "--json").json == {"batches": []}


def test_waiting_without_a_worker_is_2_and_nothing_is_submitted(connected: CommandLine) -> None:
    told = run(connected, "--all", "--wait", "--through", "2026-12-31")
    assert told.status == 2
    assert "No worker is running" in told.json["error"]
    assert connected("batch", "list", "--json").json == {"batches": []}


def test_held_records_are_linked_and_retried(connected: CommandLine) -> None:
    connected.source.add(a_document("39009", party=BOLT, lines=(a_line("50.00", "4600"),), tax="0"))
    run(connected, "--record", "39009", "--accept")
    connected.work(1)
    assert states(connected) == {"39009": "held"}
    base = ("--book", "1", "--kind", "accounts", "--source-id", "4600", "--ledger-id", "79")
    assert "1 held documents waited" in connected("mappings", "set", *base).out
    assert connected("batch", "retry", "1").status == 0
    connected.work(1)
    assert states(connected) == {"39009": "closed"}


def test_a_batch_is_stopped_and_resumed(connected: CommandLine) -> None:
    run(connected)
    assert connected("batch", "stop", "1", "--json").json["status"] == "stopped"
    assert connected("batch", "resume", "1", "--json").json["status"] in ("queued", "running")
    connected.work(1)
    assert set(states(connected).values()) == {"closed"}


def test_a_document_typed_in_by_hand_is_linked_by_decision(connected: CommandLine) -> None:
    run(connected, "--record", "39006", "--accept")
    connected.work(1)
    by_hand = connected.books.documents[next(iter(connected.books.documents))]
    member = {**by_hand.stored, "number": "10482", "note": "typed in"}
    typed = connected.books.type_in(member, connected.books.kinds[by_hand.ledger_id])
    run(connected, "--record", "39005", "--accept")
    connected.work(2)
    assert states(connected, 2) == {"39005": "held"}
    told = connected("batch", "decide", "2", "--record", "39005", "link", "--ledger-id", typed.ledger_id, "--json")
    assert told.status == 0
    connected.work(2)
    assert states(connected, 2) == {"39005": "closed"}
    assert len(connected.books.documents) == 2


def test_a_decision_that_does_not_fit_is_refused(connected: CommandLine) -> None:
    run(connected)
    connected.work(1)
    told = connected("batch", "decide", "1", "--record", "39005", "post", "--json")
    assert told.status == 2
    assert "does not apply" in told.json["error"]


def test_a_held_record_says_who_and_why_until_it_is_released(connected: CommandLine) -> None:
    one = ("--record", "39005")
    assert connected("hold", *INVOICES, *one, "--reason", "price to be agreed", "--json").json["held"] is True
    told = connected("unposted", *INVOICES, "--through", "2026-12-31", "--json").json
    first = {record["record"]: record["problems"] for record in told["records"]}["39005"][0]
    assert first["code"] == "on_hold"
    assert first["message"].startswith("On hold: price to be agreed (")
    assert run(connected).status == 0
    connected.work(1)
    assert states(connected) == {"39006": "closed"}
    assert connected("release", *INVOICES, *one, "--json").json["was_held"] is True
    assert connected("release", *INVOICES, *one).out.strip() == "Record 39005 was not on hold."


def test_a_hold_needs_a_reason_and_an_unposted_record(connected: CommandLine) -> None:
    told = connected("hold", *INVOICES, "--record", "1", "--reason", "why not", "--json")
    assert (told.status, told.json["error"]) == (2, "Record 1 is not unposted.")
    assert connected("hold", *INVOICES, "--record", "39005").status == 64
