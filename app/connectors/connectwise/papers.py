"""Files that people put beside records in ConnectWise: an expense's receipt, a vendor's invoice beside its order."""

from __future__ import annotations

from app.connectors.connectwise import values
from app.connectors.connectwise.client import Client
from app.connectors.files import LARGEST_FILE
from app.connectors.source_abilities import FileInPsa

DOCUMENTS = "/system/documents"
EXPENSE, ORDER = "Expense", "PurchaseOrder"


def paper_of(kind: str, ident: str) -> tuple[str, ...]:
    """Where the files of a record are, as ``Document.papers`` says it; nothing where the record's id is not known."""
    return (f"{kind}:{ident}",) if values.is_number(ident) else ()


def listed(client: Client, paper: str) -> list[FileInPsa]:
    """The files of one record, by their ids; links to files elsewhere are none. Raises ConnectionFailedError."""
    kind, _, ident = paper.partition(":")
    rows = client.pages(DOCUMENTS, {"recordType": kind, "recordId": str(int(ident))})
    found = [
        FileInPsa(number, values.text(row, "fileName", "title") or number)
        for row in rows
        if not row.get("linkFlag") and values.is_number(number := values.identity(row))
    ]
    return sorted(found, key=lambda file: int(file.ident))


def content(client: Client, ident: str) -> bytes:
    """One file whole. Raises ConnectionFailedError."""
    return client.read(f"{DOCUMENTS}/{int(ident)}/download", largest=LARGEST_FILE).content
