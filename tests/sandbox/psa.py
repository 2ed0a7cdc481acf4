"""A small client of the ConnectWise stand-in, as a stranger would write it."""

from __future__ import annotations

from typing import Any

import requests

from sandbox.connectwise.server import Running, start
from sandbox.connectwise.site import Site

Row = dict[str, Any]
ACCOUNTING = "/finance/accounting"


class Psa:
    """A running site and a session with its keys."""

    def __init__(self, site: Site) -> None:
        self.running: Running = start(site)
        self.site = site
        self.session = requests.Session()
        keys = site.credentials
        self.session.auth = (f"{keys.company_id}+{keys.public_key}", keys.private_key)
        self.session.headers["clientId"] = keys.client_id

    def call(self, method: str, path: str, /, **more: Any) -> requests.Response:
        """Call the API under the site's present codebase; `/_…` and `/login` go to the host itself."""
        bare = path.startswith(("/_", "/login"))
        root = self.running.url if bare else f"{self.running.url}/{self.site.codebase}apis/3.0"
        return self.session.request(method, root + path, timeout=10, **more)

    def get(self, path: str, /, **params: Any) -> Any:
        answer = self.call("GET", path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, /, **body: Any) -> Any:
        answer = self.call("POST", path, json=body)
        assert answer.status_code in {200, 201}, answer.text
        return answer.json()

    def switch(self, **switches: Any) -> None:
        self.post("/_switches", **switches)

    def unposted(self, **params: Any) -> list[Row]:
        rows: list[Row] = self.get(f"{ACCOUNTING}/unpostedinvoices", **{"pageSize": 1000, **params})
        return rows

    def number(self, number: str) -> Row:
        """The unposted invoice with this number."""
        (row,) = self.unposted(conditions=f"invoiceNumber='{number}'")
        return row

    def export(self, *ids: int, **body: Any) -> list[Row]:
        """The transactions of an export of these invoices."""
        wanted = {"exportInvoicesFlag": True, "includedInvoiceIds": list(ids), **body}
        rows: list[Row] = self.post(f"{ACCOUNTING}/export", **wanted)["transactions"]
        return rows

    def batch(self, identifier: str, records: list[int], **body: Any) -> requests.Response:
        wanted = {"batchIdentifier": identifier, "exportInvoicesFlag": True, "processedRecordIds": records, **body}
        return self.call("POST", f"{ACCOUNTING}/batches", json=wanted)

    def close(self) -> None:
        self.session.close()
        self.running.stop()


def record_ids(transaction: Row) -> list[int]:
    """Every GL record id that an exported document shows."""
    header = [int(each) for each in transaction.get("glEntryIds", "").split(",") if each]
    return header + [each["id"] for each in transaction["detail"] if "id" in each]
