"""Rerun: the books were restored from before the batch; what is missing goes again, and nothing doubles."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import requests

from app.domain.problems import ValidationError
from app.services.batches import batches
from app.services.connections import connections
from app.services.posting import rerunning
from tests import engine
from tests.engine import Engine

NUMBERS = ("10395", "10397", "10398")
#: What a company file's backup holds, of the stand-in's attributes.
KEPT = ("tables", "tombstones", "balances", "last_number", "_numbers", "_names")


def backup(working: Engine) -> Callable[[], None]:
    """A copy of the company file; what is answered puts it back."""
    company = working.company
    with company.lock:
        kept = copy.deepcopy({name: getattr(company, name) for name in KEPT})

    def restore() -> None:
        with company.lock:
            vars(company).update(copy.deepcopy(kept))

    return restore


def look(working: Engine, batch: int) -> list[rerunning.Item]:
    source = connections.open_source(working.database, working.connectors, working.source_id)
    destination = connections.open_destination(working.database, working.connectors, working.book_id)
    return rerunning.plan(working.database, source, destination, batch)


def standings(working: Engine, batch: int) -> dict[str, str]:
    return {item.posting.number: item.standing for item in look(working, batch)}


def ask(working: Engine, batch: int) -> int:
    return rerunning.rerun(working.database, batch, look(working, batch), by=engine.BY)


def states(working: Engine, batch: int) -> dict[str, str]:
    return {p["number"]: p["state"] for p in working.json(batch)["postings"]}


def psa_batches(working: Engine) -> list[str]:
    """Identifiers of every accounting batch in the PSA."""
    with working.database.reading() as session:
        marks = [
            f"CF-I-{record}-g{g}" for p in working.json(1)["postings"] for record in p["records"] for g in (1, 2, 3)
        ]
        assert session is not None
    source = connections.open_source(working.database, working.connectors, working.source_id)
    return sorted(source.find_batches(marks))


def test_what_a_restore_took_away_is_posted_again_once_and_not_closed_twice(working: Engine) -> None:
    first = working.submit("10395")
    working.run(first)
    restore = backup(working)
    batch = working.submit("10397", "10398")
    working.run(batch)
    before = psa_batches(working)
    restore()
    assert standings(working, first) == {"10395": "there"}
    assert standings(working, batch) == {"10397": "missing", "10398": "missing"}
    assert ask(working, batch) == 2
    shown = working.run(batch)
    assert states(working, batch) == {"10397": "closed", "10398": "closed"}
    assert shown["status"] in ("completed", "completed_with_warnings")
    assert sum(working.in_books().values()) == 3
    assert psa_batches(working) == before
    working.assert_exactly_once()


def test_a_second_rerun_finds_everything_there_and_posts_nothing(working: Engine) -> None:
    restore = backup(working)
    batch = working.submit(*NUMBERS)
    working.run(batch)
    restore()
    assert ask(working, batch) == 3
    working.run(batch)
    assert set(standings(working, batch).values()) == {"there"}
    assert ask(working, batch) == 0
    working.run(batch)
    assert sum(working.in_books().values()) == 3
    working.assert_exactly_once()


def test_only_what_is_missing_goes_again_and_what_differs_is_a_problem(working: Engine) -> None:
    batch = working.submit(*NUMBERS)
    working.run(batch)
    edit(working, "delete", "10395")
    change_total(working, "10397")
    assert standings(working, batch) == {"10395": "missing", "10397": "differs", "10398": "there"}
    assert ask(working, batch) == 1
    working.run(batch)
    assert working.problems("10397") == ["books_differ"]
    assert sum(working.in_books().values()) == 3
    assert any(mark.endswith("-g2") for mark in working.in_books())


def edit(working: Engine, operation: str, number: str, **more: object) -> None:
    base = working.both.quickbooks_online.url
    found = next(d for d in requests.get(f"{base}/_documents", timeout=10).json() if d["DocNumber"] == number)
    body = {"entity": "Invoice", "id": found["Id"], "operation": operation, **more}
    assert requests.post(f"{base}/_edit", json=body, timeout=10).ok


def change_total(working: Engine, number: str) -> None:
    """Somebody corrects the amount of an invoice in the books."""
    company = working.company
    with company.lock:
        invoice = next(i for i in company.tables["Invoice"].values() if i["DocNumber"] == number)
        company.put("Invoice", {**invoice, "TotalAmt": invoice["TotalAmt"] + 1, "Balance": invoice["Balance"] + 1})


@pytest.mark.parametrize("fault", ["lose_answer", "drop_before"])
def test_an_answer_lost_while_it_goes_again_doubles_nothing(working: Engine, fault: str) -> None:
    restore = backup(working)
    batch = working.submit("10395")
    working.run(batch)
    restore()
    ask(working, batch)
    working.company.faults.add(fault, method="POST", path="invoice")
    working.company.faults.add(fault, method="POST", path="batch")
    working.run(batch)
    assert states(working, batch) == {"10395": "closed"}
    working.assert_exactly_once()


def test_what_an_earlier_rerun_has_sent_before_it_died_is_found_and_not_sent_again(working: Engine) -> None:
    restore = backup(working)
    batch = working.submit("10395")
    working.run(batch)
    in_books = backup(working)
    restore()
    ask(working, batch)
    in_books()  # it arrived after all, under the old mark, while the batch waited
    working.run(batch)
    assert states(working, batch) == {"10395": "closed"}
    assert list(working.in_books().values()) == [1]


def test_a_queries_lag_is_not_taken_for_a_restore(working: Engine) -> None:
    working.company.switches.update({"query_lag": 3.0})
    batch = working.submit("10395")
    working.run(batch, until_ended=True)
    working.company.switches.update({"query_lag": 0.0})
    assert standings(working, batch) == {"10395": "there"}


def test_a_batch_that_runs_or_sent_nothing_is_not_rerun(working: Engine) -> None:
    cleared = working.submit("10395", mode="clear")
    working.run(cleared)
    with pytest.raises(ValidationError, match="sent nothing"):
        look(working, cleared)
    with working.database.session() as session:
        batch = batches.find(session, cleared)
        batch.mode, batch.ended_at = "post", None
        session.add(batch)
        session.commit()
    with pytest.raises(ValidationError, match="still running"):
        look(working, cleared)
