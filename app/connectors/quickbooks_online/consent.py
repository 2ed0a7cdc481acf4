"""Consent at Intuit: the redirect and the exchange of its code, by Authlib.

Only who connects a company needs it, and Authlib takes ten megabytes, so nothing else imports this module.
"""

from __future__ import annotations

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session

from app.connectors.addresses import AddressRefusedError
from app.connectors.http import Http
from app.connectors.oauth_session import oauth_session
from app.connectors.protocols import ConnectionFailedError
from app.connectors.quickbooks_online import oauth
from app.connectors.quickbooks_online.settings import App
from app.connectors.tokens import Tokens

SCOPE = "com.intuit.quickbooks.accounting"


def authorize_url(app: App, redirect_uri: str, state: str) -> str:
    """Where to send the browser. ``state`` is made, bound to user and session, and checked by the caller."""
    with OAuth2Session(app.client_id, scope=SCOPE, redirect_uri=redirect_uri) as session:
        url, _ = session.create_authorization_url(app.endpoints.authorize, state=state)
    return str(url)


def exchange(app: App, http: Http, redirect_uri: str, code: str) -> Tokens:
    """Tokens for the code that the redirect brought. A code works once.

    Raises:
        KeysRefusedError, GrantRefusedError, ConnectionFailedError.
    """
    http.rules.check_url(app.endpoints.token)
    try:
        with oauth_session(http, app.client_id, app.client_secret, redirect_uri=redirect_uri) as session:
            token = session.fetch_token(
                app.endpoints.token, grant_type="authorization_code", code=code, timeout=oauth.TIMEOUT
            )
    except OAuthError as error:
        raise oauth.refusal(str(error.error)) from None
    except AddressRefusedError:
        raise
    except (requests.RequestException, ValueError):
        raise oauth.unreachable() from None
    return oauth.to_tokens(token)


class Consent:
    """The same, bound to one app's keys: what routes and the token keep-alive use."""

    def __init__(self, app: App, http: Http) -> None:
        self._app = app
        self._http = http

    def authorize_url(self, redirect_uri: str, state: str) -> str:
        return authorize_url(self._app, redirect_uri, state)

    def exchange(self, redirect_uri: str, code: str) -> Tokens:
        return exchange(self._app, self._http, redirect_uri, code)

    def refresh(self, tokens: Tokens) -> Tokens:
        return oauth.refresh(self._app, self._http, tokens)

    def revoke(self, tokens: Tokens) -> None:
        oauth.revoke(self._app, self._http, tokens)


def open_consent(*, http: Http, app: App) -> Consent:
    """OAuth with the app's keys. Raises ConnectionFailedError where there are none."""
    if not app.client_id or not app.client_secret:
        raise ConnectionFailedError(
            "There are no Intuit app keys yet.",
            "Enter them under Settings, or set CROSSFOOT_QBO_CLIENT_ID and CROSSFOOT_QBO_CLIENT_SECRET.",
            systemic=True,
            code="app_keys",
        )
    return Consent(app, http)
