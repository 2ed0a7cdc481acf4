"""`./crossfoot bench` says nothing of servers that do not hold the vendors' published limits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.vendors import Vendors
from sandbox.server import Both, start_both


@pytest.fixture
def both() -> Iterator[Both]:
    served = start_both()
    yield served
    served.stop()


@pytest.fixture
def file(tmp_path: Path, both: Both) -> Path:
    """Their addresses, as somebody gives them who has servers of his own."""
    written = tmp_path / "vendors.json"
    written.write_text(json.dumps(both.credentials))
    return written


def test_the_published_limits_are_taken_and_asking_for_them_counts_as_no_call(file: Path) -> None:
    vendors = Vendors.given(file)
    vendors.insist_on_limits()
    counts = vendors.counts()
    assert (counts.ledger, counts.source, counts.refused) == (0, 0, 0)


@pytest.mark.parametrize("side", ["QuickBooks", "ConnectWise"])
@pytest.mark.parametrize("how", ["off", "scaled"])
def test_it_refuses_to_begin_where_a_limit_is_off_or_wider(
    side: str, how: str, both: Both, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    throttle = both.quickbooks_online.company.throttle if side == "QuickBooks" else both.connectwise.gate.throttle
    if how == "off":
        throttle.enabled = False
    else:
        throttle.scale(0.5)
    assert main(["--vendors", str(file), "--only", "linked"]) == 2
    told = capsys.readouterr()
    assert f"{side}’s server does not hold the published limits" in told.err
    assert told.out == ""
