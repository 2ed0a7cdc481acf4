"""Authlib's session, kept to the addresses that this installation may call.

Authlib takes ten megabytes, so nothing but the vendors' ``consent`` imports this module.
"""

from __future__ import annotations

from typing import Any

from authlib.integrations.requests_client import OAuth2Session

from app.connectors.addresses import guarded_adapter
from app.connectors.http import Http


def oauth_session(http: Http, client_id: str, client_secret: str, **options: Any) -> OAuth2Session:
    """A session to be closed by the caller; ``options`` are Authlib's. Its calls raise AddressRefusedError."""
    session = OAuth2Session(client_id, client_secret, **options)
    session.trust_env = False
    session.verify = http.rules.ca_bundle or True
    for scheme in ("https://", "http://"):
        session.mount(scheme, guarded_adapter(http.rules, 1))
    return session
