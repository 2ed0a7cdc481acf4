"""`/system/documents`: files that people put beside records, such as the receipt of an expense."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, request

from sandbox.connectwise.accounting import the_site
from sandbox.connectwise.errors import bad_query, no_permission, not_found
from sandbox.connectwise.listing import count_of, page_of

Row = dict[str, Any]

papers = Blueprint("papers", __name__)
FIELDS = frozenset(
    {"id", "title", "fileName", "serverFileName", "owner", "linkFlag", "imageFlag", "publicFlag", "size"}
)
#: Whose files the API member sees only with rights there.
AREAS = {"Expense": "expenses", "PurchaseOrder": "procurement", "Company": "company"}


@dataclass(frozen=True)
class Paper:
    """A file beside one record; a `link` has no content of its own."""

    id: int
    record_type: str
    record_id: int
    file_name: str
    content: bytes
    link: bool = False


@papers.get("")
def listing() -> Response:
    """Those of one record; the API lists none without `recordType`."""
    return page_of(_rows(), FIELDS)


@papers.get("/count")
def count() -> Response:
    """How many one record has."""
    return count_of(_rows(), FIELDS)


@papers.get("/<int:paper_id>/download")
def download(paper_id: int) -> Response:
    """The file itself."""
    site = the_site()
    with site.lock:
        paper = site.papers.get(paper_id)
    if paper is None or paper.link:
        raise not_found("Document", paper_id)
    _check(paper.record_type)
    kind = mimetypes.guess_type(paper.file_name)[0] or "application/octet-stream"
    answer = Response(paper.content, mimetype=kind)
    answer.headers.set("Content-Disposition", "attachment", filename=paper.file_name)
    return answer


def _rows() -> list[Row]:
    kind, record = request.args.get("recordType", ""), request.args.get("recordId", "")
    if kind not in AREAS:
        raise bad_query("recordType is required")
    _check(kind)
    site = the_site()
    with site.lock:
        return [_row(one) for one in site.papers.values() if (one.record_type, str(one.record_id)) == (kind, record)]


def _check(record_type: str) -> None:
    if not the_site().switches.allows(AREAS[record_type], "inquire"):
        raise no_permission()


def _row(paper: Paper) -> Row:
    image = paper.file_name.lower().endswith((".png", ".jpg", ".heic"))
    return {
        "id": paper.id,
        "title": paper.file_name.rpartition(".")[0],
        "fileName": paper.file_name,
        "serverFileName": f"{paper.id:08x}.dat",
        "owner": "mortiz",
        "linkFlag": paper.link,
        "imageFlag": image,
        "publicFlag": False,
        "size": len(paper.content),
    }
