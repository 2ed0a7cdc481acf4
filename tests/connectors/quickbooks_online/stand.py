"""The sandbox company that the connector's tests are connected to, over real HTTP and a real Redis."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import redis

from app.connectors.http import NetRules
from app.connectors.protocols import Destination
from app.connectors.quickbooks_online.connector import QuickBooksOnline
from app.connectors.quickbooks_online.settings import App
from app.connectors.registry import Registry
from app.connectors.tokens import Tokens
from app.domain.documents import Document
from app.domain.links import Entry, LinkKind, Links, Rules
from app.settings import Endpoints
from sandbox.quickbooks_online import people, server
from sandbox.quickbooks_online.chart import empty_company, place
from sandbox.quickbooks_online.documents import save
from tests.builders import ACME, BOLT
from tests.fakes import FakeContact, MemoryTokens

#: How much faster than life the windows of both sides run.
SPEED = 20.0

LINKS: Links = {
    (LinkKind.CUSTOMERS, "77"): Entry(LinkKind.CUSTOMERS, "1", "Acme Dental", holder="customer"),
    (LinkKind.CUSTOMERS, "78"): Entry(LinkKind.CUSTOMERS, "2", "Bolt & Nut Co", holder="customer"),
    (LinkKind.ITEMS, "account:4100"): Entry(LinkKind.ITEMS, "1", "Services", account_id="82"),
    (LinkKind.ITEMS, "501"): Entry(LinkKind.ITEMS, "2", "FW-60F", account_id="79"),
    (LinkKind.ACCOUNTS, "4100"): Entry(LinkKind.ACCOUNTS, "82", "Professional services", number="4010"),
    (LinkKind.ACCOUNTS, "4000"): Entry(LinkKind.ACCOUNTS, "79", "Hardware sales", number="4100"),
    (LinkKind.TAX_CODES, "21"): Entry(LinkKind.TAX_CODES, "3", "Seattle, WA", rate="10.25", parts="5=6.5 6=3.75"),
    (LinkKind.TERMS, "4"): Entry(LinkKind.TERMS, "3", "Net 30", due_days=30),
}


class SandboxStand:
    """A connected company; ``switches`` as in sandbox/quickbooks_online/switches.py."""

    def __init__(self, memory: redis.Redis, **switches: Any) -> None:
        self.company = empty_company(**switches)
        for party in (ACME, BOLT):
            place(self.company, "Customer", {"DisplayName": party.name})
        income = {"IncomeAccountRef": {"value": "79"}}
        place(self.company, "Item", {"Name": "FW-60F", "Sku": "FW-60F", "Type": "NonInventory", **income})
        place(self.company, "Employee", {"DisplayName": "Pat Lee", "GivenName": "Pat", "FamilyName": "Lee"})
        self.company.throttle.scale(1 / SPEED)
        self.running = server.start(self.company)
        self.tokens = MemoryTokens(self._tokens())
        self.registry = Registry(memory, self.rules_of_the_net(), self.app, speed=SPEED)
        self.destination: Destination = self.opened()
        self.links, self.rules = LINKS, Rules(tax_mode="automated")

    def opened(self, realm: str = "") -> QuickBooksOnline:
        settings = {"realm": realm or self.company.realm, "environment": "sandbox"}
        opened = self.registry.destination("quickbooks_online", settings, self.tokens, FakeContact())
        assert isinstance(opened, QuickBooksOnline)
        return opened

    def app(self) -> App:
        given = self.running.settings()
        urls = (given[f"{name}_url"] for name in ("api", "authorize", "token", "revoke"))
        return App(given["client_id"], given["client_secret"], Endpoints(*urls), "sandbox")

    def rules_of_the_net(self) -> NetRules:
        return NetRules.parse("127.0.0.1:*", read_timeout=5)

    def count(self) -> int:
        return len(self.company.tables["Invoice"]) + len(self.company.tables["CreditMemo"])

    def misbehave(self, kind: str, *, times: int = 1, skip: int = 0) -> None:
        self.company.faults.add(kind, path="/v3/", times=times, skip=skip)

    def type_in(self, document: Document) -> str:
        detail = {"ItemRef": {"value": "1"}}
        line = {"DetailType": "SalesItemLineDetail", "Amount": document.total.amount, "SalesItemLineDetail": detail}
        customer = self.links[(LinkKind.CUSTOMERS, document.party.source_id)].ledger_id
        body = {"CustomerRef": {"value": customer}, "DocNumber": document.number, "Line": [line]}
        with self.company.lock:
            return str(save(self.company, "Invoice", {**body, "TxnDate": document.date.isoformat()})["Id"])

    def edit(self, ledger_id: str, **changes: object) -> None:
        people.edit(self.company, {"entity": "Invoice", "id": ledger_id, "changes": changes})

    def void(self, ledger_id: str) -> None:
        people.edit(self.company, {"entity": "Invoice", "id": ledger_id, "operation": "void"})

    def delete(self, ledger_id: str) -> None:
        people.edit(self.company, {"entity": "Invoice", "id": ledger_id, "operation": "delete"})

    def refusals_for_speed(self) -> int:
        return self.company.throttle.refused

    def total(self) -> Decimal:
        return sum((row["TotalAmt"] for row in self.company.tables["Invoice"].values()), Decimal(0))

    def _tokens(self, seconds: int = 3600) -> Tokens:
        issued = self.running.intuit.tokens.issue(self.company.realm)
        until = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)
        return Tokens(str(issued["access_token"]), str(issued["refresh_token"]), until, until + dt.timedelta(days=100))

    def stop(self) -> None:
        self.running.stop()
