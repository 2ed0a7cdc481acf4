"""A running QuickBooks stand-in and a small client, for the tests of the stand-in itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests

from sandbox.quickbooks_online.chart import empty_company
from sandbox.quickbooks_online.company import Company
from sandbox.quickbooks_online.server import Running, start

Json = dict[str, Any]


class Books:
    """Speaks to one company of a running stand-in; throttle off unless a test turns it on."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.company = running.company
        self.company.throttle.enabled = False
        self.base = f"{running.url}/v3/company/{self.company.realm}"
        self.session = requests.Session()
        token = running.access_token()
        self.session.headers.update({"Accept": "application/json", "Authorization": f"Bearer {token}"})

    def post(self, path: str, body: Any, **query: str) -> requests.Response:
        return self.session.post(f"{self.base}/{path}", json=body, params=query, timeout=10)

    def get(self, path: str, **query: str) -> requests.Response:
        return self.session.get(f"{self.base}/{path}", params=query, timeout=10)

    def create(self, entity: str, body: Json, **query: str) -> Json:
        answer = self.post(entity.lower(), body, **query)
        assert answer.status_code == 200, answer.text
        created: Json = answer.json()[entity]
        return created

    def refusal(self, path: str, body: Any, **query: str) -> str:
        """The code of the fault that this request gets."""
        answer = self.post(path, body, **query)
        assert answer.status_code == 400, answer.text
        return str(answer.json()["Fault"]["Error"][0]["code"])

    def query(self, text: str) -> Json:
        answer = self.get("query", query=text)
        assert answer.status_code == 200, answer.text
        result: Json = answer.json()["QueryResponse"]
        return result

    def query_refusal(self, text: str) -> str:
        return str(self.get("query", query=text).json()["Fault"]["Error"][0]["code"])

    def batch(self, *items: Json, **query: str) -> dict[str, Json]:
        """Answers of a batch by bId."""
        answer = self.post("batch", {"BatchItemRequest": list(items)}, **query)
        assert answer.status_code == 200, answer.text
        return {item["bId"]: item for item in answer.json()["BatchItemResponse"]}

    def control(self, path: str, body: Json) -> Any:
        answer = self.session.post(f"{self.running.url}/{path}", json=body, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def customer(self, name: str = "Acme Dental", **more: Any) -> str:
        return str(self.create("Customer", {"DisplayName": name, **more})["Id"])

    def count(self, entity: str = "Invoice") -> int:
        return len(self.company.tables[entity])


@contextmanager
def books_of(company: Company | None = None, *others: Company) -> Iterator[Books]:
    running = start(company or empty_company(), *others)
    books = Books(running)
    try:
        yield books
    finally:
        books.session.close()
        running.stop()


def line(amount: float = 100, *, tax: str = "TAX", item: str = "1", **detail: Any) -> Json:
    return {
        "DetailType": "SalesItemLineDetail",
        "Amount": amount,
        "SalesItemLineDetail": {"ItemRef": {"value": item}, "TaxCodeRef": {"value": tax}, **detail},
    }


def invoice(customer: str, *lines: Json, **more: Any) -> Json:
    return {"CustomerRef": {"value": customer}, "Line": list(lines) or [line()], **more}
