"""The other side of the stand-in, for tests and demos: `/_faults`, `/_switches`, `/_stats`, `/_documents`, `/_edit`.

Every address takes `?realm=…` where several companies are served; without it the first one is meant.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, request

from sandbox.faults import UnknownFaultError
from sandbox.quickbooks_online import bookkeeper, people
from sandbox.quickbooks_online.answers import to_response
from sandbox.quickbooks_online.company import Company, party_of
from sandbox.quickbooks_online.intuit import Intuit
from sandbox.quickbooks_online.problems import Json, Refusal
from sandbox.quickbooks_online.switches import UnknownSwitchError


def blueprint(intuit: Intuit) -> Blueprint:
    """The routes for tests and demos."""
    routes = Blueprint("control", __name__)
    routes.register_error_handler(UnknownFaultError, _wrong)
    routes.register_error_handler(UnknownSwitchError, _wrong)
    routes.register_error_handler(Refusal, lambda refusal: to_response(400, {"Fault": refusal.fault()}))

    @routes.route("/_faults", methods=["GET", "POST", "DELETE"])
    def faults() -> Response:
        return to_response(200, _faults(intuit, _company(intuit)))

    @routes.route("/_switches", methods=["GET", "POST"])
    def switches() -> Response:
        company = _company(intuit)
        if request.method == "POST":
            _switch(company, _body())
        return to_response(200, company.switches.as_json())

    @routes.get("/_stats")
    def stats() -> Response:
        return to_response(200, report(intuit, _company(intuit)))

    @routes.get("/_documents")
    def documents() -> Response:
        return to_response(200, listing(_company(intuit)))

    @routes.post("/_bookkeeper")
    def keep_books() -> Response:
        return to_response(200, bookkeeper.act(_company(intuit), _body()))

    @routes.post("/_edit")
    def edit() -> Response:
        return to_response(200, people.edit(_company(intuit), _body()))

    return routes


def report(intuit: Intuit, company: Company) -> Json:
    """What happened so far, and which limits hold."""
    with company.lock:
        documents = {entity: len(rows) for entity, rows in company.tables.items()}
        counts = dict(company.counts)
    return {
        "realm": company.realm,
        "company": company.name,
        "throttle": company.throttle.report(),
        "too_many_requests": company.throttle.refused,
        "counts": counts,
        "batch_items": counts.get("batch items", 0),
        "replays": intuit.request_ids[company.realm].replays,
        "most_at_once": intuit.most_at_once,
        "documents": documents,
        "switches": company.switches.as_json(),
        "faults": company.faults.listing(),
    }


def listing(company: Company) -> list[Json]:
    """Every transaction in short, oldest first."""
    with company.lock:
        rows = [_row(entity, document) for entity, document in company.transactions()]
    return sorted(rows, key=lambda row: int(row["Id"]))


def _row(entity: str, document: Json) -> Json:
    note = str(document.get("PrivateNote", ""))
    voided = note.startswith("Voided") and document.get("TotalAmt") == 0
    return {
        "type": entity,
        "Id": document["Id"],
        "DocNumber": document.get("DocNumber"),
        "TxnDate": document.get("TxnDate"),
        "PrivateNote": note,
        "TotalAmt": document.get("TotalAmt"),
        "Balance": document.get("Balance"),
        "CustomerRef": document.get("CustomerRef"),
        "VendorRef": document.get("VendorRef"),
        "party": party_of(document),
        "status": "Voided" if voided else "Normal",
        "SyncToken": document["SyncToken"],
        "CreateTime": document["MetaData"]["CreateTime"],
    }


def _faults(intuit: Intuit, company: Company) -> list[Json]:
    if request.method == "DELETE":
        company.faults.clear()
    if request.method == "POST":
        body = _body()
        match body.get("kind"):
            case "token_revoked":
                intuit.tokens.revoke_realm(company.realm)
            case "token_expired":
                intuit.tokens.expire_access(company.realm)
            case "consent_denied":
                company.switches.deny_consent = True
            case _:
                company.faults.add_json(body)
    return company.faults.listing()


def _switch(company: Company, body: Json) -> None:
    """Switches by name; beside them `throttle` (on or off), `throttle_scale`, and `limits` {name: {calls, seconds}}."""
    throttle = company.throttle
    if "throttle" in body:
        throttle.enabled = bool(body.pop("throttle"))
    if "throttle_scale" in body:
        throttle.scale(float(body.pop("throttle_scale")))
    for name, limit in body.pop("limits", {}).items():
        throttle.set_limit(name, int(limit["calls"]), float(limit["seconds"]))
    company.switches.update(body)


def _company(intuit: Intuit) -> Company:
    realm = request.args.get("realm", intuit.first.realm)
    return intuit.companies.get(realm, intuit.first)


def _body() -> Json:
    body: Any = json.loads(request.get_data() or b"{}", parse_float=Decimal)
    return {key: float(value) if isinstance(value, Decimal) else value for key, value in body.items()}


def _wrong(error: Exception) -> Response:
    return to_response(400, {"error": str(error)})
