"""The audit log: who did what, when, to which thing."""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from app.routes import fragments
from app.routes.guard import requires
from app.routes.web import reading
from app.services import audit_log

audit = Blueprint("audit", __name__)


@audit.get("/settings/audit")
@requires("admin")
def show() -> ResponseReturnValue:
    """A page of it, filtered."""
    words, before = request.args.get("q", ""), request.args.get("before", type=int)
    rows, following = audit_log.page(reading(), before=before, words=words)
    return fragments.page_or_fragment(
        "settings/audit.html", "settings/_audit.html", rows=rows, words=words, before=before, following=following
    )
