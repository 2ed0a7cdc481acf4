"""Settings of the whole installation."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.domain.book_settings import INSTALLATION
from app.domain.problems import ValidationError
from app.routes.guard import me, requires
from app.routes.web import reading, writing
from app.services.connections import installation as service

installation = Blueprint("installation", __name__)


@installation.get("/settings/installation")
@requires("viewer")
def show() -> ResponseReturnValue:
    """What holds for every company."""
    return _page()


@installation.post("/settings/installation")
@requires("admin")
def change() -> ResponseReturnValue:
    """Take one or all; what is not taken stays as it was."""
    try:
        with writing() as session:
            for key in INSTALLATION.keys() & request.form.keys():
                service.set_value(session, key, request.form[key], me().email)
    except ValidationError as error:
        return _page(422, error=error)
    flash("Saved.")
    return redirect(url_for("installation.show"), 303)


def _page(status: int = 200, **context: object) -> ResponseReturnValue:
    values = {key: request.form.get(key, service.value(reading(), key)) for key in INSTALLATION}
    return render_template(
        "settings/installation.html", settings=INSTALLATION.values(), values=values, **context
    ), status
