"""Files that vendors give us: how large they may be, and whether they are what they say."""

from __future__ import annotations

from app.connectors.http import Answer, UnreadableAnswerError

#: What mail servers take with room to spare, and far more than an invoice needs.
LARGEST_PDF = 10 * 1024 * 1024
#: What ledgers take beside a document.
LARGEST_FILE = 20 * 1024 * 1024
#: Content types of the files that are passed on, by the end of a file's name.
TYPES = {
    "pdf": "application/pdf", "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif",
    "tif": "image/tiff", "csv": "text/csv", "txt": "text/plain", "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}  # fmt: skip
#: A PDF may have some bytes before its head (ISO 32000-1, annex H.3.4.1), and ends with a mark near its end.
HEAD, TAIL = 1024, 2048


def type_of(name: str) -> str:
    """The content type by the end of the name; empty for what is not passed on."""
    return TYPES.get(name.rpartition(".")[2].casefold(), "")


def pdf_of(answer: Answer, vendor: str) -> bytes:
    """The PDF that a successful answer is. Raises UnreadableAnswerError for anything else, or half of one."""
    content = answer.content
    if b"%PDF-" in content[:HEAD] and b"%%EOF" in content[-TAIL:]:
        return content
    what = "half of a PDF" if b"%PDF-" in content[:HEAD] else "something that is no PDF"
    raise UnreadableAnswerError(
        f"{vendor} answered the question for a PDF with {what} ({len(content):,} bytes).",
        f"Open the invoice’s PDF in {vendor}: if it can’t be made there either, its template is the cause.",
        code="not_a_pdf",
    )
