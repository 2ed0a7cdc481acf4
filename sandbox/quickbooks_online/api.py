"""`/v3/company/{realm}/…`: from an HTTP request to an answer, past gateway, throttle and faults."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import Blueprint, Request, Response, request
from werkzeug.datastructures import FileStorage

from sandbox.faults import Fault
from sandbox.quickbooks_online import attachments, batch, documents, preferences, printing, problems, query
from sandbox.quickbooks_online.answers import committed_after, committed_before, to_response, too_many, unauthorized
from sandbox.quickbooks_online.company import ENTITIES, Company
from sandbox.quickbooks_online.intuit import Intuit
from sandbox.quickbooks_online.problems import Json, Refusal
from sandbox.quickbooks_online.request_ids import LONGEST_BATCH, LONGEST_SINGLE, Answers, check

RESOURCES = {entity.lower(): entity for entity in ENTITIES}


@dataclass
class Call:
    """One request of the API, as far as it is understood."""

    company: Company
    method: str
    path: str  # below the realm
    args: dict[str, str]
    body: Any = None
    items: list[Json] = field(default_factory=list)
    files: dict[str, FileStorage] = field(default_factory=dict)
    fault: Fault | None = None

    @property
    def resource(self) -> str:
        return self.path.split("/")[0]

    @property
    def entities(self) -> list[str]:
        """What a fault rule may name."""
        if self.resource == "batch":
            return ["batch", *batch.entities_of(self.items)]
        return [RESOURCES.get(self.resource, self.resource)]

    @property
    def include(self) -> set[str]:
        return set(filter(None, self.args.get("include", "").split(",")))


def blueprint(intuit: Intuit) -> Blueprint:
    """The routes of the accounting API."""
    routes = Blueprint("api", __name__)

    @routes.route("/v3/company/<realm>/<path:path>", methods=["GET", "POST", "PUT", "DELETE", "PATCH"])
    def call(realm: str, path: str) -> Response:
        with intuit.in_flight():
            return _serve(intuit, realm, path)

    return routes


def _serve(intuit: Intuit, realm: str, path: str) -> Response:
    refused = _gateway(intuit, realm, path)
    if refused is not None:
        return refused
    company = intuit.companies[realm]
    time.sleep(company.switches.call_ms / 1000)
    call = Call(company, request.method, path, request.args.to_dict())
    try:
        _understand(call, request)
    except Refusal as refusal:
        return _fault(call, refusal)
    call.fault = company.faults.take(call.method, request.path, call.entities)
    if call.fault is not None and not call.fault.comes_after and call.fault.kind != "slow":
        return committed_before(call.fault)
    try:
        if _is_pdf(call):
            return committed_after(call.fault, _pdf(call))
        body = _work(intuit, call)
    except Refusal as refusal:
        return committed_after(call.fault, _fault(call, refusal))
    return committed_after(call.fault, to_response(200, _without_items(call, body)))


def _gateway(intuit: Intuit, realm: str, path: str) -> Response | None:
    """What never reaches the service: a bad token, another company's realm, too many calls."""
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    granted = intuit.tokens.realm_of(token)
    if granted is None:
        return unauthorized(token)
    company = intuit.companies.get(realm)
    if company is None or granted != realm:
        name = "ApplicationAuthorizationFailed"
        return to_response(403, problems.gateway_fault(403, 3100, name, "", "SERVICE"))
    windows = ("second", "minute", "batch") if path == "batch" else ("second", "minute")
    return None if company.throttle.let_through(*windows) else too_many()


def _understand(call: Call, sent: Request) -> None:
    if _is_pdf(call):
        if "application/pdf" not in sent.headers.get("Accept", ""):
            raise problems.unsupported("without the header Accept: application/pdf")
        return
    if "application/json" not in sent.headers.get("Accept", ""):
        raise problems.unsupported("without the header Accept: application/json (the default is XML, not spoken here)")
    if call.method != "POST" or call.path == "query":
        return
    if call.path == "upload":
        call.files = _parts(sent)
        return
    if (sent.mimetype or "") != "application/json":
        raise Refusal(1050, "Content type not supported", f"Content-Type {sent.mimetype!r} is not application/json")
    try:
        call.body = json.loads(sent.get_data(), parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, InvalidOperation) as error:
        raise problems.unreadable(f"the body is not JSON: {error}") from error
    if call.path == "batch":
        call.items = batch.items_of(call.body)


def _parts(sent: Request) -> dict[str, FileStorage]:
    if sent.mimetype != "multipart/form-data":
        raise Refusal(1050, "Content type not supported", f"Content-Type {sent.mimetype!r} is not multipart/form-data")
    return sent.files.to_dict()


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _work(intuit: Intuit, call: Call) -> Json:
    company = call.company
    if call.method == "POST" and call.path == "upload":
        # No documentation says that a request id is honoured here, so it isn't.
        _pause(call)
        company.count("upload")
        return {**attachments.upload(company, call.files), "time": company.response_time()}
    if call.method == "POST" and call.path != "query":
        answers = _write_once(intuit, call)
        if call.path == "batch":
            return batch.response(company, answers)
        if "Fault" in answers[0]:
            raise _Remembered(answers[0])
        return {**answers[0], "time": company.response_time()}
    _pause(call)
    return _read(call)


class _Remembered(Refusal):
    """A refusal that was given before and is given again."""

    def __init__(self, answer: Json) -> None:
        error = answer["Fault"]["Error"][0]
        super().__init__(
            int(error["code"]), error["Message"], error["Detail"], error["element"], answer["Fault"]["type"]
        )


def _write_once(intuit: Intuit, call: Call) -> Answers:
    ids = intuit.request_ids[call.company.realm]
    request_id = call.args.get("requestid", "")
    check(request_id, longest=LONGEST_BATCH if call.path == "batch" else LONGEST_SINGLE)

    def work(previous: Answers | None) -> Answers:
        _pause(call)
        if call.path == "batch":
            call.company.count("batch")
            return batch.run(call.company, call.items, previous, ids.outdated)
        return [_write(call)]

    if not request_id:
        return work(None)
    return ids.once((request_id, *(item["bId"] for item in call.items)), work)


def _pause(call: Call) -> None:
    if call.fault is not None and call.fault.kind == "slow":
        time.sleep(call.fault.seconds)


def _write(call: Call) -> Json:
    """`{"Invoice": …}` or `{"Fault": …}`; a fault is an answer that may have to be repeated."""
    entity = RESOURCES.get(call.path)
    if entity is None:
        raise _no_resource(call)
    operation = call.args.get("operation", "update" if (call.body or {}).get("Id") else "create").lower()
    if operation == "update" and "void" in call.include:
        operation = "void"
    call.company.count(f"{operation} {entity}")
    try:
        documents.misfortune(call.company, operation, entity)
        if operation == "delete":
            return {entity: documents.delete(call.company, entity, call.body)}
        if operation == "void":
            return {entity: documents.void(call.company, entity, call.body)}
        if operation not in {"create", "update"}:
            raise problems.unsupported(operation)
        return {entity: documents.save(call.company, entity, call.body, call.include)}
    except Refusal as refusal:
        call.company.count("refused")
        return {"Fault": refusal.fault()}


def _read(call: Call) -> Json:
    company, time_ = call.company, call.company.response_time()
    if call.path == "query":
        company.count("query")
        text = call.args.get("query") or request.get_data(as_text=True)
        return {"QueryResponse": query.answer(company, text), "time": time_}
    if call.method != "GET":
        raise _no_resource(call)
    if call.path == "cdc":
        company.count("cdc")
        return query.changes(company, call.args.get("entities", ""), call.args.get("changedSince", ""))
    company.count("read")
    if call.path == f"companyinfo/{company.realm}":
        return {"CompanyInfo": preferences.company_info(company), "time": time_}
    if call.path == "preferences":
        return {"Preferences": preferences.preferences(company), "time": time_}
    if call.path == "exchangerate":
        return {"ExchangeRate": preferences.exchange_rate(company, call.args), "time": time_}
    return {**_read_object(call), "time": time_}


def _read_object(call: Call) -> Json:
    resource, _, id_ = call.path.partition("/")
    entity = RESOURCES.get(resource)
    if entity is None or not id_ or "/" in id_:
        raise _no_resource(call)
    if not id_.isdigit() and entity != "TaxCode":
        raise problems.bad_id(id_)
    found = documents.read(call.company, entity, id_)
    if entity == "Invoice" and "invoiceLink" in call.include:
        found |= printing.link(call.company, found)
    return {entity: found}


def _is_pdf(call: Call) -> bool:
    return call.method == "GET" and call.path.endswith("/pdf")


def _pdf(call: Call) -> Response:
    """`GET /invoice/{id}/pdf`."""
    _pause(call)
    call.company.count("pdf")
    resource, id_ = call.path.removesuffix("/pdf").split("/", 1)
    entity = RESOURCES.get(resource)
    if entity not in ("Invoice", "CreditMemo"):
        raise _no_resource(call)
    content = printing.pdf(call.company, documents.read(call.company, entity, id_))
    return Response(content, content_type="application/pdf")


def _no_resource(call: Call) -> Refusal:
    detail = (
        f"Operation Could not find resource for relative : /{call.path} of full path: {request.path} is not supported."
    )
    return Refusal(500, "Unsupported Operation", detail)


def _fault(call: Call, refusal: Refusal) -> Response:
    return to_response(refusal.status, {"Fault": refusal.fault(), "time": call.company.response_time()})


def _without_items(call: Call, body: Json) -> Json:
    """A batch answer that lacks its last items, at least one, where that fault was ordered."""
    if call.fault is None or call.fault.kind != "missing_items" or "BatchItemResponse" not in body:
        return body
    items = body["BatchItemResponse"]
    return {**body, "BatchItemResponse": items[: len(items) * 2 // 3]}
