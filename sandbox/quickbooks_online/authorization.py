"""The addresses of Intuit's OAuth server: consent, token, revoke."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, redirect, request
from flask.typing import ResponseReturnValue

from sandbox.quickbooks_online import oauth
from sandbox.quickbooks_online.answers import committed_after, committed_before, to_response
from sandbox.quickbooks_online.intuit import Intuit
from sandbox.quickbooks_online.problems import Json

TOKEN_PATH = "/oauth2/v1/tokens/bearer"  # noqa: S105  # an address
REVOKE_PATH, AUTHORIZE_PATH = "/v2/oauth2/tokens/revoke", "/connect/oauth2"


def blueprint(intuit: Intuit) -> Blueprint:
    """The routes of the OAuth server."""
    routes = Blueprint("oauth", __name__)
    routes.register_error_handler(oauth.OAuthError, lambda error: to_response(error.status, error.body))

    @routes.get(AUTHORIZE_PATH)
    def authorize() -> ResponseReturnValue:
        return _authorize(intuit)

    @routes.post(TOKEN_PATH)
    def token() -> Response:
        intuit.first.count("oauth")
        _check_client()
        return _after_faults(intuit, _tokens)

    @routes.post(REVOKE_PATH)
    def revoke() -> Response:
        _check_client()
        body: Any = request.get_json(silent=True) or {}
        if not intuit.tokens.revoke(str(body.get("token", ""))):
            raise oauth.OAuthError(400, "invalid_request")
        response = to_response(200, {})
        response.set_data(b"")
        return response

    return routes


def _authorize(intuit: Intuit) -> ResponseReturnValue:
    """Consent without a page: straight back with a code for the company that the switch names."""
    args = request.args.to_dict()
    if wrong := oauth.wrong_with_request(args):
        return Response(f"<h1>Sorry, but QuickBooks didn't connect</h1><p>{wrong}</p>", 400, content_type="text/html")
    switches = intuit.first.switches
    if switches.deny_consent or args.get("deny") == "1":
        return redirect(oauth.back_to(args["redirect_uri"], error="access_denied", state=args["state"]))
    realm = args.get("realm") or switches.grant_realm or intuit.first.realm
    code = intuit.tokens.new_code(realm, args["redirect_uri"])
    return redirect(oauth.back_to(args["redirect_uri"], code=code, state=args["state"], realmId=realm))


def _check_client() -> None:
    if _client() != (oauth.CLIENT_ID, oauth.CLIENT_SECRET):
        raise oauth.OAuthError(401, "invalid_client")


def _client() -> tuple[str, str]:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return request.form.get("client_id", ""), request.form.get("client_secret", "")
    try:
        name, _, secret = base64.b64decode(given).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, secret


def _after_faults(intuit: Intuit, work: Callable[[Intuit], Json]) -> Response:
    """The token endpoint misbehaves like the API, but only for rules that name it."""
    fault = intuit.first.faults.take("POST", request.path, ["oauth"], named_only=True)
    if fault is not None and fault.kind == "slow":
        time.sleep(fault.seconds)
    elif fault is not None and not fault.comes_after:
        return committed_before(fault)
    return committed_after(fault, to_response(200, work(intuit)))


def _tokens(intuit: Intuit) -> Json:
    kind = request.form.get("grant_type")
    if kind == "authorization_code":
        return intuit.tokens.exchange(request.form.get("code", ""), request.form.get("redirect_uri", ""))
    if kind == "refresh_token":
        return intuit.tokens.refresh(request.form.get("refresh_token", ""))
    raise oauth.OAuthError(400, "unsupported_grant_type")
