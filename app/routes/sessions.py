"""Sessions: where one is logged in, and for admins where everybody is; each can be ended from here."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.models.people import User
from app.routes.guard import me, me_in, requires
from app.routes.web import reading, writing
from app.services.people import sessions as service

sessions = Blueprint("sessions", __name__)


@sessions.post("/me/sessions/<int:session_id>/end")
@requires("viewer")
def end_mine(session_id: int) -> ResponseReturnValue:
    """One of one's own sessions."""
    with writing() as session:
        service.end(session, session_id, me().email, of=me().id)
    flash("That browser is logged out.")
    return redirect(url_for("login.me"), 303)


@sessions.post("/me/sessions/end-others")
@requires("viewer")
def end_my_others() -> ResponseReturnValue:
    """All of one's own sessions but this one."""
    with writing() as session:
        count = service.end_others(session, me_in(session), me().session_id, me().email)
    flash(f"Logged out of {count} other browser{'' if count == 1 else 's'}.")
    return redirect(url_for("login.me"), 303)


@sessions.get("/settings/sessions")
@requires("admin")
def show() -> ResponseReturnValue:
    """Everybody's."""
    return render_template("settings/sessions.html", sessions=service.live(reading()))


@sessions.post("/settings/sessions/<int:session_id>/end")
@requires("admin")
def end(session_id: int) -> ResponseReturnValue:
    """Anybody's."""
    with writing() as session:
        service.end(session, session_id, me().email)
    flash("That browser is logged out.")
    return redirect(_back(), 303)


@sessions.post("/settings/users/<int:user_id>/end-sessions")
@requires("admin")
def end_all(user_id: int) -> ResponseReturnValue:
    """All of one user."""
    with writing() as session:
        user = session.get(User, user_id) or abort(404)
        keep = me().session_id if user_id == me().id else None
        count = service.end_others(session, user, keep, me().email)
    flash(f"{user.email} is logged out of {count} browser{'' if count == 1 else 's'}.")
    return redirect(url_for("users.one", user_id=user_id), 303)


def _back() -> str:
    user_id = request.form.get("user_id", type=int)
    return url_for("users.one", user_id=user_id) if user_id else url_for("sessions.show")
