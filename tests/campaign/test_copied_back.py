"""The database is copied back from before, or from the middle of, a batch while `./crossfoot up` goes on serving."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from app.domain.problems import ValidationError
from tests.campaign.service import Row, Service

#: When the copy is made, and when it is put back.
MADE = ["before the batch", "after Submit", "while it is sent"]
BACK = ["after its end", "while it is sent"]


@pytest.mark.parametrize("back", BACK)
@pytest.mark.parametrize("made", MADE)
def test_a_database_copied_back_under_a_running_service_doubles_nothing(
    service: Service, row: Row, made: str, back: str
) -> None:
    if back == "after its end":
        service.engine.company.switches.update({"duplicate_numbers": "allowed", "requestid": "ignored"})
    # Put back while a call is on the wire, nothing that is left knows of that call: only a company that refuses a
    # number twice holds then, which is why docs/operations.md says to stop first.
    service.slow_documents(1.5)
    fresh = service.close_more(3)
    copy = service.backup()
    batch = service.engine.submit(*fresh)
    if made == "after Submit":
        copy = service.backup()
    service.ring(batch)
    service.wait_until(_sending(service))
    if made == "while it is sent":
        copy = service.backup()
    if back == "after its end":
        service.finish(batch)
    row.killed(service.under_way(), service.sending())
    assert row.hits == (back == "while it is sent"), "it is put back when the scenario says"
    _put_back(service, copy)
    service.forget_flights()
    if made == "before the batch":
        _ask_again(service, fresh)
    else:
        service.finish(batch)
    found = service.count()
    row.doubled = sum(found[number] > 1 for number in fresh)
    row.lost = sum(found[number] == 0 for number in fresh)
    assert (row.doubled, row.lost) == (0, 0), service.latest(fresh)
    service.assert_ours(*fresh)


def _sending(service: Service) -> Callable[[], bool]:
    return lambda: service.sending() > 0


def _put_back(service: Service, copy: Path) -> None:
    """As `sqlite3 crossfoot.db ".restore …"` does: whoever has the database open sees the old one from now on."""
    live = service.home / "crossfoot.db"
    with closing(sqlite3.connect(copy)) as source, closing(sqlite3.connect(live, timeout=60)) as target:
        source.backup(target)


def _ask_again(service: Service, numbers: list[str]) -> None:
    """The person sees no batch and submits again, until the PSA lists none of them any more."""
    service.wait_until(lambda: sum(service.count().values()) >= len(numbers))  # what was on the wire has arrived
    try:
        batch = service.engine.submit(*numbers)
    except ValidationError:
        return  # closed already: nobody can select them again
    service.ring(batch)
    service.finish(batch)
