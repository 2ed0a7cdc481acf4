"""What people do in ConnectWise's own pages while an accounting package is at work.

`POST /_edit` takes `{"action": …}` with what the action needs; invoices are named by `invoice` (id) or `number`.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sandbox.connectwise import buyers, payments
from sandbox.connectwise.ledger import KINDS
from sandbox.connectwise.model import cents

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.connectwise.ledger import Posting
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


def _posting(site: Site, wanted: Row) -> tuple[Posting, str]:
    """An invoice, expense or purchase by the names that the actions give them, with its number."""
    if "expense" in wanted:
        return buyers.expense_named(site, wanted), str(wanted["expense"])
    if "product" in wanted or "packing_slip" in wanted:
        goods = buyers.goods_named(site, wanted)
        return goods, goods.product_id
    invoice = _invoice(site, wanted)
    return invoice, invoice.number


def batch_by_hand(site: Site, wanted: Row) -> None:
    """Batch one document without exporting it; `identifier` defaults to M-number."""
    posting, number = _posting(site, wanted)
    flags = {kind: kind == posting.kind for kind in KINDS}
    site.add_batch(str(wanted.get("identifier") or f"M-{number}"), posting.record_ids, by_hand=True, **flags)


def unbatch(site: Site, wanted: Row) -> None:
    """Take one document out of its batch."""
    site.unbatch(_posting(site, wanted)[0])


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


def change_company(site: Site, wanted: Row) -> None:
    """Change what a company's page says: `street`, `city`, `state`, `zip`, `email`, `term_id`, `active`, `status`."""
    company = site.companies[int(wanted["company"])]
    for name in ("street", "city", "state", "zip", "email", "status"):
        setattr(company, name, str(wanted.get(name, getattr(company, name))))
    company.term_id = int(wanted.get("term_id", company.term_id))
    company.active = bool(wanted.get("active", company.active))


def codebase(site: Site, wanted: Row) -> None:
    """Upgrade the site to another `codebase`, such as "v2025_2/"; every old address is gone at once."""
    site.codebase = str(wanted["codebase"]).strip("/") + "/"


def map_account(site: Site, wanted: Row) -> None:
    """Map whatever went to `account` to another (`to`), or to none; it holds for what is closed from now on."""
    site.mapping[str(wanted["account"])] = str(wanted.get("to") or "")


def complete_mapping(site: Site, _: Row) -> None:
    """Fill every gap of the GL mapping; invoices get their accounts when they are closed again."""
    site.mapping = {account: to for account, to in site.mapping.items() if to}
    site.mapping_complete = True


ACTIONS: dict[str, Callable[[Site, Row], None]] = {
    "change": change,
    "reopen": reopen,
    "close": close,
    "batch_by_hand": batch_by_hand,
    "unbatch": unbatch,
    "close_batch": close_batch,
    "delete_batch": delete_batch,
    "rename_company": rename_company,
    "change_company": change_company,
    "codebase": codebase,
    "map_account": map_account,
    "complete_mapping": complete_mapping,
    **buyers.ACTIONS,
    **payments.ACTIONS,
}
