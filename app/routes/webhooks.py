"""What vendors call by themselves. Nobody is logged in here: a signature says who it is, and nothing is told."""

from __future__ import annotations

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue

from app.connectors.quickbooks_online import webhooks as notices
from app.jobs import doorbell
from app.routes import security
from app.routes.guard import public
from app.routes.web import reading, web, writing
from app.services import intuit_keys, payments

webhooks = Blueprint("webhooks", __name__)

#: A notice names ids only; a larger one is none.
LARGEST = 256 * 1024


@webhooks.post("/webhooks/quickbooks-online")
@security.csrf.exempt
@security.limiter.limit("120 per minute")
@public
def quickbooks_online() -> ResponseReturnValue:
    """Intuit says that something changed: a worker looks. 200 at once; there is no such address without a token."""
    verifier = intuit_keys.verifier(reading())
    if not verifier:
        abort(404)
    body = request.get_data() if (request.content_length or 0) <= LARGEST else b""
    if not body or not notices.signed(verifier, body, request.headers.get(notices.SIGNATURE, "")):
        return "", 401
    if realms := notices.companies(body):
        with writing() as session:
            rung = payments.ring(session, realms)
        for book_id in rung:
            doorbell.ring(web().settings.redis_url, "answer_payments", book_id, ttl=300)
    return "", 200
