"""A small OAuth 2.0 provider for tests: a sign-in page that agrees at once, PKCE, refresh tokens that work once."""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlencode

from flask import Flask, Response, jsonify, redirect, request
from werkzeug.serving import make_server

CLIENT, SECRET = "crossfoot-app", "app secret phrase"


class Provider:
    """Its memory: codes with their PKCE challenges, live refresh tokens, access tokens given."""

    def __init__(self, tokens: set[str]) -> None:
        """``tokens``: where the access tokens go that a mail server takes."""
        self.access = tokens
        self.refresh: set[str] = set()
        self.codes: dict[str, str] = {}
        self.renewals = 0
        self.life = 3600
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def form(self, **changes: str) -> dict[str, str]:
        """What an admin enters."""
        return {
            "provider": "other", "client_id": CLIENT, "client_secret": SECRET, "scope": "smtp offline",
            "authorize_url": f"{self.url}/authorize", "token_url": f"{self.url}/token", **changes,
        }  # fmt: skip

    def authorize(self) -> Response:
        asked = request.args
        code = secrets.token_hex(8)
        if asked.get("client_id") != CLIENT or asked.get("code_challenge_method") != "S256":
            return Response("who are you?", 400)
        self.codes[code] = asked["code_challenge"]
        answer = redirect(f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}")
        return Response(headers={"Location": answer.location}, status=302)

    def token(self) -> Response:
        form = request.form
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT, SECRET):
            return _no("invalid_client")
        if form.get("grant_type") == "authorization_code":
            digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
            if self.codes.pop(form.get("code", ""), None) != challenge:
                return _no("invalid_grant")
        elif form.get("refresh_token") in self.refresh:
            self.refresh.discard(form["refresh_token"])
            self.renewals += 1
        else:
            return _no("invalid_grant")
        access, renew = secrets.token_hex(16), secrets.token_hex(16)
        self.access.clear()
        self.access.add(access)
        self.refresh.add(renew)
        return jsonify(access_token=access, refresh_token=renew, expires_in=self.life, token_type="Bearer")


def _no(error: str) -> Response:
    answer: Response = jsonify(error=error, error_description="AADSTS0000: ordered by a test")
    answer.status_code = 400
    return answer


@contextmanager
def mail_provider(tokens: set[str]) -> Iterator[Provider]:
    """Served on a free port of this machine."""
    provider, app = Provider(tokens), Flask("provider")
    app.add_url_rule("/authorize", view_func=provider.authorize)
    app.add_url_rule("/token", view_func=provider.token, methods=["POST"])
    server = make_server("127.0.0.1", 0, app, threaded=True)
    provider.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield provider
    server.shutdown()
    thread.join()
