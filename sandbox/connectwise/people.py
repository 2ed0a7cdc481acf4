"""What people do in ConnectWise's own pages while an accounting package is at work.

`POST /_edit` takes `{"action": …}` with what the action needs; invoices are named by `invoice` (id) or `number`.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sandbox.connectwise.model import cents

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.connectwise.model import Batch, Invoice
    from sandbox.connectwise.site import Site

Row = dict[str, Any]


def act(site: Site, wanted: Row) -> None:
    """Do one of `ACTIONS`. Raises ValueError for what cannot be done; call with the site's lock held."""
    action = ACTIONS.get(str(wanted.get("action")))
    if action is None:
        raise ValueError(f"no action {wanted.get('action')!r}; there are {', '.join(ACTIONS)}")
    action(site, wanted)


def _invoice(site: Site, wanted: Row) -> Invoice:
    found = [
        each
        for each in site.invoices.values()
        if each.id == wanted.get("invoice") or each.number == str(wanted.get("number"))
    ]
    if not found:
        raise ValueError(f"no invoice {wanted.get('invoice') or wanted.get('number')}")
    return found[0]


def _batch(site: Site, wanted: Row) -> Batch:
    found = [each for each in site.batches.values() if wanted.get("batch") in (each.id, each.identifier)]
    if not found:
        raise ValueError(f"no batch {wanted.get('batch')}")
    return found[0]


def change(site: Site, wanted: Row) -> None:
    """Re-open, change and re-close, under new GL records: the first line's `amount`, `new_number`, `map` (accounts)."""
    invoice = _invoice(site, wanted)
    site.reopen(invoice)
    if "amount" in wanted:
        amount = cents(Decimal(str(wanted["amount"])))
        first = replace(invoice.lines[0], quantity=Decimal(1), price=amount, amount=amount)
        invoice.lines = (first, *invoice.lines[1:])
    invoice.number = str(wanted.get("new_number", invoice.number))
    invoice.mapped = bool(wanted.get("map", invoice.mapped))
    site.close(invoice)


def reopen(site: Site, wanted: Row) -> None:
    """Leave the invoice open: it is no longer unposted."""
    site.reopen(_invoice(site, wanted))


def close(site: Site, wanted: Row) -> None:
    """Close an open invoice."""
    site.close(_invoice(site, wanted))


def batch_by_hand(site: Site, wanted: Row) -> None:
    """Batch one invoice without exporting it; `identifier` defaults to M-number."""
    invoice = _invoice(site, wanted)
    records = invoice.stamp.ids if invoice.stamp else ()
    site.add_batch(str(wanted.get("identifier") or f"M-{invoice.number}"), records, by_hand=True)


def unbatch(site: Site, wanted: Row) -> None:
    """Take one invoice out of its batch."""
    site.unbatch(_invoice(site, wanted))


def close_batch(site: Site, wanted: Row) -> None:
    """Close a batch, named by id or identifier: it cannot be deleted any more."""
    _batch(site, wanted).closed = True


def delete_batch(site: Site, wanted: Row) -> None:
    """Delete a batch, named by id or identifier."""
    site.delete_batch(_batch(site, wanted))


def rename_company(site: Site, wanted: Row) -> None:
    """Give the customer `company` (id) another `name`."""
    company = site.companies[int(wanted["company"])]
    company.name = str(wanted["name"])
    for invoice in site.invoices.values():
        if invoice.company is company:
            site.touch(invoice)


def codebase(site: Site, wanted: Row) -> None:
    """Upgrade the site to another `codebase`, such as "v2025_2/"; every old address is gone at once."""
    site.codebase = str(wanted["codebase"]).strip("/") + "/"


ACTIONS: dict[str, Callable[[Site, Row], None]] = {
    "change": change,
    "reopen": reopen,
    "close": close,
    "batch_by_hand": batch_by_hand,
    "unbatch": unbatch,
    "close_batch": close_batch,
    "delete_batch": delete_batch,
    "rename_company": rename_company,
    "codebase": codebase,
}
