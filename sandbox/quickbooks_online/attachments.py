"""`POST /upload`: files beside documents. Answers 200 also for faults; a repeated call attaches a second file."""

from __future__ import annotations

import base64
import binascii
import json
from decimal import Decimal
from typing import Any

from werkzeug.datastructures import FileStorage

from sandbox.quickbooks_online import problems
from sandbox.quickbooks_online.company import TRANSACTIONS, Company
from sandbox.quickbooks_online.problems import Json, Refusal

LARGEST = 100 * 1024 * 1024
ENDINGS = {
    *("ai", "csv", "doc", "docx", "eps", "gif", "jpeg", "jpg", "ods", "pdf"),
    *("png", "rtf", "tif", "txt", "xls", "xlsx", "xml"),
}


def upload(company: Company, files: dict[str, FileStorage]) -> Json:
    """`{"AttachableResponse": […]}`, an Attachable or a Fault for every pair of parts."""
    numbers = sorted(name.removeprefix("file_content_") for name in files if name.startswith("file_content_"))
    if not numbers:
        raise problems.missing("file_content_01")
    answers = []
    for number in numbers:
        try:
            answers.append({"Attachable": _attached(company, files, number)})
        except Refusal as refusal:
            answers.append({"Fault": refusal.fault()})
    return {"AttachableResponse": answers}


def _attached(company: Company, files: dict[str, FileStorage], number: str) -> Json:
    content, about = _content(files[f"file_content_{number}"]), _about(files.get(f"file_metadata_{number}"))
    name = str(about.get("FileName") or files[f"file_content_{number}"].filename or "")
    if name.rpartition(".")[2].lower() not in ENDINGS:
        raise Refusal(6041, "Invalid file type", f"The file {name} has a type that can't be uploaded", "FileName")
    if not content or len(content) > LARGEST:
        raise Refusal(6030, "File size", f"{len(content)} bytes", "Content")
    with company.lock:
        for reference in about.get("AttachableRef", []):
            _target(company, reference.get("EntityRef", {}))
        now = company.now()
        stored = {
            **about,
            "FileName": name,
            "Size": Decimal(len(content)),
            "Id": company.new_id("Attachable"),
            "SyncToken": "0",
            "MetaData": {"CreateTime": now, "LastUpdatedTime": now},
        }
        company.put("Attachable", stored)
    return {**stored, "domain": "QBO", "sparse": False}


def _content(part: FileStorage) -> bytes:
    raw: bytes = part.read()
    if part.headers.get("Content-Transfer-Encoding", "").lower() != "base64":
        return raw
    try:
        return base64.b64decode(raw, validate=True)
    except binascii.Error as error:
        raise Refusal(6050, "Upload failed", "The content is not base64", "Content") from error


def _about(part: FileStorage | None) -> dict[str, Any]:
    if part is None:
        return {}
    try:
        found = json.loads(part.read())
    except ValueError as error:
        raise problems.unreadable("the metadata is not JSON") from error
    if not isinstance(found, dict):
        raise problems.unreadable("the metadata is no object")
    return found


def _target(company: Company, reference: Json) -> None:
    by_lower = {entity.lower(): entity for entity in TRANSACTIONS}
    entity = by_lower.get(str(reference.get("type", "")).lower(), "")
    if company.find(entity, reference.get("value")) is None:
        raise problems.business("The object that the file is attached to does not exist.", "EntityRef")
