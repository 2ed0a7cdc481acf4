"""Money back and month end: a payment sync against what the limits allow, a look at both systems, a large tie-out."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing

from bench.application import Browser
from bench.figures import CALL_MS, Bench
from bench.pages import looks
from bench.readings import memory_of, seconds_of

#: Calls a minute that the published limits allow.
SOURCE_MINUTE, LEDGER_MINUTE = 1000, 500
#: Invoices of the tie-out; a payment sync is judged as one of so many payments.
INVOICES, PAYMENTS = 20_000, 5_000
#: Seconds that a sync reads again, for what a ledger wrote down late; and some for clocks.
OVERLAP = 5 * 60 + 10


def payments(bench: Bench) -> None:
    """Every invoice that was posted is paid in the books by a payment of its own; then a sync, and one with no news."""
    bench.vendors.slow_down(0)
    sync = ("payments", "sync", "--book", bench.app.book, "--wait")
    bench.app.json(*sync)
    paid, made = bench.vendors.pay_invoices(), time.monotonic()
    bench.vendors.slow_down(CALL_MS)
    before = memory_of(bench.app.session)
    with bench.watched(f"a payment sync of {paid}") as watch:
        found = bench.app.json(*sync)
    begun, ended = watch.counts[0], watch.counts[-1]
    source, ledger = ended.source - begun.source, ended.ledger - begun.ledger
    allowed = 60 * max(source / SOURCE_MINUTE, ledger / LEDGER_MINUTE)
    took = seconds_of(bench.app.home, int(found["batch"]))
    name, scale = "payment sync", paid / PAYMENTS
    note = f"{took:.0f} s, {source} ConnectWise and {ledger} QuickBooks calls"
    bench.told(f"{name}: payments written", f"{found['written']} of {paid}, {found['status'].replace('_', ' ')}")
    bench.most(f"{name}: wall time against what the limits allow", 1.25, took / allowed, " ×", note, 2)
    bench.most(f"{name}: processor time", max(60 * scale, 10), watch.processor, " s")
    added, peak = (watch.peak.total() - before.total()) / 1024, watch.peak.total() / 1024
    note = f"{added:.0f} MB more than at rest, the process of the job among them"
    bench.most(f"{name}: memory at the peak (PSS)", 450, peak, " MB", note, 0)
    time.sleep(max(0.0, made + OVERLAP - time.monotonic()))
    again = str(_ledger_calls(bench, sync))
    bench.told(f"{name} after it, which reads the last minutes again: QuickBooks calls", again)
    bench.most(f"{name} with nothing new: QuickBooks calls", 2, _ledger_calls(bench, sync), "", digits=0)


def _ledger_calls(bench: Bench, sync: tuple[str, ...]) -> int:
    with bench.watched("a payment sync with nothing new") as watch:
        bench.app.json(*sync)
    return watch.counts[-1].ledger - watch.counts[0].ledger


def tie_out(bench: Bench) -> None:
    """A whole look at both systems; then what it has kept, many times over, on the page of one month."""
    bench.vendors.slow_down(CALL_MS)
    look = ("reconcile", "--book", bench.app.book, "--look")
    with bench.watched(f"a look at {bench.size} documents") as watch:
        bench.app.json(*look)
    calls = sum(getattr(watch.counts[-1], side) - getattr(watch.counts[0], side) for side in ("ledger", "source"))
    bench.most(f"a look at {bench.size} documents: calls", 12 + bench.size / 40, calls, "", digits=0)
    with closing(sqlite3.connect(bench.app.home / "crossfoot.db", timeout=60)) as rows, rows:
        _multiply(rows, "psa_invoices", ("record", "number"))
        _multiply(rows, "ledger_documents", ("ledger_id", "number"))
        month = rows.execute("SELECT substr(date, 1, 7) FROM psa_invoices GROUP BY 1 ORDER BY count(*) DESC").fetchone()
    browser = Browser()
    browser.log_in(bench.app.base)
    took, _ = looks(bench, browser, f"/reconcile/{bench.app.book}/month/{month[0]}", {}, 3)
    bench.most(f"tie-out of {INVOICES:,} invoices", 5, took / 1000, " s", digits=2)


def _multiply(rows: sqlite3.Connection, table: str, own: tuple[str, ...]) -> None:
    """Copies of a table's rows, up to the number of invoices; ``own`` columns must differ from row to row."""
    names = [row[1] for row in rows.execute(f"PRAGMA table_info({table})") if row[1] != "id"]
    there, last = rows.execute(f"SELECT count(*), max(id) FROM {table}").fetchone()  # noqa: S608 - our own names
    for copy in range(1, -(-INVOICES // there)):
        values = ", ".join(f"{name} || '-{copy}'" if name in own else name for name in names)
        copy_all = f"INSERT INTO {table} ({', '.join(names)}) SELECT {values} FROM {table} WHERE id <= {last}"  # noqa: S608 - as above
        rows.execute(copy_all)
