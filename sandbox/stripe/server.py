"""`/v1/checkout/sessions`, the page that a customer sees, and the other side of the stand-in for tests and demos."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

from flask import Blueprint, Flask, Response, redirect, request

from sandbox.faults import WIRE_FAULT, Fault, UnknownFaultError
from sandbox.stripe.account import KEY, READING_KEY, SECRET, Account, Json, RefusedError
from sandbox.wire import Server

ROOT = "/v1/checkout/sessions"
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Pay</title>
<meta name="viewport" content="width=device-width, initial-scale=1"></head><body><main>
<h1>Stripe’s stand-in</h1><p>{what}</p><p><strong>{amount}</strong></p>
<form method="post"><button name="how" value="card">Pay by card</button>
<button name="how" value="bank">Pay by bank debit</button><button name="how" value="cancel">Cancel</button></form>
</main></body></html>"""


def create_app(account: Account) -> Flask:
    """The WSGI app of one account."""
    app = Flask(__name__, static_folder=None)
    app.register_blueprint(_api(account))
    app.register_blueprint(_page(account))
    app.register_blueprint(_control(account))
    app.register_error_handler(RefusedError, lambda refusal: (refusal.body, refusal.status))
    app.register_error_handler(UnknownFaultError, lambda error: ({"error": str(error)}, 400))
    return app


def _api(account: Account) -> Blueprint:
    routes = Blueprint("api", __name__)

    @routes.route(ROOT, methods=["GET", "POST"])
    @routes.route(f"{ROOT}/<ident>", methods=["GET"])
    @routes.route(f"{ROOT}/<ident>/<deed>", methods=["POST"])
    def call(ident: str = "", deed: str = "") -> Response:
        _authorized()
        fault = account.faults.take(request.method, request.path)
        if fault is not None and not fault.comes_after:
            return _before(fault)
        with account.lock:
            status, body = _answered(account, ident, deed)
        return _after(fault, status, body)

    return routes


def _authorized() -> None:
    key = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if key not in (KEY, READING_KEY):
        raise RefusedError(401, "invalid_request_error", f"Invalid API Key provided: {key[:8]}****")
    if key == READING_KEY and request.method == "POST":
        message = "The provided key does not have the required permissions for this endpoint."
        raise RefusedError(403, "invalid_request_error", message, "more_permissions_required_for_application")


def _answered(account: Account, ident: str, deed: str) -> tuple[int, Json]:
    """What was asked before under the same key is answered with the same; with other contents it is refused."""
    once, asked = request.headers.get("Idempotency-Key", ""), request.get_data(as_text=True)
    if request.method == "POST" and once in account.asked:
        body, status, answer = account.asked[once]
        if body != asked:
            message = "Keys for idempotent requests can only be used with the parameters they were first used with."
            raise RefusedError(400, "idempotency_error", message)
        return status, answer
    try:
        status, answer = 200, _work(account, ident, deed)
    except RefusedError as refusal:
        status, answer = refusal.status, refusal.body
    if request.method == "POST" and once:
        account.asked[once] = (asked, status, answer)
    return status, answer


def _work(account: Account, ident: str, deed: str) -> Json:
    if deed:
        if deed != "expire":
            raise RefusedError(404, "invalid_request_error", f"Unrecognized request URL (POST: {request.path}).")
        return account.shown(account.expire(ident))
    if ident:
        deep = "payment_intent.latest_charge" in request.args.getlist("expand[]")
        return account.shown(account.find(ident), deep=deep)
    if request.method == "GET":
        return _listed(account, request.args.to_dict())
    if request.mimetype != "application/x-www-form-urlencoded":
        raise RefusedError(400, "invalid_request_error", "The body is no form.")
    return account.shown(account.create(request.form.to_dict()))


def _listed(account: Account, asked: dict[str, str]) -> Json:
    """Newest first, a page of them."""
    deep = asked.get("expand[]") == "data.payment_intent.latest_charge"
    rows = [account.shown(account.find(ident), deep=deep) for ident in reversed(account.sessions)]
    idents = [row["id"] for row in rows]
    start = idents.index(asked["starting_after"]) + 1 if "starting_after" in asked else 0
    found = [
        row
        for row in rows[start:]
        if asked.get("status", row["status"]) == row["status"] and row["created"] >= int(asked.get("created[gte]", 0))
    ]
    most = int(asked.get("limit", 10))
    return {"object": "list", "url": ROOT, "has_more": len(found) > most, "data": found[:most]}


def _before(fault: Fault) -> Response:
    time.sleep(fault.seconds)
    if fault.kind == "drop_before":
        return Response("", 200, {WIRE_FAULT: fault.kind})
    status = {"429": 429, "401": 401}.get(fault.kind, 500)
    return Response(json.dumps({"error": {"type": "api_error", "message": "ordered by a test"}}), status)


def _after(fault: Fault | None, status: int, body: Json) -> Response:
    answer = Response(json.dumps(body), status, mimetype="application/json")
    if fault is not None and fault.kind in ("lose_answer", "cut_answer"):
        answer.headers[WIRE_FAULT] = fault.kind
    elif fault is not None and fault.kind == "500_after":
        answer.status_code = 500
    return answer


def _page(account: Account) -> Blueprint:
    """What the customer sees."""
    routes = Blueprint("page", __name__)

    @routes.route("/c/pay/<ident>", methods=["GET", "POST"])
    def pay(ident: str) -> Any:
        with account.lock:
            session = account.find(ident)
            if request.method == "POST" and request.form.get("how") == "cancel":
                return redirect(session["cancel_url"], 303)
            if request.method == "POST":
                account.pay(ident, request.form.get("how", "card"))
                return redirect(session["success_url"], 303)
            if session["status"] != "open":
                return "This page has ended.", 410
            amount = f"{session['currency'].upper()} {session['amount_total'] / 100:,.2f}"
            return PAGE.format(what=escape(session["_what"]), amount=amount)

    return routes


def _control(account: Account) -> Blueprint:
    routes = Blueprint("control", __name__)

    @routes.get("/_sessions")
    def sessions() -> list[Json]:
        with account.lock:
            return [account.shown(session, deep=True) for session in account.sessions.values()]

    @routes.post("/_pay")
    def pay() -> Json:
        order: Json = request.get_json()
        with account.lock:
            return account.shown(account.pay(order["id"], order.get("how", "card")))

    @routes.post("/_settle")
    def settle() -> Json:
        order: Json = request.get_json()
        with account.lock:
            return account.shown(account.settle(order["id"], well=order.get("well", True)))

    @routes.post("/_refund")
    def refund() -> Json:
        order: Json = request.get_json()
        with account.lock:
            account.refund(order["id"], order["amount"])
            return account.shown(account.find(order["id"]), deep=True)

    @routes.route("/_faults", methods=["GET", "POST", "DELETE"])
    def faults() -> list[Json]:
        if request.method == "DELETE":
            account.faults.clear()
        if request.method == "POST":
            account.faults.add_json(request.get_json())
        return account.faults.listing()

    @routes.route("/_switches", methods=["GET", "POST"])
    def switches() -> Json:
        if request.method == "POST":
            for name, value in request.get_json().items():
                setattr(account.switches, name, value)
        return asdict(account.switches)

    return routes


@dataclass(frozen=True)
class Running:
    """A served stand-in."""

    server: Server
    account: Account

    @property
    def url(self) -> str:
        return self.server.url

    def settings(self) -> Json:
        """What an app needs to reach it."""
        return {"api_url": self.url, "key": KEY, "webhook_secret": SECRET}

    def stop(self) -> None:
        self.server.stop()


def start(account: Account | None = None, port: int = 0) -> Running:
    """Serve an account on loopback; port 0 takes any free one."""
    account = account or Account()
    server = Server(create_app(account), port).start()
    account.base = server.url
    return Running(server, account)
