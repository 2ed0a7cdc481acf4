"""A Problem: what stops or warns about a posting, said so that a person can act on it."""

from __future__ import annotations

import dataclasses
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """ERROR holds a posting; DOUBT waits for a person's decision; WARNING and INFO stand beside it."""

    ERROR = "error"
    DOUBT = "doubt"
    WARNING = "warning"
    INFO = "info"


WORST_FIRST = tuple(Severity)
#: What keeps a document from being posted, or asks a person.
STOPS = (Severity.ERROR, Severity.DOUBT)


@dataclass(frozen=True, slots=True)
class Problem:
    """Plain cause and remedy.

    Attributes:
        code: stable name of the cause, e.g. ``customer_not_linked``.
        message: what happened, one sentence.
        remedy: what to do, one sentence.
        field: the document's field, e.g. ``party``, ``line 3``.
        subject: what a fix applies to, e.g. ``accounts:4600``; postings with equal code and subject are one group.
        technical: vendor code, field, request id: folded away on the page, never secrets.
    """

    code: str
    message: str
    remedy: str
    severity: Severity = Severity.ERROR
    field: str = ""
    subject: str = ""
    technical: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def group(self) -> str:
        """Postings with the same cause, fixable by the same deed."""
        return f"{self.code}:{self.subject}" if self.subject else self.code

    def to_json(self) -> dict[str, Any]:
        """The form of the JSON contract: code, severity, message, remedy, field (and subject where there is one)."""
        data = {k: v for k, v in asdict(self).items() if k != "technical" and (v or k != "subject")}
        return {**data, "severity": str(self.severity)}


class CrossfootError(Exception):
    """Base of errors that a person reads: one sentence, and the remedy beside it."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class ValidationError(CrossfootError):
    """A value given by a person or script cannot be taken; nothing was changed."""


class NotFoundError(CrossfootError):
    """What was asked for does not exist (any more)."""
