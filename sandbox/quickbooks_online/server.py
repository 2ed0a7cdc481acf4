"""Start and stop the stand-in: `start(demo_company())` gives its address, its companies and a way to stop it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask

from sandbox.quickbooks_online import api, authorization, control, oauth
from sandbox.quickbooks_online.company import Company
from sandbox.quickbooks_online.intuit import Intuit
from sandbox.wire import Server


def create_app(*companies: Company, intuit: Intuit | None = None) -> Flask:
    """The WSGI app over these companies (or over an `Intuit` that holds them)."""
    vendor = intuit or Intuit(*companies)
    app = Flask(__name__)
    for module in (api, authorization, control):
        app.register_blueprint(module.blueprint(vendor))
    return app


@dataclass(frozen=True)
class Running:
    """A served stand-in. `company` is the first one, the one that a consent is for by default."""

    server: Server
    intuit: Intuit

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def company(self) -> Company:
        return self.intuit.first

    def settings(self) -> dict[str, str]:
        """What an app needs to reach this server, as `crossfoot sandbox --json` prints it."""
        return {
            "api_url": self.url,
            "authorize_url": self.url + authorization.AUTHORIZE_PATH,
            "token_url": self.url + authorization.TOKEN_PATH,
            "revoke_url": self.url + authorization.REVOKE_PATH,
            "client_id": oauth.CLIENT_ID,
            "client_secret": oauth.CLIENT_SECRET,
        }

    def access_token(self, realm: str = "") -> str:
        """A token without the consent dance."""
        return str(self.intuit.tokens.issue(realm or self.company.realm)["access_token"])

    def stop(self) -> None:
        self.server.stop()


def start(company: Company, *others: Company, port: int = 0) -> Running:
    """Serve one or several companies on loopback; port 0 takes any free one."""
    intuit = Intuit(company, *others)
    server = Server(create_app(intuit=intuit), port)
    server.start()
    return Running(server, intuit)
