"""ConnectWise's own lists, whole: companies, vendors, members, products, accounts, codes, as entries to be linked."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from app.connectors.connectwise import parties, values
from app.connectors.connectwise.answers import PsaError
from app.connectors.connectwise.client import Client
from app.connectors.connectwise.values import Row
from app.domain.links import LinkKind
from app.domain.source_lists import MEMBER, SourceEntry

#: An API member is nobody who is paid back.
API_LICENSE = "A"
VENDOR = "vendor"


def entries(client: Client, kind: LinkKind) -> list[SourceEntry]:
    """The whole list of a kind. Raises ConnectionFailedError, also where the role may not read it."""
    return _READERS[kind](client)


def _customers(client: Client) -> list[SourceEntry]:
    return [_customer(row) for row in _named(client.pages("/company/companies")) if _is_customer(row)]


def _vendors(client: Client) -> list[SourceEntry]:
    """Companies that sell to the MSP, and its members, who are paid back what they spent."""
    companies = [row for row in _named(client.pages("/company/companies")) if _is_vendor(row)]
    try:
        members = client.pages("/system/members")
    except PsaError as error:
        if error.code not in {"role_too_weak", "not_found"}:
            raise
        members = []
    return [*map(_vendor, companies), *(_member(row) for row in members if _is_person(row))]


def _named(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if values.identity(row) and values.text(row, "name", "identifier")]


def _is_vendor(row: Row) -> bool:
    flag = row.get("isVendorFlag")
    return flag if isinstance(flag, bool) else VENDOR in _types(row)


def _is_customer(row: Row) -> bool:
    """Not what is a vendor and nothing else."""
    return not _is_vendor(row) or bool(_types(row) - {VENDOR})


def _types(row: Row) -> set[str]:
    return {values.text(kind, "name").casefold() for kind in values.rows(row, "types")}


def _active(row: Row) -> bool:
    gone = row.get("deletedFlag") or row.get("inactiveFlag")
    return not (gone or _status(row).casefold() in ("inactive", "not active"))


def _status(row: Row) -> str:
    return values.text(values.part(row, "status"), "name")


def _customer(row: Row) -> SourceEntry:
    return SourceEntry(
        LinkKind.CUSTOMERS,
        values.identity(row),
        values.text(row, "name", "identifier"),
        active=_active(row),
        number=values.text(row, "accountNumber"),
        email=values.text(row, "invoiceToEmailAddress"),
        phone=values.text(row, "phoneNumber"),
        address=parties.on_company(row),
        terms_id=values.identity(values.part(row, "billingTerms")),
        status=_status(row),
    )


def _vendor(row: Row) -> SourceEntry:
    return SourceEntry(
        LinkKind.VENDORS,
        values.identity(row),
        values.text(row, "name", "identifier"),
        active=_active(row),
        number=values.text(row, "vendorIdentifier"),
        phone=values.text(row, "phoneNumber"),
    )


def _is_person(row: Row) -> bool:
    return bool(values.identity(row)) and values.text(row, "licenseClass").upper() != API_LICENSE


def _member(row: Row) -> SourceEntry:
    name = f"{values.text(row, 'firstName')} {values.text(row, 'lastName')}".strip()
    return SourceEntry(
        LinkKind.VENDORS,
        MEMBER + values.identity(row),
        name or values.text(row, "identifier"),
        active=not row.get("inactiveFlag"),
        number=values.text(row, "vendorNumber"),
        email=values.text(row, "officeEmail", "primaryEmail"),
        detail="Member",
    )


def _items(client: Client) -> list[SourceEntry]:
    rows = [row for row in client.pages("/procurement/catalog") if values.identity(row)]
    return [
        SourceEntry(
            LinkKind.ITEMS,
            values.identity(row),
            values.text(row, "identifier", "description"),
            active=not row.get("inactiveFlag"),
            number=values.text(row, "manufacturerPartNumber"),
            detail=values.text(row, "description"),
        )
        for row in rows
    ]


def _accounts(client: Client) -> list[SourceEntry]:
    return [
        SourceEntry(LinkKind.ACCOUNTS, account, account, number=account, detail=", ".join(sorted(used)))
        for account, used in _segments(client, "account").items()
    ]


def _classes(client: Client) -> list[SourceEntry]:
    return [SourceEntry(LinkKind.CLASSES, name, name) for name in _segments(client, "class")]


def _segments(client: Client, meaning: str) -> dict[str, set[str]]:
    """What the GL mapping puts into the segments of this meaning → the kinds of transactions that are mapped to it."""
    captions = client.pages("/finance/glCaptions")
    found: dict[str, set[str]] = {}
    wanted = _segments_of(captions[0] if captions else {}, meaning)
    for row in client.pages("/finance/glAccounts"):
        for segment in wanted:
            if value := values.account(values.text(row, segment)):
                found.setdefault(value, set()).add(values.text(values.part(row, "mappedType"), "name"))
    return found


def _segments_of(captions: Row, meaning: str) -> list[str]:
    """The first segment is the account where the captions don't say otherwise."""
    named = [f"segment{n}" for n in range(1, 11) if values.text(captions, f"segment{n}type").casefold() == meaning]
    return named or (["segment1"] if meaning == "account" else [])


def _tax_codes(client: Client) -> list[SourceEntry]:
    return [
        SourceEntry(
            LinkKind.TAX_CODES, values.identity(row), values.text(row, "identifier", "description"),
            number=values.text(row, "taxCodeXref"), detail=values.text(row, "description"),
        )
        for row in client.pages("/finance/taxCodes") if values.identity(row)
    ]  # fmt: skip


def _terms(client: Client) -> list[SourceEntry]:
    return [
        SourceEntry(
            LinkKind.TERMS, values.identity(row), values.text(row, "name"),
            number=values.text(row, "termsXref"), due_days=values.days(row, "dueDays"),
        )
        for row in client.pages("/finance/billingTerms") if values.identity(row)
    ]  # fmt: skip


def _locations(client: Client) -> list[SourceEntry]:
    return [
        SourceEntry(LinkKind.LOCATIONS, values.identity(row), values.text(row, "name"))
        for row in client.pages("/system/locations")
        if values.identity(row) and row.get("locationFlag") is not False
    ]


_READERS: dict[LinkKind, Callable[[Client], list[SourceEntry]]] = {
    LinkKind.CUSTOMERS: _customers,
    LinkKind.VENDORS: _vendors,
    LinkKind.ITEMS: _items,
    LinkKind.ACCOUNTS: _accounts,
    LinkKind.TAX_CODES: _tax_codes,
    LinkKind.TERMS: _terms,
    LinkKind.CLASSES: _classes,
    LinkKind.LOCATIONS: _locations,
}
