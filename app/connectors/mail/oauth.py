"""OAuth 2.0 of mail providers without a browser: who they are, and new access tokens for a consent that was given.

Microsoft: https://learn.microsoft.com/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth
Google: https://developers.google.com/gmail/imap/xoauth2-protocol
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from app.connectors.http import Http
from app.connectors.mail.mailer import MailApp, MailGrant
from app.connectors.protocols import ConnectionFailedError

TIMEOUT = 30
#: An access token that does not say how long it lives.
LIFE = 3600


def refresh(app: MailApp, http: Http, grant: MailGrant) -> MailGrant:
    """A new access token; the refresh token stays where the provider gives no new one.

    Raises ConnectionFailedError: ``systemic`` where a person must sign in again.
    """
    form = {
        "grant_type": "refresh_token", "refresh_token": grant.refresh, "client_id": app.client_id,
        "client_secret": app.client_secret, "scope": app.scope,
    }  # fmt: skip
    answer = http.call(
        "POST",
        app.token_url,
        headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
        body=urlencode({name: value for name, value in form.items() if value}),
        read_timeout=TIMEOUT,
    )
    body = answer.json()
    found: Mapping[str, Any] = body if isinstance(body, dict) else {}
    if not answer.ok:
        raise refusal(str(found.get("error") or ""), str(found.get("error_description") or ""))
    return to_grant(found, grant.refresh)


def to_grant(token: Mapping[str, Any], before: str = "") -> MailGrant:
    """Tokens of an answer. Raises ConnectionFailedError where it holds none."""
    access, renew = str(token.get("access_token") or ""), str(token.get("refresh_token") or before)
    try:
        life = int(token.get("expires_in") or LIFE)
    except ValueError:
        life = LIFE
    if not access or not renew:
        raise ConnectionFailedError(
            "The provider gave no lasting consent (no refresh token).",
            "Sign in again; the app must be allowed to keep access (offline_access).",
            systemic=True,
            code="no_refresh_token",
        )
    return MailGrant(access, renew, dt.datetime.now(dt.UTC) + dt.timedelta(seconds=life))


def refusal(error: str, said: str = "") -> ConnectionFailedError:
    """What the provider's error word means; ``said`` is its own sentence."""
    words = said.partition("\n")[0].strip()[:200]
    if error in ("invalid_client", "unauthorized_client"):
        return ConnectionFailedError(
            f"The provider does not know this client id and secret. {words}".strip(),
            "Copy both again from the app’s registration; secrets expire.",
            systemic=True,
            code="app_keys",
        )
    if error in ("invalid_grant", "interaction_required", "access_denied"):
        return ConnectionFailedError(
            f"The provider no longer accepts the sign-in. {words}".strip(),
            "Sign in again under Settings ▸ E-mail.",
            systemic=True,
            code="sign_in_again",
        )
    return ConnectionFailedError(
        f"The provider refused the sign-in ({error or 'without a reason'}). {words}".strip(),
        "Compare redirect address, scope and permissions with the app’s registration.",
        code="sign_in_refused",
    )
