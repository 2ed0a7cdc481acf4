"""`python -m sandbox`: serve both vendors' stand-ins on the loopback interface until SIGTERM or SIGINT.

The first line on stdout is the JSON of addresses, keys and links; everything for people goes to stderr.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.demo_psa.demo import demo_site, empty_site
from sandbox.demo_psa.generate import generate
from sandbox.keeping import CannotRestoreError, Keeper
from sandbox.quickbooks_online.chart import empty_company
from sandbox.quickbooks_online.demo import demo_company
from sandbox.server import Both, start_both

if TYPE_CHECKING:
    from sandbox.connectwise.site import Site

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop; 2 if a port is taken."""
    options = _options(arguments)
    # Blocked before any thread starts, so that only `sigwait` below ever gets them.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        both = _start(options)
    except (OSError, SystemExit):  # Werkzeug names a port that is taken, and exits
        _say("The sandbox cannot start. Choose other ports with --port and --qbo-port.")
        return 2
    keeper = Keeper(options.state, both) if options.state else None
    try:
        _restore(keeper)
    except CannotRestoreError as error:
        both.stop()
        _say(f"{options.state} cannot be read ({error}). Delete it to start over.")
        return 2
    _announce(both)
    signal.sigwait(STOP_SIGNALS)
    both.stop()
    if keeper:
        keeper.save()
    _say("The sandbox has stopped.")
    return 0


def _restore(keeper: Keeper | None) -> None:
    if keeper:
        keeper.restore()
        keeper.save()


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("sandbox", description="Stand-ins for ConnectWise PSA and QuickBooks Online.")
    parser.add_argument("--port", type=int, default=0, help="port of ConnectWise PSA (0: any that is free)")
    parser.add_argument("--qbo-port", type=int, default=0, help="port of QuickBooks Online (0: any that is free)")
    parser.add_argument("--json", action="store_true", help="print nothing but the JSON line")
    parser.add_argument("--invoices", type=int, default=0, help="instead of the demo's, so many generated invoices")
    parser.add_argument("--customers", type=int, default=50, help="customers of the generated invoices")
    parser.add_argument("--lines", type=int, default=4, help="lines of each generated invoice")
    parser.add_argument("--products", type=int, default=0, help="new catalogue items on the generated invoices")
    parser.add_argument("--empty", action="store_true", help="nothing to bill, and books without documents")
    parser.add_argument("--state", type=Path, help="a file that keeps what happened over a restart")
    return parser.parse_args(arguments)


def _start(options: argparse.Namespace) -> Both:
    company = empty_company() if options.empty else demo_company()
    return start_both(_site(options), company, port=options.port, qbo_port=options.qbo_port)


def _site(options: argparse.Namespace) -> Site:
    if not options.empty and not options.invoices:
        return demo_site()
    site = empty_site()
    if options.invoices:
        generate(site, options.invoices, options.customers, options.lines, products=options.products)
    return site


def _announce(both: Both) -> None:
    sys.stdout.write(json.dumps(both.credentials) + "\n")
    sys.stdout.flush()
    _say(f"ConnectWise PSA stands in at {both.connectwise.url}, QuickBooks Online at {both.quickbooks_online.url}.")
    _say("See /_stats, /_switches and /_faults there. Ctrl-C stops both.")


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
