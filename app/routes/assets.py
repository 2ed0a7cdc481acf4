"""`/assets/…`: htmx, styles, fonts, icons and our own script, from the folder that set-up fills."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, g, request, send_from_directory
from flask.typing import ResponseReturnValue

from app.routes.guard import public
from app.routes.web import web

assets = Blueprint("assets", __name__)
A_YEAR = 365 * 24 * 3600


@assets.get("/assets/<path:name>")
@public
def show(name: str) -> ResponseReturnValue:
    """A file; kept for a year where the address names its version."""
    return _file(name)


def _file(name: str) -> Response:
    response = send_from_directory(web().settings.assets, name, max_age=A_YEAR if "v" in request.args else 300)
    response.cache_control.public = True
    response.cache_control.no_cache = None
    return response


@assets.get("/favicon.ico")
@public
def favicon() -> ResponseReturnValue:
    """What browsers ask for by themselves, wherever the page says its icon is."""
    return _file("favicon.svg")


def address(name: str) -> str:
    """Address of an asset, with its version, so that an update is seen at once. A page asks the disk once for each."""
    known: dict[str, str] = g.setdefault("assets", {})
    if name not in known:
        known[name] = _address(name)
    return known[name]


def _address(name: str) -> str:
    try:
        version = int((web().settings.assets / name).stat().st_mtime)
    except OSError:
        return f"/assets/{name}"
    return f"/assets/{name}?v={version:x}"


def install(app: Flask) -> None:
    """The blueprint, and ``asset(name)`` for templates."""
    app.register_blueprint(assets)
    app.jinja_env.globals["asset"] = address
