"""How often one person's pages may ask the vendors: batches, AutoSync and colleagues share the same limits."""

from __future__ import annotations

from flask import request
from flask_login import current_user

from app.connectors.protocols import Destination
from app.routes import security
from app.routes.web import web
from app.services.connections import connections

#: Told by the error page, and by a notice where a fragment was asked for.
TOO_OFTEN = (
    "You have asked ConnectWise and QuickBooks twenty times within a minute",
    "Wait a minute, then try again: batches that run now need the vendors’ limits too.",
)


def _who() -> str:
    return f"user:{current_user.get_id()}" if current_user.is_authenticated else request.remote_addr or ""


#: For views that ask a vendor because somebody opened a page or pressed a button.
asks_vendors = security.limiter.shared_limit(
    "20 per minute", scope="vendors", key_func=_who, error_message=TOO_OFTEN[0]
)  # fmt: skip


@asks_vendors
def ledger(book_id: int) -> Destination:
    """The company's books, which are asked about what a person wants to link. Raises ConnectionFailedError."""
    return connections.open_destination(web().database, web().connectors, book_id)
