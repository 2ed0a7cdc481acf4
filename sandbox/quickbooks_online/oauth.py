"""Intuit's OAuth 2.0: consent, tokens that rotate, and the trap of refreshing twice with one token.

https://developer.intuit.com/app/developer/qbo/docs/develop/authentication-and-authorization/faq
"""

from __future__ import annotations

import ipaddress
import secrets
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from sandbox.quickbooks_online.problems import Json
from sandbox.quickbooks_online.switches import Switches

CLIENT_ID = "ABsandboxHarborPointClient0001"
CLIENT_SECRET = "sandbox-secret-of-no-value"  # noqa: S105  # a stand-in has nothing to protect
SCOPE = "com.intuit.quickbooks.accounting"
CODE_SECONDS = 600


class OAuthError(Exception):
    """An answer of the token endpoint that isn't a token: status, `error` and `error_description`."""

    def __init__(self, status: int, error: str, description: str = "") -> None:
        super().__init__(f"{status} {error} {description}")
        self.status = status
        self.body: Json = {"error": error} | ({"error_description": description} if description else {})


def _invalid_grant() -> OAuthError:
    return OAuthError(400, "invalid_grant", "Incorrect or invalid refresh token")


@dataclass
class Grant:
    """One consent: one company, one live refresh token, any number of access tokens."""

    realm: str
    refresh_token: str
    refreshed_at: float
    strikes: int = 0  # uses of a superseded token
    alive: bool = True
    access_tokens: dict[str, float] = field(default_factory=dict)  # token -> until when


@dataclass
class _Code:
    realm: str
    redirect_uri: str
    until: float
    grant: Grant | None = None  # set when it was exchanged; a second exchange is held against that grant


class Tokens:
    """Every code and token that was given out. Times are monotonic seconds."""

    def __init__(self, switches: Switches) -> None:
        self.switches = switches
        self._codes: dict[str, _Code] = {}
        self._by_refresh: dict[str, Grant] = {}
        self._by_access: dict[str, Grant] = {}
        self._lock = threading.RLock()

    def new_code(self, realm: str, redirect_uri: str) -> str:
        code = "XAB" + secrets.token_urlsafe(24)
        with self._lock:
            self._codes[code] = _Code(realm, redirect_uri, time.monotonic() + CODE_SECONDS)
        return code

    def exchange(self, code: str, redirect_uri: str) -> Json:
        """Tokens for a code, once.

        Raises:
            OAuthError: invalid_grant for an unknown, old or used code, or another redirect_uri.
        """
        with self._lock:
            known = self._codes.get(code)
            if known is None or known.until < time.monotonic() or known.redirect_uri != redirect_uri:
                raise OAuthError(400, "invalid_grant", "Invalid authorization code or redirect_uri")
            if known.grant is not None:
                self._strike(known.grant)
                raise OAuthError(400, "invalid_grant", "Authorization code was used before")
            known.grant = self._new_grant(known.realm)
            return self._token_response(known.grant)

    def issue(self, realm: str) -> Json:
        """Tokens without the dance, for tests of something else."""
        with self._lock:
            return self._token_response(self._new_grant(realm))

    def refresh(self, token: str) -> Json:
        """New access token, and a new refresh token when the old value's time is over.

        Raises:
            OAuthError: invalid_grant for an unknown or dead token; a superseded one is a strike as well.
        """
        with self._lock:
            grant = self._by_refresh.get(token)
            if grant is None or not grant.alive:
                raise _invalid_grant()
            if token != grant.refresh_token:
                self._strike(grant)
                raise _invalid_grant()
            if time.monotonic() - grant.refreshed_at >= self.switches.refresh_rotation_seconds:
                self._rotate(grant)
            return self._token_response(grant)

    def realm_of(self, access_token: str) -> str | None:
        """The company that a live access token is for."""
        with self._lock:
            grant = self._by_access.get(access_token)
            live = grant is not None and grant.alive and grant.access_tokens[access_token] > time.monotonic()
            return grant.realm if grant is not None and live else None

    def revoke(self, token: str) -> bool:
        """Kill the connection that a token belongs to; False if nobody knows it."""
        with self._lock:
            grant = self._by_refresh.get(token) or self._by_access.get(token)
            if grant is not None:
                grant.alive = False
            return grant is not None

    def revoke_realm(self, realm: str) -> None:
        """As when the user disconnects the app inside QuickBooks."""
        with self._lock:
            for grant in self._by_refresh.values():
                grant.alive = grant.alive and grant.realm != realm

    def expire_access(self, realm: str) -> None:
        """Let every access token of a company run out now; refresh tokens live on."""
        with self._lock:
            for grant in self._by_access.values():
                if grant.realm == realm:
                    grant.access_tokens = dict.fromkeys(grant.access_tokens, 0.0)

    def _new_grant(self, realm: str) -> Grant:
        grant = Grant(realm, "", 0.0)
        self._rotate(grant)
        return grant

    def _rotate(self, grant: Grant) -> None:
        grant.refresh_token = "AB11" + secrets.token_urlsafe(36)
        grant.refreshed_at = time.monotonic()
        self._by_refresh[grant.refresh_token] = grant

    def _strike(self, grant: Grant) -> None:
        grant.strikes += 1
        if grant.strikes >= self.switches.superseded_kills_after:
            grant.alive = False

    def _token_response(self, grant: Grant) -> Json:
        access = "eyJhbGciOiJkaXIi." + secrets.token_urlsafe(48)
        grant.access_tokens[access] = time.monotonic() + self.switches.access_token_seconds
        self._by_access[access] = grant
        return {
            "token_type": "bearer",
            "access_token": access,
            "expires_in": self.switches.access_token_seconds,
            "refresh_token": grant.refresh_token,
            "x_refresh_token_expires_in": self.switches.refresh_token_seconds,
        }


def wrong_with_request(args: dict[str, str]) -> str:
    """What Intuit's own page would complain about before it asks for consent; empty if nothing."""
    if args.get("client_id") != CLIENT_ID:
        return "The client_id is unknown."
    if args.get("response_type") != "code":
        return "The response_type must be code."
    if SCOPE not in args.get("scope", "").split():
        return f"The scope must contain {SCOPE}."
    if not args.get("state"):
        return "The state is missing."
    return _wrong_with_redirect(args.get("redirect_uri", ""))


def _wrong_with_redirect(uri: str) -> str:
    """Registered redirect URIs have no query, no IP address, and are https everywhere but on localhost."""
    parts = urlsplit(uri)
    if not parts.hostname or parts.query or parts.fragment:
        return "The redirect_uri is invalid."
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname == "localhost"):
        return "The redirect_uri must be https."
    return "The redirect_uri must not be an IP address." if _is_address(parts.hostname) else ""


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def back_to(redirect_uri: str, **query: str) -> str:
    """The app's redirect URI with what Intuit tells it."""
    return f"{redirect_uri}?{urlencode(query)}"
