"""The states of postings, sections and batches (design: "Words"). The values are those of the JSON contract."""

from __future__ import annotations

from enum import StrEnum


class PostingState(StrEnum):
    """Where one document on its way into one Book stands."""

    HELD = "held"
    READY = "ready"
    SENDING = "sending"
    IN_DOUBT = "in_doubt"
    REFUSED = "refused"
    POSTED = "posted"
    CLOSED = "closed"
    UNDOING = "undoing"
    UNDONE = "undone"
    CLEARED = "cleared"
    SKIPPED = "skipped"


class Role(StrEnum):
    """What a posting is of its records: their document; or beside it its cost's entry, or its order's bill."""

    MAIN = "main"
    COGS = "cogs"
    BILL = "bill"


#: The document is in the books, as far as we know.
IN_BOOKS = (PostingState.POSTED, PostingState.CLOSED, PostingState.UNDOING)
#: It is there, and nobody is taking it out.
STANDING = (PostingState.POSTED, PostingState.CLOSED)
#: A problem stops these: no batch works on them before a retry, even while it goes on with others.
STOPPED = (PostingState.HELD, PostingState.REFUSED)


class Status(StrEnum):
    """Status of a batch or of one of its sections; each uses its part of the words."""

    NOT_STARTED = "not_started"
    DRAFT = "draft"
    AWAITING_APPROVAL = "awaiting_approval"
    QUEUED = "queued"
    RUNNING = "running"
    STOPPED = "stopped"
    COMPLETED = "completed"
    COMPLETED_WITH_WARNINGS = "completed_with_warnings"
    COMPLETED_WITH_ERRORS = "completed_with_errors"
    FAILED = "failed"
    SKIPPED = "skipped"


ENDED = (Status.COMPLETED, Status.COMPLETED_WITH_WARNINGS, Status.COMPLETED_WITH_ERRORS, Status.FAILED)


class RecordKind(StrEnum):
    """What a PSA lists as unposted; also the kind of a batch."""

    INVOICES = "invoices"
    EXPENSES = "expenses"
    INVENTORY = "inventory"


class SectionKey(StrEnum):
    """The stages of a batch in their order."""

    READ = "read"
    CHECK = "check"
    PARTIES = "parties"
    ITEMS = "items"
    DOCUMENTS = "documents"
    CLOSE = "close"
    ATTACHMENTS = "attachments"
    EMAIL = "email"
    PROVE = "prove"
