"""The vendors' servers: started here, or given by their addresses; what they counted, and whether their limits hold."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Json = dict[str, Any]

#: (calls, seconds) that Intuit and ConnectWise publish; a server without them proves nothing.
QUICKBOOKS_LIMITS = {(500, 60.0), (10, 1.0), (40, 60.0)}
CONNECTWISE_LIMITS = {(1000, 60.0)}
#: Counters of the QuickBooks side that count no call.
MEMBER = re.compile(r"refused|batch .")


class CannotMeasureError(Exception):
    """What was asked for can't be measured; the text says why."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What both servers have counted so far.

    ``ledger`` and ``source`` are calls that an app made, ``refused`` answers 429 of both.
    """

    at: float
    ledger: int
    source: int
    refused: int


class Vendors:
    """Both servers. ``credentials`` is the JSON line that ``./crossfoot sandbox`` prints first."""

    def __init__(self, credentials: Json, process: subprocess.Popen[str] | None = None) -> None:
        self.credentials = credentials
        self._process = process
        self.source_url = str(credentials["connectwise"]["url"]).rstrip("/")
        self.ledger_url = str(credentials["quickbooks_online"]["api_url"]).rstrip("/")

    @classmethod
    def given(cls, file: Path) -> Vendors:
        """Servers that run already, named by a file."""
        try:
            return cls(json.loads(file.read_text()))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CannotMeasureError(
                f"{file} does not hold the line that ./crossfoot sandbox prints: {error}"
            ) from None

    @classmethod
    def started(cls, project: Path, invoices: int, customers: int, products: int) -> Vendors:
        """The sandbox, as a process of its own: it must not share a lock or a core's turn with what is measured."""
        amounts = ["--invoices", str(invoices), "--customers", str(customers), "--products", str(products)]
        command = [sys.executable, "-m", "sandbox", "--json", "--empty", *amounts]
        process = subprocess.Popen(
            command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
        )
        line = process.stdout.readline() if process.stdout else ""
        if not line.strip():
            raise CannotMeasureError("The sandbox does not start: try ./crossfoot sandbox.")
        return cls(json.loads(line), process)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)

    def environment(self) -> dict[str, str]:
        """Where the app finds these servers."""
        qbo = self.credentials["quickbooks_online"]
        names = ("api_url", "authorize_url", "token_url", "revoke_url", "client_id", "client_secret")
        addresses = {f"CROSSFOOT_QBO_{name.upper()}": str(qbo[name]) for name in names}
        return {**addresses, "CROSSFOOT_QBO_ENVIRONMENT": "sandbox", "CROSSFOOT_ALLOW_HOSTS": self._hosts()}

    def _hosts(self) -> str:
        names = {str(urlsplit(url).hostname) for url in (self.source_url, self.ledger_url)}
        return ",".join(f"{name}:*" for name in sorted({*names, "127.0.0.1", "localhost"}))

    # ── limits and counts ──

    def insist_on_limits(self) -> None:
        """Raises CannotMeasureError unless both servers throttle as the vendors publish it."""
        for name, stats, wanted in (
            ("QuickBooks", self._stats(self.ledger_url), QUICKBOOKS_LIMITS),
            ("ConnectWise", self._stats(self.source_url), CONNECTWISE_LIMITS),
        ):
            throttle = stats.get("throttle") or {}
            windows = throttle.get("windows") or {}
            held = {(int(one["calls"]), float(one["seconds"])) for one in windows.values()}
            if not throttle.get("enabled") or not wanted <= held:
                raise CannotMeasureError(
                    f"{name}’s server does not hold the published limits {sorted(wanted)}: {throttle}"
                )

    def counts(self) -> Counts:
        """Both servers' counters at this moment."""
        ledger, source = self._stats(self.ledger_url), self._stats(self.source_url)
        # A batch's members are counted beside the batch that brought them.
        calls = sum(n for key, n in (ledger.get("counts") or {}).items() if not MEMBER.match(key))
        refused = int(ledger["throttle"]["refused"]) + int(source["throttle"]["refused"])
        paths = source.get("by_path") or {}
        app = sum(n for path, n in paths.items() if not path.startswith("/_"))
        return Counts(time.time(), calls, app, refused)

    def rest(self, most: float = 90.0) -> None:
        """Wait until no window remembers a call, so that one measurement doesn't pay for the one before."""
        end = time.monotonic() + most
        while time.monotonic() < end and self._used():
            time.sleep(1)

    def _used(self) -> int:
        urls = (self.ledger_url, self.source_url)
        reports = [self._stats(url)["throttle"]["windows"] for url in urls]
        return sum(int(window.get("used", 0)) for windows in reports for window in windows.values())

    # ── what only a stand-in can do ──

    def slow_down(self, call_ms: int, item_ms: int = 0) -> None:
        """Every call takes so long, every item of a batch so long besides."""
        self._post(self.ledger_url + "/_switches", {"call_ms": call_ms, "item_ms": item_ms})
        self._post(self.source_url + "/_switches", {"latency_ms": call_ms})

    def close_invoices(self, count: int) -> None:
        """The PSA closes more invoices for the customers it has."""
        self._post(self.source_url + "/_close", {"count": count})

    def pay_invoices(self) -> int:
        """In the books, each invoice that is open is paid by a payment of its own; answers how many."""
        documents = self._json(urllib.request.Request(self.ledger_url + "/_documents"))  # noqa: S310 - as below
        numbers = [row["DocNumber"] for row in documents if row.get("Balance") and row["type"] == "Invoice"]
        for number in numbers:
            self._post(self.ledger_url + "/_bookkeeper", {"operation": "receive", "invoices": {number: None}})
        return len(numbers)

    def _stats(self, url: str) -> Json:
        stats: Json = self._json(urllib.request.Request(url + "/_stats"))  # noqa: S310 - an address that the user gave
        return stats

    def _post(self, url: str, body: Mapping[str, Any]) -> Any:
        headers = {"Content-Type": "application/json"}
        return self._json(urllib.request.Request(url, json.dumps(body).encode(), headers))  # noqa: S310 - as above

    @staticmethod
    def _json(request: urllib.request.Request) -> Any:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=120) as response:
                return json.load(response)
        except (OSError, ValueError) as error:
            raise CannotMeasureError(f"{request.full_url} does not answer as the sandbox does: {error}") from None


def nearest(samples: Sequence[Counts], moment: float) -> Counts:
    """The last counts before a moment; the first where there are none before."""
    before = [sample for sample in samples if sample.at <= moment]
    return before[-1] if before else samples[0]
