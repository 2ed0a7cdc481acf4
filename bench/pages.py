"""How long the pages take that a person waits for: asked as a browser asks, the fastest of some looks."""

from __future__ import annotations

import re
import time

from bench.application import Browser
from bench.figures import Bench
from bench.vendors import CannotMeasureError

LOOKS = 9
#: The list with five times a batch's records is what a company has that comes from another program.
TIMES = 5
LISTS = {"sorted": "?sort=-total", "filtered": "?view=fix", "searched": "?q=a&sort=party", "as it is": ""}
FRAGMENT = {"HX-Request": "true"}


def pages(bench: Bench) -> None:
    """The selection page and its list; then what a running batch's page asks for every two seconds."""
    bench.say("pages …")
    bench.vendors.slow_down(0)
    bench.vendors.close_invoices(TIMES * bench.size)
    count = len(bench.app.unposted())
    browser = Browser()
    browser.log_in(bench.app.base)
    where = bench.app.base + "/run/invoices"
    began = time.perf_counter()
    browser.open(where)
    bench.told(f"selection page, {count} unposted, the first time", f"{(time.perf_counter() - began) * 1000:.0f} ms")
    bench.most(f"selection page, {count} unposted", 300, fastest(browser, where)[0], " ms", digits=0)
    for name, query in LISTS.items():
        bench.most(f"its list {name}", 100, fastest(browser, where + query, FRAGMENT)[0], " ms", digits=0)
    _, history = browser.open(bench.app.base + "/batches")
    batch = re.search(r'href="(/batches/\d+)"', history)
    if batch is None:
        raise CannotMeasureError("There is no batch to look at.")
    took, size = fastest(browser, f"{bench.app.base}{batch[1]}/live?seen=0", FRAGMENT)
    bench.most("polled fragment of a batch, all of it new", 15, took, " ms")
    bench.most("its size", 30, size, " KB")


def fastest(browser: Browser, url: str, headers: dict[str, str] | None = None) -> tuple[float, float]:
    """Milliseconds of the fastest of some looks, and kilobytes of the answer. Raises CannotMeasureError."""
    times, text = [], ""
    for _ in range(LOOKS):
        began = time.perf_counter()
        status, text = browser.open(url, headers=headers)
        times.append((time.perf_counter() - began) * 1000)
        if status >= 300:
            raise CannotMeasureError(f"{url} answers {status}.")
    return min(times), len(text.encode()) / 1024
