"""`python -m sandbox` serves both vendors and says where, in one line of JSON."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.connectwise.server import start
from sandbox.demo_psa.demo import empty_site
from sandbox.server import start_both

ROOT = Path(__file__).parents[2]
Started = tuple["subprocess.Popen[str]", dict[str, Any]]


def launch(*arguments: str) -> Started:
    command = [sys.executable, "-m", "sandbox", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())


@pytest.fixture
def running() -> Iterator[Started]:
    process, said = launch("--invoices", "30", "--customers", "5", "--json")
    yield process, said
    process.kill()
    process.communicate()


def test_the_first_line_is_all_that_a_program_needs(running: Started) -> None:
    _, said = running
    assert set(said) == {
        "connectwise",
        "quickbooks_online",
        "stripe",
        "account_links",
        "other_account_links",
        "tax_code_links",
    }
    assert set(said["connectwise"]) == {"url", "company_id", "public_key", "private_key", "client_id"}
    assert set(said["quickbooks_online"]) == {
        "api_url",
        "authorize_url",
        "token_url",
        "revoke_url",
        "client_id",
        "client_secret",
    }
    assert said["tax_code_links"] == {"21": "3", "22": "4", "23": "5"}
    assert said["account_links"]["4100"] == "79"


def test_both_vendors_answer_and_the_psa_has_as_many_invoices_as_asked(running: Started) -> None:
    _, said = running
    stats = requests.get(said["connectwise"]["url"] + "/_stats", timeout=10).json()
    assert stats["records"]["unposted"] == 30
    assert requests.get(said["quickbooks_online"]["api_url"] + "/_stats", timeout=10).status_code == 200


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_cleanly(stop: signal.Signals) -> None:
    process, said = launch("--empty")
    process.send_signal(stop)
    out, _ = process.communicate(timeout=10)
    assert (process.returncode, out) == (0, "")
    with pytest.raises(requests.ConnectionError):
        requests.get(said["connectwise"]["url"] + "/_stats", timeout=5)


def test_a_taken_port_is_said_in_one_sentence() -> None:
    taken = start(empty_site())
    port = taken.url.rsplit(":", 1)[1]
    command = [sys.executable, "-m", "sandbox", "--port", port]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    taken.stop()
    assert (done.returncode, done.stdout) == (2, "")
    assert "--port" in done.stderr


def test_account_and_tax_links_point_at_what_the_demo_books_have() -> None:
    both = start_both()
    try:
        company = both.quickbooks_online.company
        links = both.credentials
        accounts = {each["Id"]: each for each in company.visible("Account")}
        for source, ledger in {**links["account_links"], **links["other_account_links"]}.items():
            assert accounts[ledger]["AcctNum"] == source
    finally:
        both.stop()
