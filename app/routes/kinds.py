"""What the PSA's kinds of unposted records are called on pages, and the kind that a page of Run New Batch is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, Flask, g

from app.domain.states import RecordKind
from app.routes import columns

#: How the kind stands in an address: ``f"{PREFIX}/tick"``.
PREFIX = f"/run/<any({', '.join(RecordKind)}):kind>"


@dataclass(frozen=True, slots=True)
class Words:
    """What a kind is called.

    Attributes:
        title: of its page and its entry in the navigation.
        one: a single record; ``many`` where an s does not make it several.
        credit: one that is owed the other way.
        party: whom a record is with.
        searched: what the search field looks in.
        appears: when the PSA lists one.
        number: what a person calls it by.
    """

    title: str
    one: str
    many: str
    credit: str
    party: str
    searched: str
    appears: str
    number: str


WORDS: Mapping[RecordKind, Words] = {
    RecordKind.INVOICES: Words(
        "Invoices", "invoice", "invoices", "credit memo", "Customer", "Number, customer, amount",
        "Invoices appear in ConnectWise’s list once they are closed there.", "Invoice number",
    ),
    RecordKind.EXPENSES: Words(
        "Expenses", "expense", "expenses", "credit", "Member", "Number, member, amount",
        "Expenses appear in ConnectWise’s list once their report is approved.", "Expense number",
    ),
    RecordKind.INVENTORY: Words(
        "Inventory", "inventory transaction", "inventory transactions", "credit", "Vendor", "Number, vendor, amount",
        "Purchases appear in ConnectWise’s list once their lines are received and closed there.",
        "Purchase order number",
    ),
}  # fmt: skip


def install(app: Flask) -> None:
    """``words_of(kind)`` and ``record_kinds`` in every template."""
    app.jinja_env.filters["type_of"] = columns.type_of
    app.jinja_env.globals["words_of"] = words_of
    app.jinja_env.globals["record_kinds"] = tuple(RecordKind)


def words_of(kind: str) -> Words:
    """The words of a kind, also of one that is stored as text; a batch of payments is about invoices."""
    return WORDS[RecordKind(kind) if kind in tuple(RecordKind) else RecordKind.INVOICES]


def in_addresses(blueprint: Blueprint) -> None:
    """All its addresses begin with the kind: ``kind()`` says it, ``url_for`` fills in the same.

    Templates have it as ``kind``, its words as ``kw``, and the address as ``run_url``.
    """
    blueprint.url_value_preprocessor(_take)
    blueprint.url_defaults(_give)
    blueprint.context_processor(_context)


def kind() -> RecordKind:
    """The kind that the request's address names."""
    found: RecordKind = g.record_kind
    return found


def _context() -> dict[str, object]:
    return {
        "kind": kind(),
        "kw": words_of(kind()),
        "run_url": f"/run/{kind()}",
        "columns": columns.COLUMNS[kind()],
        "tax_column": columns.TAX.get(kind()),
    }


def _take(_endpoint: str | None, values: dict[str, object] | None) -> None:
    g.record_kind = RecordKind(str((values or {}).pop("kind", RecordKind.INVOICES)))


def _give(_endpoint: str, values: dict[str, object]) -> None:
    values.setdefault("kind", str(g.get("record_kind", RecordKind.INVOICES)))
