"""Needs Attention: what waits for a person, over all batches and companies."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from app.routes.guard import requires
from app.routes.web import reading
from app.services.batches import attention as service

attention = Blueprint("attention", __name__)


@attention.get("/attention")
@requires("viewer")
def show() -> ResponseReturnValue:
    """The page; with ``after`` the following one."""
    after = request.args.get("after", 0, type=int)
    return render_template(
        "attention/show.html", here=service.page(reading(), after), kinds=service.Kind, paged=bool(after)
    )
