"""Intuit's OAuth 2.0: consent by redirect, code exchange, refresh, revoke.

Authlib does the redirect and the exchange. We refresh by ourselves, because a refresh must be stored under our lock
before its access token is used, and revoke by ourselves, because Intuit wants a JSON body.

https://developer.intuit.com/app/developer/qbo/docs/develop/authentication-and-authorization/oauth-2.0
"""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session

from app.connectors.addresses import AddressRefusedError, guarded_adapter
from app.connectors.http import Answer, Http
from app.connectors.protocols import ConnectionFailedError
from app.connectors.quickbooks_online.exact_json import dumps
from app.connectors.quickbooks_online.settings import App
from app.connectors.tokens import Tokens

SCOPE = "com.intuit.quickbooks.accounting"
#: Life of a refresh token that doesn't say how long it lives: 100 days from its last use.
REFRESH_SECONDS = 100 * 24 * 3600
TIMEOUT = 30


class KeysRefusedError(ConnectionFailedError):
    """Intuit doesn't know the app keys."""

    def __init__(self) -> None:
        super().__init__(
            "The Intuit keys are wrong: Intuit does not know this client id and secret.",
            "Copy both again from the Intuit developer portal, Keys & credentials, of the right environment.",
            systemic=True,
            code="app_keys",
        )


class GrantRefusedError(ConnectionFailedError):
    """The authorization code or refresh token is no longer valid."""

    def __init__(self) -> None:
        super().__init__(
            "Intuit no longer accepts the consent that was given.",
            "Connect the company again under Connections.",
            systemic=True,
            code="reconnect_needed",
        )


class ConsentDeniedError(ConnectionFailedError):
    """The person said no on Intuit's page."""

    def __init__(self) -> None:
        super().__init__(
            "The connection was not allowed on Intuit’s page.",
            "Connect again and choose Connect, as an administrator of the company.",
            systemic=True,
            code="consent_denied",
        )


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
        with _session(app, http, redirect_uri) as session:
            token = session.fetch_token(
                app.endpoints.token, grant_type="authorization_code", code=code, timeout=TIMEOUT
            )
    except OAuthError as error:
        raise _refusal(str(error.error)) from None
    except AddressRefusedError:
        raise
    except (requests.RequestException, ValueError):
        raise _unreachable() from None
    return _tokens(token)


def refresh(app: App, http: Http, tokens: Tokens) -> Tokens:
    """New tokens; the old refresh token may be dead from here on, so store them before anything else.

    Raises:
        GrantRefusedError: the refresh token no longer works (or another process has just used it).
        KeysRefusedError, ConnectionFailedError.
    """
    form = urlencode({"grant_type": "refresh_token", "refresh_token": tokens.refresh})
    headers = {"Content-Type": "application/x-www-form-urlencoded", **_headers(app)}
    answer = http.call("POST", app.endpoints.token, headers=headers, body=form, read_timeout=TIMEOUT)
    body = _json(answer)
    if not answer.ok:
        raise _refusal(str(body.get("error", "")), answer.status)
    return _tokens({"refresh_token": tokens.refresh, **body})


def revoke(app: App, http: Http, tokens: Tokens) -> None:
    """End the consent; both tokens die. An already dead one is fine. Raises ConnectionFailedError."""
    headers = {"Content-Type": "application/json", **_headers(app)}
    body = dumps({"token": tokens.refresh})
    answer = http.call("POST", app.endpoints.revoke, headers=headers, body=body, read_timeout=TIMEOUT)
    if answer.status == 401:
        raise KeysRefusedError
    if not answer.ok and answer.status != 400:
        raise _unreachable()


def _session(app: App, http: Http, redirect_uri: str) -> OAuth2Session:
    session = OAuth2Session(
        app.client_id,
        app.client_secret,
        token_endpoint_auth_method="client_secret_basic",  # noqa: S106 -- the name of a method
        redirect_uri=redirect_uri,
    )
    session.trust_env = False
    session.verify = http.rules.ca_bundle or True
    for scheme in ("https://", "http://"):
        session.mount(scheme, guarded_adapter(http.rules, 1))
    return session


def _headers(app: App) -> dict[str, str]:
    keys = base64.b64encode(f"{app.client_id}:{app.client_secret}".encode()).decode()
    return {"Authorization": f"Basic {keys}", "Accept": "application/json"}


def _json(answer: Answer) -> dict[str, Any]:
    body = answer.json() if answer.text.strip() else {}
    return body if isinstance(body, dict) else {}


def _refusal(error: str, status: int = 400) -> ConnectionFailedError:
    if error in ("invalid_client", "unauthorized_client") or status == 401:
        return KeysRefusedError()
    if error == "access_denied":
        return ConsentDeniedError()
    if error == "invalid_grant":
        return GrantRefusedError()
    if status >= 500:
        return _unreachable()
    return ConnectionFailedError(
        f"Intuit refused the sign-in ({error or 'without a reason'}).",
        "Check that the redirect address of this installation is registered with the Intuit app, letter for letter.",
        code="sign_in_refused",
    )


def _unreachable() -> ConnectionFailedError:
    return ConnectionFailedError(
        "Intuit’s sign-in service did not give a usable answer.", "Try again in a minute.", code="no_answer"
    )


def _tokens(token: Mapping[str, Any]) -> Tokens:
    now = dt.datetime.now(dt.UTC)
    try:
        return Tokens(
            access=str(token["access_token"]),
            refresh=str(token["refresh_token"]),
            access_until=now + dt.timedelta(seconds=int(token.get("expires_in") or 3600)),
            refresh_until=now + dt.timedelta(seconds=int(token.get("x_refresh_token_expires_in") or REFRESH_SECONDS)),
        )
    except (KeyError, ValueError):
        raise _unreachable() from None


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
        return refresh(self._app, self._http, tokens)

    def revoke(self, tokens: Tokens) -> None:
        revoke(self._app, self._http, tokens)
