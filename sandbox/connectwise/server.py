"""The ConnectWise PSA stand-in as a server: `start(site)` serves it on the loopback interface until it is stopped."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask import Flask, Response, current_app, jsonify
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import BadRequest, MethodNotAllowed, NotFound, UnsupportedMediaType

from sandbox import wire
from sandbox.connectwise import guards
from sandbox.connectwise.accounting import accounting
from sandbox.connectwise.batches import batches
from sandbox.connectwise.control import control
from sandbox.connectwise.errors import ApiError, CannotRouteError, no_endpoint
from sandbox.connectwise.invoice_payments import invoice_payments
from sandbox.connectwise.invoices import invoices
from sandbox.connectwise.papers import papers
from sandbox.connectwise.site import Site
from sandbox.connectwise.tables import tables


@dataclass(frozen=True)
class Running:
    """A server that is up; `url` is the site's address, without codebase."""

    url: str
    site: Site
    gate: guards.Gate
    server: wire.Server

    def stop(self) -> None:
        """Hang up on everybody and free the port."""
        self.server.stop()


class DoubleProvider(DefaultJSONProvider):
    """Money goes out as a JSON double, as the vendor sends it."""

    sort_keys = False
    ensure_ascii = False

    @staticmethod
    def default(value: Any) -> Any:
        """Decimals as doubles; anything else as Flask does."""
        return float(value) if isinstance(value, Decimal) else DefaultJSONProvider.default(value)


class SandboxFlask(Flask):
    """Flask with the vendor's way of writing numbers."""

    json_provider_class = DoubleProvider


def create_app(site: Site) -> Flask:
    """The WSGI app of one site."""
    app = SandboxFlask(__name__, static_folder=None)
    app.config.update(SITE=site, GATE=guards.Gate(site))
    guards.install(app)
    app.register_blueprint(control)
    root = "/<codebase>/apis/3.0"
    app.register_blueprint(accounting, url_prefix=f"{root}/finance/accounting")
    app.register_blueprint(batches, url_prefix=f"{root}/finance/accounting/batches")
    app.register_blueprint(invoices, url_prefix=f"{root}/finance/invoices")
    app.register_blueprint(invoice_payments, url_prefix=f"{root}/finance/invoices")
    app.register_blueprint(papers, url_prefix=f"{root}/system/documents")
    app.register_blueprint(tables, url_prefix=root)
    app.url_value_preprocessor(_forget_codebase)
    app.add_url_rule("/login/companyinfo/<company_id>", view_func=company_info)
    _register_errors(app)
    return app


def start(site: Site, port: int = 0) -> Running:
    """Serve the site; port 0 takes any that is free."""
    app = create_app(site)
    server = wire.Server(app, port).start()
    return Running(server.url, site, app.config["GATE"], server)


def _forget_codebase(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    """The guards have checked it; no view needs it."""
    if values is not None:
        values.pop("codebase", None)


def company_info(company_id: str) -> Response:
    """Where the site's API lives. An unknown company is answered with null."""
    site: Site = current_app.config["SITE"]
    if company_id.casefold() != site.credentials.company_id.casefold():
        return jsonify(None)
    version = site.codebase.rstrip("/").replace("_", ".")
    info = {
        "CompanyName": site.name,
        "Codebase": site.codebase,
        "VersionCode": version,
        "VersionNumber": "v4.6.73412",
        "CompanyID": site.credentials.company_id,
        "IsCloud": False,
    }
    return jsonify(info)


def _register_errors(app: Flask) -> None:
    app.register_error_handler(ApiError, lambda error: (jsonify(error.body), error.status))
    app.register_error_handler(CannotRouteError, lambda _: Response(CannotRouteError.TEXT, 400, mimetype="text/plain"))
    app.register_error_handler(NotFound, lambda _: (jsonify(no_endpoint().body), 404))
    app.register_error_handler(MethodNotAllowed, lambda _: _plain_error(405, "The method is not allowed."))
    app.register_error_handler(BadRequest, lambda _: _plain_error(400, "The body is no JSON."))
    app.register_error_handler(UnsupportedMediaType, lambda _: _plain_error(415, "The content type is not supported."))


def _plain_error(status: int, message: str) -> tuple[Response, int]:
    return jsonify({"code": "ConnectWiseApi", "message": message, "errors": None}), status
