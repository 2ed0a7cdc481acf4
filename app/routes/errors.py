"""Error pages and fragments: what happened, that nothing is half done, what to do. Never a trace, never a secret."""

from __future__ import annotations

import structlog
from flask import Flask, Response, g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, SQLAlchemyError
from werkzeug.exceptions import HTTPException, TooManyRequests

from app.domain.problems import CrossfootError, NotFoundError
from app.routes import fragments, pacing, security, shell
from app.routes.guard import local_path

log = structlog.get_logger("crossfoot.web")

#: Status -> title and text.
WORDS = {
    400: ("This request can’t be read", "Nothing was changed. Go back and try again."),
    403: ("Your role does not allow this", "Nothing was changed. Ask an admin to do it, or to change your role."),
    404: ("There is no such page", "The address may be old, or what it named is gone."),
    405: ("This address can’t be opened like that", "Nothing was changed. Open the page that the form belongs to."),
    413: ("This form is too large", "Nothing was changed. Submit fewer records at once."),
    422: ("This can’t be taken", "Nothing was changed."),
    429: ("Too many tries", "Wait five minutes, then try again. Nobody can log in by guessing."),
    500: ("This page failed; your batches did not", "Workers go on without it, and nothing is sent twice. Try again."),
}
STALE = ("This page is older than your session; nothing was changed.", "Reload it, then do it again.")


def install(app: Flask) -> None:
    """One handler per family of errors."""
    app.register_error_handler(CSRFError, _stale)
    app.register_error_handler(CrossfootError, _ours)
    app.register_error_handler(HTTPException, _http)
    for unstorable in (OverflowError, DataError):
        app.register_error_handler(unstorable, _unstorable)
    app.register_error_handler(Exception, _failed)


def _stale(_error: CSRFError) -> ResponseReturnValue:
    return _say(400, *STALE)


def _ours(error: CrossfootError) -> ResponseReturnValue:
    status = 404 if isinstance(error, NotFoundError) else 422
    return _say(status, error.message, error.remedy or WORDS[422][1])


def _unstorable(_error: Exception) -> ResponseReturnValue:
    """A number or a text that no column takes: nothing of ours has such an id."""
    return _say(422, *WORDS[422])


def _http(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if status < 400:
        return Response(status=status, headers=error.get_headers())
    title, text = WORDS.get(status, WORDS[400] if status < 500 else WORDS[500])
    paced = error.description == pacing.TOO_OFTEN[0]
    response = _say(status, *(pacing.TOO_OFTEN if paced else (title, text)))
    if isinstance(error, TooManyRequests):
        response.headers["Retry-After"] = "60" if paced else "300"
    return response


def _failed(_error: Exception) -> ResponseReturnValue:
    """A bug, or the database is gone: written to the log with its trace, shown with a reference."""
    log.exception("page failed", method=request.method, path=security.logged_path(), reference=g.get("request_id"))
    return _say(500, *WORDS[500])


def _say(status: int, title: str, text: str) -> Response:
    if fragments.is_fragment():
        html = render_template("shell/_notice.html", tone="bad", title=title, text=text, reference=_reference(status))
        return fragments.answer(html, status=status, into="notices", how="innerHTML")
    html = render_template(
        "error.html",
        title=title,
        text=text,
        status=status,
        again=_again(),
        reference=_reference(status),
        layout=_layout(),
    )
    return fragments.answer(html, status=status)


def _again() -> str:
    """The page once more, or the one with the form; never one of another site."""
    if request.method == "GET":
        return local_path(request.full_path.rstrip("?"))
    came_from = request.referrer or ""
    return came_from if came_from.startswith(request.host_url) else url_for("dashboard.show")


def _reference(status: int) -> str:
    return str(g.get("request_id", "")) if status >= 500 else ""


def _layout() -> str:
    """The usual frame, or the bare one where the frame itself can't be filled."""
    try:
        return "_layout.html" if shell.around() else "_gate.html"
    except SQLAlchemyError:
        return "_gate.html"
