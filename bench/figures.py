"""The figures: what each is, what it shall reach, and how it is measured."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.application import Application, Browser, finished
from bench.readings import Moments, Watch, moments_of
from bench.vendors import Json, Vendors, nearest

#: A call of either vendor takes so long, and a batch's item so long besides where that is measured.
CALL_MS, ITEM_MS = 300, 100


#: Sections in which customers, terms and items are created.
MADE_FIRST = ("parties", "items")


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. ``reached`` is None where it is only said, not judged."""

    name: str
    reach: str
    measured: str
    reached: bool | None = None


@dataclass(slots=True)
class Bench:
    """Everything a measurement is given. ``size`` documents a batch; limits for time are scaled with it."""

    vendors: Vendors
    app: Application
    size: int
    say: Callable[[str], None]
    figures: list[Figure] = field(default_factory=list)

    def most(self, name: str, limit: float, value: float, unit: str, note: str = "", digits: int = 1) -> None:
        """A figure that may be at most ``limit``."""
        words = f"{value:.{digits}f}{unit}" + (f" ({note})" if note else "")
        self._add(Figure(name, f"≤ {limit:g}{unit}", words, value <= limit))

    def none(self, name: str, value: int) -> None:
        """A figure that must be 0."""
        self._add(Figure(name, "0", str(value), value == 0))

    def closed(self, name: str, moments: Moments, wanted: int) -> None:
        """Nothing counts unless everything was closed."""
        count = moments.states.get("closed", 0)
        if count != wanted:
            self._add(
                Figure(f"{name}: closed", str(wanted), f"{count} {moments.states} {moments.failure}", reached=False)
            )

    def told(self, name: str, text: str) -> None:
        self._add(Figure(name, "", text))

    def _add(self, figure: Figure) -> None:
        self.figures.append(figure)
        self.say(f"  {figure.name}: {figure.measured}")

    @contextmanager
    def watched(self, name: str) -> Iterator[Watch]:
        """Measure one thing alone: the windows are empty when it begins."""
        self.say(f"{name} …")
        self.vendors.rest()
        self.vendors.insist_on_limits()
        with Watch(self.vendors, self.app.session) as watch:
            yield watch
        self.none(f"429s: {name}", watch.refused)
        spent = f"{watch.processor:.0f} s, machine {watch.busy:.0%} busy, load {os.getloadavg()[0]:.1f}"
        self.told(f"processor time of Crossfoot: {name}", spent)

    def one_batch(self) -> tuple[Json, Moments]:
        batch = finished(self.app.batch())
        return batch, moments_of(self.app.home, int(batch["batch"]))


def startup(bench: Bench) -> None:
    """From the command to the log-in page, on a data folder that is there."""
    bench.app.end()
    bench.most("second start to the log-in page", 10, bench.app.begin(), " s")


def creating(bench: Bench) -> None:
    """The first batch of a new customer of ours: nothing is linked, everything is created."""
    bench.vendors.slow_down(CALL_MS)
    with bench.watched("a first batch, customers and items created") as watch:
        _, moments = bench.one_batch()
    made = watch.counts[-1].ledger - watch.counts[0].ledger
    bench.closed("first batch", moments, bench.size)
    whole = moments.documents[1] - min(begin for key, (begin, _) in moments.sections.items() if key in MADE_FIRST)
    bench.most(
        "customers and items created first, then the documents", 120 * bench.size / 1000, whole, " s",
        f"{moments.seconds(*MADE_FIRST):.0f} s of it to create, {made} QuickBooks calls in all",
    )  # fmt: skip


def linked(bench: Bench) -> None:
    """Everything linked, a flat time for every call."""
    bench.vendors.slow_down(CALL_MS)
    bench.vendors.close_invoices(bench.size)
    with bench.watched("everything linked") as watch:
        _, moments = bench.one_batch()
    _linked_figures(bench, watch, moments)


def _linked_figures(bench: Bench, watch: Watch, moments: Moments) -> None:
    scale = bench.size / 1000
    bench.closed("linked", moments, bench.size)
    bench.most("documents into QuickBooks", 20 * scale, moments.document_seconds, " s")
    after_check = nearest(watch.counts, moments.sections["documents"][0])
    ledger = watch.counts[-1].ledger - after_check.ledger
    note = f"{moments.calls} document calls, the rest proves"
    bench.most("QuickBooks calls a document", 0.05, ledger / bench.size, "", note, 3)
    bench.most("closed in ConnectWise", 75 * scale, moments.closing_seconds, " s")
    after_read = nearest(watch.counts, moments.sections["read"][1])
    source = watch.counts[-1].source - after_read.source
    bench.most("ConnectWise calls a document after Read", 1.1, source / bench.size, "", digits=3)
    parts = ", ".join(f"{key} {end - begin:.1f}" for key, (begin, end) in moments.sections.items())
    bench.told("seconds by section", parts)


def per_item(bench: Bench) -> None:
    """The same where each item of a batch costs time."""
    bench.vendors.slow_down(CALL_MS, ITEM_MS)
    bench.vendors.close_invoices(bench.size)
    with bench.watched(f"everything linked, +{ITEM_MS} ms an item"):
        _, moments = bench.one_batch()
    bench.closed("per item", moments, bench.size)
    name = f"documents into QuickBooks, +{ITEM_MS} ms an item"
    bench.most(name, 40 * bench.size / 1000, moments.document_seconds, " s")
    bench.vendors.slow_down(CALL_MS)


def back_to_back(bench: Bench) -> None:
    """A second batch at once behind the first: its calls meet the first one's windows."""
    bench.vendors.slow_down(CALL_MS)
    with bench.watched("two batches back to back"):
        for _ in range(2):
            bench.vendors.close_invoices(bench.size)
            _, moments = bench.one_batch()
            bench.closed("back to back", moments, bench.size)


def at_once(bench: Bench) -> None:
    """Two batches of different records, submitted at the same moment to two workers."""
    bench.vendors.slow_down(CALL_MS)
    bench.vendors.close_invoices(2 * bench.size)
    records = bench.app.unposted()
    with bench.watched("two batches at once"):
        halves = records[: bench.size], records[bench.size :]
        batches = [finished(batch) for batch in [bench.app.batch(*half) for half in halves]]
    for batch in batches:
        bench.closed("at once", moments_of(bench.app.home, int(batch["batch"])), bench.size)


def memory(bench: Bench) -> None:
    """A large batch, with a person who looks at its page all the while."""
    bench.vendors.slow_down(CALL_MS)
    bench.vendors.close_invoices(2 * bench.size)
    with bench.watched(f"a batch of {2 * bench.size}") as watch:
        batch = bench.app.batch()
        with looking(bench.app):
            result = finished(batch)
    bench.closed("large batch", moments_of(bench.app.home, int(result["batch"])), 2 * bench.size)
    parts = ", ".join(f"{name} {kilobytes / 1024:.0f}" for name, kilobytes in watch.peak.most_common())
    bench.most("memory at the peak (PSS)", 450, watch.peak.total() / 1024, " MB", parts, 0)


@contextmanager
def looking(app: Application) -> Iterator[None]:
    """A person with the newest batch's page open, which asks for what is new every two seconds."""
    end = threading.Event()

    def look() -> None:
        browser = Browser()
        browser.log_in(app.base)
        while not end.wait(2):
            _, page = browser.open(app.base + "/batches")
            if found := re.search(r'href="(/batches/\d+)"', page):
                browser.open(app.base + found[1])

    person = threading.Thread(target=look, daemon=True)
    person.start()
    try:
        yield
    finally:
        end.set()
        person.join(30)


def table(figures: list[Figure]) -> str:
    """Figure, what it shall reach, what was measured: aligned for a terminal, and valid Markdown."""
    rows = [("figure", "reach", "measured", "")]
    marks = {True: "reached", False: "NOT REACHED", None: ""}
    rows += [(one.name, one.reach, one.measured, marks[one.reached]) for one in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines) + "\n"


def project() -> Path:
    """The checkout that is measured: the one this file is in."""
    return Path(__file__).resolve().parent.parent
