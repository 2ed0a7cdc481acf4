"""Keeps what happened at both stand-ins in a file, so that a demo goes on where it was left.

Switches and faults are not kept: a new start is a good day again.
"""

from __future__ import annotations

import pickle  # the file is the sandbox's own, in the private folder of whoever runs it
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from sandbox.server import Both

Facts = dict[str, Any]

#: Attributes that belong to the running process: locks, clocks, counters of limits, caches, and the switches.
SITE_OWN = {"lock", "close_more", "switches", "_shown"}
COMPANY_OWN = {"lock", "clock", "throttle", "faults", "switches", "webhooks", "_ids", "_visible_from"}
TOKENS_OWN = {"_lock", "switches"}
#: Of what is kept. A file of another version is refused: half of a site is worse than none.
VERSION = 2
READING = {"GET", "HEAD", "OPTIONS"}


class CannotRestoreError(Exception):
    """The file holds nothing that this version of the sandbox can read."""


class Keeper:
    """Saves after every call that may have changed something, before its answer leaves."""

    def __init__(self, path: Path, both: Both) -> None:
        self.path = path
        self._site = both.connectwise.site
        self._intuit = both.quickbooks_online.intuit
        self._lock = threading.Lock()
        for running in (both.connectwise, both.quickbooks_online):
            running.server.app = self._saving(running.server.app)

    def restore(self) -> None:
        """Take up what the file holds; without a file everything stays new.

        Raises:
            CannotRestoreError: the file is damaged, or of another version.
        """
        if not self.path.exists():
            return
        try:
            kept = pickle.loads(self.path.read_bytes())  # noqa: S301  # our own file, see the import
            self._take(kept)
        except (OSError, pickle.UnpicklingError, EOFError, AttributeError, ImportError, KeyError, TypeError) as error:
            raise CannotRestoreError(str(error)) from error

    def save(self) -> None:
        """Write everything down, all or nothing."""
        with self._lock:
            fresh = self.path.with_name(self.path.name + ".new")
            fresh.write_bytes(self._pickled())
            fresh.replace(self.path)

    def _pickled(self) -> bytes:
        companies = self._intuit.companies
        with ExitStack() as held:
            for lock in (self._site.lock, *(company.lock for company in companies.values())):
                held.enter_context(lock)
            kept = {
                "version": VERSION,
                "site": _facts(self._site, SITE_OWN),
                "companies": {realm: _facts(company, COMPANY_OWN) for realm, company in companies.items()},
                "tokens": _facts(self._intuit.tokens, TOKENS_OWN),
                "answers": {realm: ids.answered() for realm, ids in self._intuit.request_ids.items()},
            }
            return pickle.dumps(kept)

    def _take(self, kept: Facts) -> None:
        if kept["version"] != VERSION:
            raise CannotRestoreError(f"it is of version {kept['version']}")
        vars(self._site).update(kept["site"])
        vars(self._intuit.tokens).update(kept["tokens"])
        for realm, facts in kept["companies"].items():
            company = self._intuit.companies[realm]
            vars(company).update(facts, tables={**company.tables, **facts["tables"]})
            self._intuit.request_ids[realm].take(kept["answers"][realm])

    def _saving(self, app: WSGIApplication) -> WSGIApplication:
        def saving(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            answer = app(environ, start_response)
            if environ["REQUEST_METHOD"] not in READING:
                self.save()
            return answer

        return saving


def _facts(one: object, own: set[str]) -> Facts:
    return {name: value for name, value in vars(one).items() if name not in own}
