"""Rows of the database that tests begin with."""

from __future__ import annotations

from typing import Any

from app.connectors.tokens import Tokens
from app.domain import codec
from app.models.connections import Book, SourceRow


def a_book(name: str = "Demo MSP", ledger_id: str = "9341", *, tokens: Tokens | None = None, **rest: Any) -> Book:
    stored = codec.to_json(tokens) if tokens else None
    return Book(name=name, ledger_id=ledger_id, environment="sandbox", tokens=stored, **rest)


def a_source(site: str = "https://psa.example", company: str = "demo", **rest: Any) -> SourceRow:
    settings = {"site": site, "company_id": company, "public_key": "pub", "client_id": "guid"}
    return SourceRow(kind="connectwise", name="Demo PSA", settings=settings, secrets={"private_key": "private"}, **rest)
