"""What a module is: a plain value with up to four hooks. docs/modules.md says how to write one.

A hook that touches a document is a pure function: it is called on pages, when looking ahead and in every run, often
several times for one document, and must answer the same each time. It may not ask the network, a file or the clock.
What it may return stands at each hook; anything else, an exception, or more than two seconds is a fault of the module:
the document stays as it was before that hook, and is held with a Problem that names the module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from app.domain.documents import Document, Line
from app.domain.links import Rules
from app.domain.problems import Problem

#: Choices of a module that is on or off. The first choice of any module is off.
OFF_ON = (("no", "Off"), ("yes", "On"))


@dataclass(frozen=True, slots=True)
class Context:
    """What a hook is told besides the document.

    Attributes:
        option: the company's choice for this module, e.g. ``yes``; never that for off.
        rules: the company's tax mode, home currency, closing date and settings: ``rules["sales.summary"]``.
    """

    option: str
    rules: Rules


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that happened; a batch that ended.

    Attributes:
        kind: ``batch_ended``. Others may come; a module passes over those it does not know.
        book: the company's name.
        subject: the batch's name.
        status: as the outside contract spells it, e.g. ``completed_with_errors``.
        facts: figures by name: ``batch`` (id), ``kind``, ``posted``, ``held``, ``closed`` (documents).
    """

    kind: str
    book: str
    subject: str
    status: str
    facts: Mapping[str, str] = field(default_factory=dict)


#: Document built: the document as the company's settings made it, to the one that is to be posted. It must keep kind,
#: records, currency and total, and must still add up: lines and tax to the total.
DocumentHook = Callable[[Document, Context], Document]
#: Line text: the text of one line, after templates, to the one that QuickBooks shows.
LineTextHook = Callable[[str, Line, Document, Context], str]
#: Before post: problems of the document. ERROR holds it, WARNING and INFO stand beside it.
BeforePostHook = Callable[[Document, Context], Sequence[Problem]]
#: Notification: called once a batch has ended, after everything is committed, for ten seconds at most. It may use the
#: network. It is called at most once; what it raises is written into the batch's log and changes nothing.
NotifyHook = Callable[[Notice, Context], None]


@dataclass(frozen=True, slots=True)
class Module:
    """One module.

    Attributes:
        key: stable, lower case with underscores; ``modules.<key>`` is the setting that switches it on.
        name: as people call it.
        summary: one sentence: what it does, and its consequence.
        choices: (value, words); the first is off.
        own: it ships with Crossfoot.
    """

    key: str
    name: str
    summary: str
    version: str = ""
    choices: tuple[tuple[str, str], ...] = OFF_ON
    document: DocumentHook | None = None
    line_text: LineTextHook | None = None
    before_post: BeforePostHook | None = None
    notify: NotifyHook | None = None
    own: bool = False
