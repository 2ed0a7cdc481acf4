"""How long the pages take that a person waits for: asked as a browser asks, timed by the app’s own log."""

from __future__ import annotations

import html
import json
import re
import statistics
import time
from collections.abc import Mapping

from bench.application import Browser
from bench.figures import Bench
from bench.readings import largest_batch
from bench.vendors import CannotMeasureError

LOOKS = 9
#: The list with five times a batch's records is what a company has that comes from another program.
TIMES = 5
LISTS = {"sorted": "?sort=-total", "filtered": "?view=fix", "searched": "?q=a&sort=party", "as it is": ""}
FRAGMENT = {"HX-Request": "true"}
LEAST = f"the fastest of {LOOKS} looks, by our own clock, way and all"


def pages(bench: Bench) -> None:
    """The selection page and its list; then what a running batch's page asks for every two seconds."""
    bench.say("pages …")
    bench.vendors.slow_down(0)
    bench.vendors.close_invoices(TIMES * bench.size)
    count = len(bench.app.unposted())
    browser = Browser()
    browser.log_in(bench.app.base)
    first, _ = looks(bench, browser, "/run/invoices", {}, 1)
    bench.told(f"selection page, {count} unposted, the first time", f"{first:.0f} ms")
    bench.most(f"selection page, {count} unposted", 300, looks(bench, browser, "/run/invoices", {})[0], " ms", digits=0)
    for name, query in {**LISTS, **_next_page(bench, browser)}.items():
        took, _ = looks(bench, browser, "/run/invoices" + query, FRAGMENT)
        bench.most(f"its list {name}", 100, took, " ms", digits=0)
    _workbench(bench, browser)
    batch, documents = largest_batch(bench.app.home)
    took, size = looks(bench, browser, f"/batches/{batch}/live?seen=0", FRAGMENT)
    bench.most(f"polled fragment of a batch of {documents}, all of it new", 15, took, " ms", LEAST)
    bench.most("its size", 30, size, " KB")


def _next_page(bench: Bench, browser: Browser) -> dict[str, str]:
    """The query of the list's second page, as its link has it; a short list has none."""
    _, first = browser.open(bench.app.base + "/run/invoices")
    found = re.search(r'href="(\?[^"]*after=[^"]+)"', first)
    return {"on its next page": html.unescape(found[1])} if found else {}


def _workbench(bench: Bench, browser: Browser) -> None:
    """Both whole lists beside each other, what may be linked, the settings, one document looked at."""
    book = bench.app.book
    lists = bench.app.json("mappings", "read", "--book", book)["lists"]
    customers = next(row for row in lists if row["kind"] == "customers")
    record = bench.app.unposted()[0]
    for name, path in (
        (f"mapping page, {customers['psa']} and {customers['quickbooks']} customers", f"/mappings/{book}/customers"),
        ("first day", f"/first-day/{book}"),
        ("a settings page", f"/settings/books/{book}/sales"),
        ("preview of a document", f"/records/{book}/invoices/{record}"),
    ):
        looks(bench, browser, path, {}, 1)
        bench.most(name, 200, looks(bench, browser, path, {})[0], " ms", digits=0)


def looks(
    bench: Bench, browser: Browser, address: str, headers: Mapping[str, str], times: int = LOOKS
) -> tuple[float, float]:
    """Milliseconds of the median look, as the app logs them, and kilobytes of the answer. Raises CannotMeasureError.

    What a page asks for by itself is not logged: there it is the fastest look by our own clock, way and all.
    """
    begin, text, here = bench.app.log.stat().st_size, "", []
    for _ in range(times):
        began = time.perf_counter()
        status, text = browser.open(bench.app.base + address, headers=headers)
        here.append((time.perf_counter() - began) * 1000)
        if status >= 300:
            raise CannotMeasureError(f"{address} answers {status}.")
    time.sleep(0.5)  # the log comes by way of the launcher
    with bench.app.log.open("rb") as log:
        log.seek(begin)
        lines = log.read().decode("utf-8", "replace").splitlines()
    path = address.partition("?")[0]
    found = [_milliseconds(line) for line in lines if f'"path": "{path}"' in line]
    return statistics.median(found) if found else min(here), len(text.encode()) / 1024


def _milliseconds(line: str) -> float:
    return float(json.loads(line[line.index("{") :])["ms"])
