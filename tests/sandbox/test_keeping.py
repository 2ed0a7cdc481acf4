"""With `--state` both stand-ins go on where they were left."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import requests

from sandbox.demo_psa.demo import demo_site
from sandbox.keeping import CannotRestoreError, Keeper
from sandbox.quickbooks_online.demo import demo_company
from sandbox.server import Both, start_both


def unposted(both: Both) -> int:
    return int(requests.get(both.connectwise.url + "/_stats", timeout=10).json()["records"]["unposted"])


def customers(both: Both, token: str) -> set[str]:
    books = both.quickbooks_online
    answer = requests.get(
        f"{books.url}/v3/company/{books.company.realm}/query",
        params={"query": "select * from Customer maxresults 1000", "minorversion": "75"},
        headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
        timeout=10,
    )
    return {row["DisplayName"] for row in answer.json()["QueryResponse"]["Customer"]}


def test_documents_batches_and_tokens_outlive_a_restart(tmp_path: Path) -> None:
    first = start_both(demo_site(), demo_company())
    Keeper(tmp_path / "state", first)
    token = first.quickbooks_online.access_token()
    before = unposted(first)
    requests.post(first.connectwise.url + "/_close", json={"count": 2}, timeout=10)
    requests.post(
        f"{first.quickbooks_online.url}/v3/company/{first.quickbooks_online.company.realm}/customer",
        params={"minorversion": "75", "requestid": "kept-1"},
        json={"DisplayName": "Kept Over Night"},
        headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
        timeout=10,
    )
    first.stop()

    second = start_both(demo_site(), demo_company())
    Keeper(tmp_path / "state", second).restore()
    assert unposted(second) == before + 2
    assert "Kept Over Night" in customers(second, token)
    second.stop()


def test_new_invoices_can_still_be_closed_after_a_restart(tmp_path: Path) -> None:
    both = start_both(demo_site(), demo_company())
    keeper = Keeper(tmp_path / "state", both)
    keeper.save()
    keeper.restore()
    before = unposted(both)
    requests.post(both.connectwise.url + "/_close", json={"count": 1}, timeout=10)
    assert unposted(both) == before + 1
    both.stop()


def test_a_damaged_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "state").write_bytes(b"nonsense")
    both = start_both(demo_site(), demo_company())
    with pytest.raises(CannotRestoreError):
        Keeper(tmp_path / "state", both).restore()
    assert (tmp_path / "state").read_bytes() == b"nonsense"
    both.stop()


def test_a_file_of_an_older_version_is_refused(tmp_path: Path) -> None:
    both = start_both(demo_site(), demo_company())
    (tmp_path / "state").write_bytes(pickle.dumps({"site": {}, "companies": {}, "tokens": {}, "answers": {}}))
    with pytest.raises(CannotRestoreError):
        Keeper(tmp_path / "state", both).restore()
    both.stop()
