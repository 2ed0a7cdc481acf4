"""QuickBooks' lists as entries that PSA ids can be linked to; inactive ones too, so that a stale link shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from app.connectors.quickbooks_online import queries
from app.connectors.quickbooks_online.client import FaultError
from app.connectors.quickbooks_online.members import identity, part, ref, rows, text, unreadable
from app.domain.links import Entry, LinkKind

Row = Mapping[str, Any]
Query = Callable[[str], list[dict[str, Any]]]

#: Name lists answer with active rows only, unless asked for both.
BOTH = "Active IN (true, false)"
#: Before a tax code's rates for what is bought, which are others than those for what is sold: ``p:115=20``.
PURCHASE = "p:"
#: US pseudo codes for a line; they can't be a document's tax code.
PSEUDO_CODES = ("TAX", "NON")
#: Categories and bundles can't stand on a line.
ITEM_TYPES = ("Service", "NonInventory", "Inventory", "Category")
#: What reading a row of another form than expected ends in.
UNREADABLE = (KeyError, AttributeError, TypeError, ValueError, ArithmeticError)


def entries(query: Query, kind: LinkKind) -> list[Entry]:
    """The whole list. Raises ConnectionFailedError, also for a list that can't be read: half of it would mislead."""
    reader = _READERS[kind]
    try:
        return reader(query)
    except UNREADABLE as error:
        raise unreadable("a list") from error


def names_taken(query: Query) -> set[str]:
    """Names that a new customer may not have: three lists share one namespace, compared without case."""
    holders = ("Customer", "Vendor", "Employee")
    rows = [row for holder in holders for row in both(query, holder)]
    try:
        return {name.casefold() for row in rows if (name := _name(row))}
    except UNREADABLE as error:
        raise unreadable("a list") from error


def to_entry(kind: LinkKind, row: Row) -> Entry:
    """One row of customers, items, accounts or terms. Raises ValueError where it can't be read."""
    reader = _ROWS[kind]
    try:
        return reader(row)
    except UNREADABLE as error:
        raise ValueError(str(error)) from error


def untaxed_code(codes: Iterable[Entry]) -> Entry | None:
    """Outside the US every line needs a code: the active one of 0 % that says exempt or none first, else any of 0 %."""
    free = [code for code in codes if is_untaxed(code)]
    words = ("exempt", "no vat", "no tax", "out of scope")
    named = [code for code in free if any(word in code.name.casefold() for word in words)]
    return next(iter([*named, *free]), None)


def is_untaxed(code: Entry) -> bool:
    """An active code of 0 %."""
    return bool(code.active and code.rate and not Decimal(code.rate))


def both(query: Query, entity: str, fields: str = "*") -> list[dict[str, Any]]:
    """Active and inactive rows; only active ones where a list can't be asked so (4001)."""
    try:
        return query(queries.select(entity, BOTH, fields=fields))
    except FaultError as error:
        if "4001" not in error.codes:
            raise
        return query(queries.select(entity))


def _customers(query: Query) -> list[Entry]:
    return [_customer(row) for row in both(query, "Customer")]


def _vendors(query: Query) -> list[Entry]:
    return [_vendor(row) for row in both(query, "Vendor")]


def _classes(query: Query) -> list[Entry]:
    return [_class(row) for row in both(query, "Class")]


def _locations(query: Query) -> list[Entry]:
    return [_location(row) for row in both(query, "Department")]


def _items(query: Query) -> list[Entry]:
    # Sku is missing from a plain * in some companies.
    rows = both(query, "Item", fields="*, Sku")
    return [_item(row) for row in rows if row.get("Type", "Service") in ITEM_TYPES]


def _accounts(query: Query) -> list[Entry]:
    return [_account(row) for row in both(query, "Account")]


def _terms(query: Query) -> list[Entry]:
    return [_term(row) for row in both(query, "Term")]


def _tax_codes(query: Query) -> list[Entry]:
    rates = {identity(row): row for row in both(query, "TaxRate")}
    rows = both(query, "TaxCode")
    return [_tax_code(row, rates) for row in rows if identity(row) not in PSEUDO_CODES]


def _customer(row: Row) -> Entry:
    return Entry(
        LinkKind.CUSTOMERS,
        identity(row),
        _name(row),
        active=_active(row),
        detail=f"Sub-customer of {_parent(row)}" if _parent(row) else "",
        path=_path_of(row),
        email=text(part(row, "PrimaryEmailAddr"), "Address"),
        currency=ref(row, "CurrencyRef"),
        holder="customer",
    )


def _vendor(row: Row) -> Entry:
    return Entry(
        LinkKind.VENDORS,
        identity(row),
        _name(row),
        active=_active(row),
        number=text(row, "AcctNum"),
        email=text(part(row, "PrimaryEmailAddr"), "Address"),
        currency=ref(row, "CurrencyRef"),
        holder="vendor",
    )


def _class(row: Row) -> Entry:
    return Entry(LinkKind.CLASSES, identity(row), _path(row), active=_active(row))


def _location(row: Row) -> Entry:
    return Entry(LinkKind.LOCATIONS, identity(row), _path(row), active=_active(row))


def _path(row: Row) -> str:
    """A class or location with its parents: ``East:Portland``."""
    return text(row, "FullyQualifiedName") or text(row, "Name")


def _item(row: Row) -> Entry:
    return Entry(
        LinkKind.ITEMS,
        identity(row),
        str(row.get("Name") or ""),
        active=_active(row),
        number=str(row.get("Sku") or ""),
        detail=str(row.get("Type") or ""),
        account_id=ref(row, "IncomeAccountRef"),
        cost_account_id=ref(row, "ExpenseAccountRef"),
        asset_account_id=ref(row, "AssetAccountRef"),
    )


def _account(row: Row) -> Entry:
    return Entry(
        LinkKind.ACCOUNTS,
        identity(row),
        str(row.get("FullyQualifiedName") or row.get("Name") or ""),
        active=_active(row),
        number=str(row.get("AcctNum") or ""),
        detail=str(row.get("AccountType") or ""),
        currency=ref(row, "CurrencyRef"),
    )


def _term(row: Row) -> Entry:
    days = row.get("DueDays")
    return Entry(
        LinkKind.TERMS,
        identity(row),
        str(row.get("Name") or ""),
        active=_active(row),
        detail="" if str(row.get("Type", "STANDARD")).upper() == "STANDARD" else "Due by day of month",
        due_days=int(days) if days is not None else None,
    )


def _tax_code(row: Row, rates: Mapping[str, Row]) -> Entry:
    parts, bought = (_code_rates(row, name, rates) for name in ("SalesTaxRateList", "PurchaseTaxRateList"))
    known = bool(parts) and all(value is not None for _, value in parts)
    combined = sum((Decimal(value) for _, value in parts if value is not None), Decimal(0))
    return Entry(
        LinkKind.TAX_CODES,
        identity(row),
        str(row.get("Name") or ""),
        active=_active(row) and not row.get("Hidden", False),
        detail=str(row.get("Description") or ""),
        rate=_plain(combined) if known else "",
        parts=" ".join([*_written(parts, ""), *_written(bought, PURCHASE)]),
    )


def _code_rates(row: Row, name: str, rates: Mapping[str, Row]) -> list[tuple[str, Any]]:
    """Ids and percentages of one of a code's two lists; None for a rate that is not known."""
    ids = [ref(detail, "TaxRateRef") for detail in rows(part(row, name), "TaxRateDetail")]
    return [(ident, rates.get(ident, {}).get("RateValue")) for ident in ids]


def _written(parts: Iterable[tuple[str, Any]], before: str) -> list[str]:
    return [f"{before}{ident}={_plain(Decimal(value))}" for ident, value in parts if value is not None]


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"


def _name(row: Row) -> str:
    return str(row.get("DisplayName") or "").strip()


def _active(row: Row) -> bool:
    return row.get("Active", True) is not False


def _path_of(row: Row) -> str:
    """A sub-customer's name with those above it, ``Acme:Branch``; empty for others."""
    return str(row.get("FullyQualifiedName") or "") if _parent(row) else ""


def _parent(row: Row) -> str:
    return str(row.get("FullyQualifiedName") or "").rpartition(":")[0]


_READERS: dict[LinkKind, Callable[[Query], list[Entry]]] = {
    LinkKind.CUSTOMERS: _customers,
    LinkKind.VENDORS: _vendors,
    LinkKind.CLASSES: _classes,
    LinkKind.LOCATIONS: _locations,
    LinkKind.ITEMS: _items,
    LinkKind.ACCOUNTS: _accounts,
    LinkKind.TAX_CODES: _tax_codes,
    LinkKind.TERMS: _terms,
}
_ROWS: dict[LinkKind, Callable[[Row], Entry]] = {
    LinkKind.CUSTOMERS: _customer,
    LinkKind.VENDORS: _vendor,
    LinkKind.CLASSES: _class,
    LinkKind.LOCATIONS: _location,
    LinkKind.ITEMS: _item,
    LinkKind.ACCOUNTS: _account,
    LinkKind.TERMS: _term,
}
