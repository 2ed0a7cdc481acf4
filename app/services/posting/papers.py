"""Which files belong beside a document in the books: of an invoice its PDF, of costs what people put beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from app.connectors.files import type_of
from app.connectors.protocols import ConnectionFailedError, Source
from app.connectors.source_abilities import GivesPdf, KeepsFiles
from app.domain.documents import SALES, DocumentKind
from app.domain.problems import Problem, Severity
from app.domain.states import RecordKind

LEFT_OUT = "receipt_left_out"
NAMES = {DocumentKind.INVOICE: "Invoice", DocumentKind.CREDIT_MEMO: "Credit memo"}
#: Kinds of documents that have files, by the kind of their batch.
KINDS: dict[str, tuple[DocumentKind, ...]] = {
    RecordKind.INVOICES: tuple(SALES),
    RecordKind.EXPENSES: (DocumentKind.BILL, DocumentKind.VENDOR_CREDIT, DocumentKind.PURCHASE),
    RecordKind.INVENTORY: (DocumentKind.BILL, DocumentKind.VENDOR_CREDIT, DocumentKind.PURCHASE_ORDER),
}
#: Characters of a file's own name that are kept.
LONGEST = 100


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file that the books should have: under this name it is sent and looked for. ``read`` asks the PSA for it."""

    name: str
    read: Callable[[], bytes]


def has_many(kind: DocumentKind) -> bool:
    """Whether a document of the kind may have several files, or none."""
    return kind not in SALES


def noun(kind: DocumentKind) -> str:
    """What the document is, in a sentence."""
    return "document" if has_many(kind) else "invoice"


def name_of(kind: DocumentKind, number: str) -> str:
    """``Invoice 10482.pdf``; of what has many files how they are called together. No path, no line break."""
    return f"Files of {_plain(number)}" if has_many(kind) else f"{NAMES[kind]} {_plain(number)}.pdf"


def wanted(
    psa: Source, kind: DocumentKind, batch: RecordKind, record: str, name: str, papers: Sequence[str]
) -> tuple[list[Wanted], list[str]]:
    """The document's files in their order, and names of those that no ledger takes. Raises ConnectionFailedError."""
    if not has_many(kind):
        if not isinstance(psa, GivesPdf):
            raise _without_files()
        return [Wanted(name, lambda: psa.pdf(batch, record))], []
    if not isinstance(psa, KeepsFiles):
        raise _without_files()
    found = [file for paper in papers for file in psa.files(paper)]
    taken = [file for file in found if type_of(file.name)]
    return (
        [Wanted(_with_id(file.name, file.ident), partial(psa.file, file.ident)) for file in taken],
        [file.name for file in found if not type_of(file.name)],
    )


def left_out(names: Sequence[str]) -> Problem:
    """Said of files that were not attached and never can be."""
    return Problem(
        LEFT_OUT,
        f"QuickBooks takes no files like {', '.join(names[:3])}: not attached.",
        "Attach it as PDF or JPG in ConnectWise, then retry; or do so in QuickBooks.",
        Severity.WARNING,
    )


def _with_id(name: str, ident: str) -> str:
    """``lunch (1001).jpg``: two files of one name are two, and one is never sent twice."""
    stem, _, end = name.rpartition(".")
    return f"{_plain(stem)[:LONGEST].strip()} ({ident}).{end.lower()}"


def _plain(text: str) -> str:
    return "".join(char if char.isprintable() and char not in '/\\:"' else "-" for char in text)


def _without_files() -> ConnectionFailedError:
    return ConnectionFailedError("The PSA gives no files.", "Attach them in QuickBooks.", code="no_files")
