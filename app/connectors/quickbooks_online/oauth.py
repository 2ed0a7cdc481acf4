"""Intuit's OAuth 2.0 without a browser: refresh, revoke, and what its answers mean.

A refresh must be stored under our lock before its access token is used, and Intuit wants a JSON body to revoke; so both
are done here and not by Authlib, which only the consent needs (see consent).

https://developer.intuit.com/app/developer/qbo/docs/develop/authentication-and-authorization/oauth-2.0
"""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from app.connectors.http import Answer, Http
from app.connectors.protocols import ConnectionFailedError
from app.connectors.quickbooks_online.exact_json import dumps
from app.connectors.quickbooks_online.settings import App
from app.connectors.tokens import Tokens

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
        raise refusal(str(body.get("error", "")), answer.status)
    return to_tokens({"refresh_token": tokens.refresh, **body})


def revoke(app: App, http: Http, tokens: Tokens) -> None:
    """End the consent; both tokens die. An already dead one is fine. Raises ConnectionFailedError."""
    headers = {"Content-Type": "application/json", **_headers(app)}
    body = dumps({"token": tokens.refresh})
    answer = http.call("POST", app.endpoints.revoke, headers=headers, body=body, read_timeout=TIMEOUT)
    if answer.status == 401:
        raise KeysRefusedError
    if not answer.ok and answer.status != 400:
        raise unreachable()


def _headers(app: App) -> dict[str, str]:
    keys = base64.b64encode(f"{app.client_id}:{app.client_secret}".encode()).decode()
    return {"Authorization": f"Basic {keys}", "Accept": "application/json"}


def _json(answer: Answer) -> dict[str, Any]:
    body = answer.json() if answer.text.strip() else {}
    return body if isinstance(body, dict) else {}


def refusal(error: str, status: int = 400) -> ConnectionFailedError:
    """What Intuit's error word means."""
    if error in ("invalid_client", "unauthorized_client") or status == 401:
        return KeysRefusedError()
    if error == "access_denied":
        return ConsentDeniedError()
    if error == "invalid_grant":
        return GrantRefusedError()
    if status >= 500:
        return unreachable()
    return ConnectionFailedError(
        f"Intuit refused the sign-in ({error or 'without a reason'}).",
        "Check that the redirect address of this installation is registered with the Intuit app, letter for letter.",
        code="sign_in_refused",
    )


def unreachable() -> ConnectionFailedError:
    """Nothing usable came back."""
    return ConnectionFailedError(
        "Intuit’s sign-in service did not give a usable answer.", "Try again in a minute.", code="no_answer"
    )


def to_tokens(token: Mapping[str, Any]) -> Tokens:
    """The tokens of an answer, with the moments until which they live. Raises ConnectionFailedError."""
    now = dt.datetime.now(dt.UTC)
    try:
        return Tokens(
            access=str(token["access_token"]),
            refresh=str(token["refresh_token"]),
            access_until=now + dt.timedelta(seconds=int(token.get("expires_in") or 3600)),
            refresh_until=now + dt.timedelta(seconds=int(token.get("x_refresh_token_expires_in") or REFRESH_SECONDS)),
        )
    except (KeyError, ValueError):
        raise unreachable() from None
