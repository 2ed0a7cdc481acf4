"""What the demo prints and how it ends."""

from pathlib import Path
from typing import Any

import pytest

from launcher.demo import exit_status, posting_line, section_line
from launcher.demo_parts import Notes, environment_for
from launcher.project import Project

VENDORS = {
    "quickbooks_online": {
        "api_url": "http://127.0.0.1:2",
        "authorize_url": "http://127.0.0.1:2/connect",
        "token_url": "http://127.0.0.1:2/token",
        "revoke_url": "http://127.0.0.1:2/revoke",
        "client_id": "id",
        "client_secret": "secret",
    },
    "stripe": {"api_url": "http://127.0.0.1:3"},
}


def batch(status: str, held: str = "0.00", states: tuple[str, ...] = ("closed",)) -> dict[str, Any]:
    totals = [{"currency": "USD", "held": held, "in_doubt": "0.00"}]
    return {"status": status, "totals": totals, "postings": [{"state": state} for state in states]}


def test_what_is_posted_names_the_invoice_that_is_skipped_for_its_total() -> None:
    records = [{"number": "10407", "total": "12.50"}, {"number": "10408", "total": "0.00"}]
    assert posting_line(records) == "Posting the 2 invoices that are ready (10408: zero in total, so skipped):"
    assert posting_line(records[:1]) == "Posting the 1 invoices that are ready:"


def test_a_section_that_has_begun_is_one_line_with_its_counts() -> None:
    section = {"title": "Invoices & credit memos", "status": "running", "done": 3, "total": 25, "failed": 1}
    words = " ".join(section_line(section).split())
    assert words == "Invoices & credit memos running 3 of 25, 1 with a problem"


def test_a_section_that_has_not_begun_is_not_shown() -> None:
    assert section_line({"title": "Close in PSA", "status": "not_started", "done": 0, "total": 0}) == ""


@pytest.mark.parametrize(
    ("ended", "status"),
    [
        (batch("completed"), 0),
        (batch("completed_with_warnings"), 0),
        (batch("completed_with_errors", held="10.00", states=("closed", "held")), 1),
        (batch("completed_with_warnings", states=("in_doubt",)), 1),
        (batch("failed", states=("held",)), 2),
    ],
)
def test_the_exit_status_is_that_of_the_batch(ended: dict[str, Any], status: int) -> None:
    assert exit_status(ended) == status


def test_a_second_run_keeps_the_password_and_the_ports(tmp_path: Path) -> None:
    first = Notes.of(tmp_path)
    assert Notes.of(tmp_path) == first
    assert len(first.password) >= 12
    assert (tmp_path / "demo.json").stat().st_mode & 0o077 == 0


def test_nothing_of_the_callers_own_installation_gets_into_the_demo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CROSSFOOT_HOME", "/srv/real")
    monkeypatch.setenv("CROSSFOOT_DATABASE_URL", "postgresql+psycopg://real")
    monkeypatch.setenv("CROSSFOOT_BIND", "0.0.0.0")
    monkeypatch.setenv("CONNECTWISE_PRIVATE_KEY", "real")
    env = environment_for(Project(tmp_path), tmp_path / "instance-demo", VENDORS)
    assert env["CROSSFOOT_HOME"] == str(tmp_path / "instance-demo")
    assert not {"CROSSFOOT_DATABASE_URL", "CROSSFOOT_BIND", "CONNECTWISE_PRIVATE_KEY"} & env.keys()
