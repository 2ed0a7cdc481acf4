"""Consent at a mail provider: the redirect, with PKCE, and the exchange of its code, by Authlib.

Only who signs in needs it, and Authlib takes ten megabytes, so nothing else imports this module.
"""

from __future__ import annotations

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session

from app.connectors.addresses import AddressRefusedError
from app.connectors.http import Http
from app.connectors.mail import oauth
from app.connectors.mail.mailer import MailApp, MailGrant
from app.connectors.oauth_session import oauth_session
from app.connectors.protocols import ConnectionFailedError


def authorize_url(app: MailApp, http: Http, redirect_uri: str, state: str, verifier: str) -> str:
    """Where to send the browser. Raises AddressRefusedError."""
    http.rules.check_url(app.authorize_url)
    with _session(app, http, redirect_uri) as session:
        url, _ = session.create_authorization_url(
            app.authorize_url, state=state, code_verifier=verifier, **dict(app.extra)
        )
    return str(url)


def exchange(app: MailApp, http: Http, redirect_uri: str, code: str, verifier: str) -> MailGrant:
    """Tokens for the code that the redirect brought. Raises ConnectionFailedError."""
    http.rules.check_url(app.token_url)
    try:
        with _session(app, http, redirect_uri) as session:
            token = session.fetch_token(
                app.token_url, grant_type="authorization_code", code=code, code_verifier=verifier,
                timeout=oauth.TIMEOUT,
            )  # fmt: skip
    except OAuthError as error:
        raise oauth.refusal(str(error.error), str(error.description or "")) from None
    except AddressRefusedError:
        raise
    except (requests.RequestException, ValueError):
        raise ConnectionFailedError(
            "The provider’s sign-in service did not give a usable answer.", "Try again in a minute.", code="no_answer"
        ) from None
    return oauth.to_grant(token)


def _session(app: MailApp, http: Http, redirect_uri: str) -> OAuth2Session:
    return oauth_session(
        http,
        app.client_id,
        app.client_secret,
        token_endpoint_auth_method="client_secret_post",  # noqa: S106 -- the name of a method
        scope=app.scope,
        redirect_uri=redirect_uri,
        code_challenge_method="S256",
    )
