"""Stripe's Checkout Sessions: the form that makes one, and what its own form of one means. Pure.

https://docs.stripe.com/api/checkout/sessions/object
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from app.connectors.checkouts import NewPage, Page, PageState
from app.connectors.stripe.amounts import from_units, to_units

#: Where our name of a page stands in Stripe's metadata; its dashboard shows it.
NAME, COMPANY, INVOICE = "crossfoot", "crossfoot_company", "crossfoot_invoice"
LONGEST_ID = 255
LONGEST_WHAT = 250


def form(new: NewPage) -> str:
    """The body of a request. Raises ValueError for an amount that the currency can't hold.

    No saved customer, no currency but the invoice's, and the same text whenever it is asked again.
    """
    return urlencode(
        {
            "mode": "payment",
            "client_reference_id": new.name,
            f"metadata[{NAME}]": new.name,
            f"metadata[{COMPANY}]": new.company,
            f"metadata[{INVOICE}]": new.invoice,
            f"payment_intent_data[metadata][{NAME}]": new.name,
            "payment_intent_data[description]": new.what[:LONGEST_WHAT],
            "line_items[0][quantity]": "1",
            "line_items[0][price_data][currency]": new.currency.lower(),
            "line_items[0][price_data][unit_amount]": str(to_units(new.amount, new.currency)),
            "line_items[0][price_data][product_data][name]": new.what[:LONGEST_WHAT],
            "adaptive_pricing[enabled]": "false",
            "success_url": new.back,
            "cancel_url": new.cancel,
            "expires_at": str(int(new.expires_at.timestamp())),
        }
    )


def is_ours(session: Mapping[str, Any]) -> bool:
    """Other programs may use the account, too; theirs may be of a kind that has no amount."""
    told = session.get("metadata")
    return isinstance(told, Mapping) and bool(told.get(NAME))


def to_page(session: Mapping[str, Any]) -> Page:
    """Raises ValueError for what is no session."""
    ident, currency = str(session.get("id") or ""), str(session.get("currency") or "").upper()
    units = session.get("amount_total")
    if session.get("object") != "checkout.session" or not 0 < len(ident) <= LONGEST_ID:
        raise ValueError("it is no Checkout Session")
    if not isinstance(units, int) or isinstance(units, bool) or len(currency) != 3:
        raise ValueError("it names no amount")
    intent = session.get("payment_intent")
    paid = intent if isinstance(intent, Mapping) else {}
    metadata = session.get("metadata")
    told = metadata if isinstance(metadata, Mapping) else {}
    return Page(
        ident=ident,
        state=_state(session, paid),
        url=str(session.get("url") or ""),
        name=str(told.get(NAME) or ""),
        amount=from_units(units, currency),
        currency=currency,
        payment=str(paid.get("id") or (intent if isinstance(intent, str) else ""))[:LONGEST_ID],
        refunded=from_units(_refunded(paid), currency),
        live=session.get("livemode") is True,
        paid_at=_moment(_charge(paid)),
        made_at=_moment(session),
        company=str(told.get(COMPANY) or ""),
        invoice=str(told.get(INVOICE) or ""),
    )


def _state(session: Mapping[str, Any], intent: Mapping[str, Any]) -> PageState:
    """``complete`` and ``unpaid`` is a bank debit that is under way, until its payment has failed."""
    match session.get("status"), session.get("payment_status"):
        case "complete", "paid":
            return PageState.PAID
        case "complete", "unpaid":
            failed = intent.get("status") in ("requires_payment_method", "canceled")
            return PageState.FAILED if failed else PageState.UNDER_WAY
        case "open", _:
            return PageState.OPEN
        case "expired", _:
            return PageState.EXPIRED
        case status, payment:
            raise ValueError(f"its status is {status}, {payment}")


def _refunded(intent: Mapping[str, Any]) -> int:
    units = _charge(intent).get("amount_refunded")
    return units if isinstance(units, int) else 0


def _moment(thing: Mapping[str, Any]) -> dt.datetime | None:
    moment = thing.get("created")
    return dt.datetime.fromtimestamp(moment, dt.UTC) if isinstance(moment, int) else None


def _charge(intent: Mapping[str, Any]) -> Mapping[str, Any]:
    charge = intent.get("latest_charge")
    return charge if isinstance(charge, Mapping) else {}
