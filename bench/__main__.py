"""``./crossfoot bench``: measure, print a table, and end with 1 where a figure was not reached."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from bench.application import EMAIL, Application
from bench.figures import (
    Bench,
    at_once,
    back_to_back,
    creating,
    linked,
    memory,
    per_item,
    project,
    startup,
    table,
)
from bench.pages import pages
from bench.readings import Stopwatch
from bench.reconciling import payments, tie_out
from bench.vendors import CannotMeasureError, Vendors

CUSTOMERS, NEW_PRODUCTS = 300, 37
#: In this order, unless some are asked for by name.
SCENARIOS: dict[str, Callable[[Bench], None]] = {
    function.__name__: function
    for function in (startup, creating, linked, per_item, back_to_back, at_once, memory, pages, payments, tie_out)
}


def main(arguments: list[str] | None = None) -> int:
    """0: every figure was reached; 1: one was not; 2: it could not be measured."""
    options = _options(arguments)
    watch = Stopwatch()
    try:
        vendors = _vendors(options)
        try:
            bench = _measure(vendors, options)
        finally:
            vendors.stop()
    except CannotMeasureError as error:
        _say(f"crossfoot: {error}")
        return 2
    sys.stdout.write(table(bench.figures))
    _say(f"{watch.minutes:.0f} minutes. Times depend on the machine and on what else it does; calls don't.")
    return 1 if any(figure.reached is False for figure in bench.figures) else 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("crossfoot bench", description="Measures a batch against the vendors’ limits.")
    parser.add_argument(
        "--vendors", type=Path, metavar="FILE",
        help="servers that run already: a file with the first line of ./crossfoot sandbox --json (else it is started)",
    )  # fmt: skip
    parser.add_argument("--size", type=int, default=1000, help="documents of a batch (1000); times are scaled with it")
    parser.add_argument("--only", nargs="+", choices=SCENARIOS, default=list(SCENARIOS), help="some measurements only")
    parser.add_argument("--keep", action="store_true", help="keep the data folder, and say where it is")
    return parser.parse_args(arguments)


def _vendors(options: argparse.Namespace) -> Vendors:
    if options.vendors:
        return Vendors.given(options.vendors)
    _say("Starting the vendors’ stand-ins.")
    customers = max(1, CUSTOMERS * options.size // 1000)
    return Vendors.started(project(), options.size, customers, NEW_PRODUCTS)


def _measure(vendors: Vendors, options: argparse.Namespace) -> Bench:
    vendors.insist_on_limits()
    app = Application(project(), vendors)
    _say(f"Starting Crossfoot in {app.home}.")
    try:
        app.run("init", "--admin", EMAIL)
        app.begin()
        app.connect()
        bench = Bench(vendors, app, options.size, _say)
        # Whatever is measured, customers and items are linked by a first batch.
        for name in dict.fromkeys(["creating", *options.only] if set(options.only) - {"startup"} else options.only):
            SCENARIOS[name](bench)
        return bench
    finally:
        app.end()
        if not options.keep:
            app.forget()


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
