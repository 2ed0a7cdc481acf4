"""Files beside documents: composed as multipart, found again by document and name.

https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/attachable
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from app.connectors.files import TYPES, type_of
from app.connectors.http import Answer, UnreadableAnswerError
from app.connectors.ledger_changes import Attached, AttachOutcome
from app.connectors.quickbooks_online import faults, queries, text
from app.connectors.quickbooks_online.exact_json import dumps
from app.connectors.quickbooks_online.members import rows
from app.connectors.quickbooks_online.members import text as text_of
from app.domain.outcomes import InDoubt

#: No base64 and no JSON of ours has it.
BOUNDARY = "=_crossfoot_part_="
CONTENT_TYPE = f'multipart/form-data; boundary="{BOUNDARY}"'


def file_name(name: str) -> str:
    """The name as it is sent and looked for: one line, without quotes and paths."""
    return text.fits(text.name(name.replace('"', "'").replace("/", "-").replace("\\", "-"), 200), 200) or "file"


def statement(entity: str, ledger_id: str) -> str:
    """All files of one document."""
    kind, ident = queries.quoted(entity), queries.quoted(ledger_id)
    return queries.select(
        "Attachable", f"AttachableRef.EntityRef.Type = {kind}", f"AttachableRef.EntityRef.value = {ident}"
    )


def found(query: Callable[[str], list[dict[str, Any]]], entity: str, ledger_id: str, name: str) -> str | None:
    """Id of the file of this name. Raises ConnectionFailedError."""
    wanted = file_name(name).casefold()
    files = query(statement(entity, ledger_id))
    return next((text_of(one, "Id") for one in files if text_of(one, "FileName").casefold() == wanted), None)


def upload(entity: str, ledger_id: str, name: str, content: bytes) -> str:
    """The body of an upload. Raises ValueError for a type of file that we don't send."""
    name = file_name(name)
    kind = type_of(name)
    if not kind:
        raise ValueError(f"“{name}” is no file that can be attached; these can: {', '.join(TYPES)}.")
    about = {
        "AttachableRef": [{"EntityRef": {"type": entity, "value": ledger_id}, "IncludeOnSend": False}],
        "FileName": name,
        "ContentType": kind,
    }
    ascii_name = name.encode("ascii", "replace").decode()
    return (
        f"--{BOUNDARY}\r\n"
        'Content-Disposition: form-data; name="file_metadata_01"; filename="attachment.json"\r\n'
        f"Content-Type: application/json; charset=UTF-8\r\n\r\n{dumps(about)}\r\n"
        f"--{BOUNDARY}\r\n"
        f'Content-Disposition: form-data; name="file_content_01"; filename="{ascii_name}"\r\n'
        f"Content-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        f"{base64.b64encode(content).decode()}\r\n--{BOUNDARY}--\r\n"
    )


def outcome(answer: Answer) -> AttachOutcome:
    """What became of an upload; a fault comes inside an answer of 200."""
    try:
        body = answer.json() if answer.ok else None
    except UnreadableAnswerError:
        return _unclear(answer)
    if not isinstance(body, dict) or faults.faults_in(body):
        return faults.outcome_of_answer(answer)
    first: Mapping[str, Any] = next(iter(rows(body, "AttachableResponse")), {})
    if found_faults := faults.faults_in(dict(first)):
        return faults.outcome_of(found_faults, faults.tid_of(answer))
    attachable = first.get("Attachable")
    ident = text_of(attachable, "Id") if isinstance(attachable, Mapping) else ""
    return Attached(ident) if ident else _unclear(answer)


def _unclear(answer: Answer) -> InDoubt:
    technical = {"status": answer.status, "intuit_tid": faults.tid_of(answer)}
    return InDoubt("QuickBooks’ answer to an upload can’t be read.", ended=True, technical=technical)
