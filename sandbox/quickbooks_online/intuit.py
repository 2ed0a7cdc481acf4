"""Intuit as a whole: the companies, the tokens, and what stands in front of every call."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sandbox.quickbooks_online.company import Company
from sandbox.quickbooks_online.oauth import Tokens
from sandbox.quickbooks_online.request_ids import RequestIds


class Intuit:
    """Several companies behind one server; the first one's switches rule the OAuth side."""

    def __init__(self, *companies: Company) -> None:
        self.companies = {company.realm: company for company in companies}
        self.first = companies[0]
        self.tokens = Tokens(self.first.switches)
        self.request_ids = {company.realm: RequestIds(company) for company in companies}
        self.most_at_once = 0
        self._running = 0
        self._lock = threading.Lock()

    @contextmanager
    def in_flight(self) -> Iterator[None]:
        """Count a call while it runs."""
        with self._lock:
            self._running += 1
            self.most_at_once = max(self.most_at_once, self._running)
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1
