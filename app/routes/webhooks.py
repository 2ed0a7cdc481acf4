"""What vendors call by themselves. Nobody is logged in here: a signature says who it is, and nothing is told."""

from __future__ import annotations

import logging

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue

from app.connectors.checkouts import BadEventError
from app.connectors.ledger_events import BadNoticeError
from app.connectors.quickbooks_online.webhooks import SIGNATURE, events
from app.connectors.stripe import webhooks as stripe_webhooks
from app.jobs import doorbell
from app.routes import security
from app.routes.guard import public
from app.routes.web import reading, web, writing
from app.services.connections import intuit_keys
from app.services.paying import pay_links, stripe_keys
from app.services.payments import payments

webhooks = Blueprint("webhooks", __name__)

log = logging.getLogger(__name__)

#: A notice names ids only; a larger one is none.
LARGEST = 256 * 1024
#: What may move a payment.
MONEY = {"Payment", "Invoice", "CreditMemo"}


@webhooks.post("/webhooks/quickbooks-online")
@security.csrf.exempt  # type: ignore[untyped-decorator]  # flask-wtf ships no types
@security.limiter.limit("120 per minute")
@public
def quickbooks_online() -> ResponseReturnValue:
    """Intuit says that something changed: a worker looks. 200 at once; there is no such address without a token.

    What is signed but not understood is taken too: sent again, it would be understood no better.
    """
    verifier = intuit_keys.verifier(reading())
    if not verifier:
        abort(404)
    body = request.get_data() if (request.content_length or 0) <= LARGEST else b""
    try:
        told = events(body, request.headers.get(SIGNATURE, ""), verifier)
    except BadNoticeError as error:
        log.warning("%s %s", error.message, error.remedy)
        return "", 200 if error.code == "bad_body" else 401
    if realms := {event.realm for event in told if event.entity in MONEY}:
        with writing() as session:
            rung = payments.ring(session, realms)
        for book_id in rung:
            doorbell.ring(web().settings.redis_url, "answer_payments", book_id, ttl=300)
    return "", 200


@webhooks.post("/webhooks/stripe/<int:book_id>")
@security.csrf.exempt  # type: ignore[untyped-decorator]  # flask-wtf ships no types
@security.limiter.limit("120 per minute")
@public
def stripe(book_id: int) -> ResponseReturnValue:
    """Stripe says that something happened at a page: a worker looks. There is no such address without a secret."""
    keys = stripe_keys.keys(reading(), book_id)
    if keys is None or not keys.webhook:
        abort(404)
    body = request.get_data() if (request.content_length or 0) <= LARGEST else b""
    try:
        ident = stripe_webhooks.session_of(body, request.headers.get(stripe_webhooks.SIGNATURE, ""), keys.webhook)
    except BadEventError as error:
        log.warning("%s %s", error.message, error.remedy)
        return "", 200 if error.code == "bad_body" else 401
    if pay_links.look_now(web().database, ident) == book_id:
        doorbell.ring(web().settings.redis_url, "record_payments", book_id, ttl=300)
    return "", 200
