"""The modules that ship with Crossfoot: tax as lines of its own, and tax that Avalara adjusted in the PSA."""

from __future__ import annotations

from app.domain import tax_lines
from app.domain.documents import SALES, Document
from app.domain.modules import Context, Module


def _taxes_as_lines(document: Document, context: Context) -> Document:
    if document.kind in SALES and context.option != "all":
        return document
    return tax_lines.as_lines(document)


def _avalara(document: Document, _context: Context) -> Document:
    """Crossfoot never asks Avalara: the PSA's plug-in did. Its amount is carried over as it is."""
    if document.kind not in SALES or document.tax_by != "avalara":
        return document
    return tax_lines.as_lines(document, one="Sales tax (Avalara)")


TAXES_AS_LINES = Module(
    "taxes_as_lines",
    "Taxes as Line Items",
    "Tax goes to QuickBooks as ordinary lines on the tax’s GL account, not as tax: no tax code link is needed, and"
    " QuickBooks’ own tax reports don’t show it.",
    choices=(
        ("no", "Off"),
        ("purchases", "On bills, expenses and purchase orders"),
        ("all", "On these, invoices and credit memos"),
    ),
    document=_taxes_as_lines,
    own=True,
)
AVALARA = Module(
    "avalara",
    "Avalara",
    "Invoices whose tax ConnectWise’s Avalara plug-in computed keep that amount exactly, as one line on the tax’s GL"
    " account, which QuickBooks does not compute anew: no tax code link is needed. Avalara has the tax reports.",
    document=_avalara,
    own=True,
)
#: In the order in which they are applied: where both are on, what Avalara computed is one line.
OWN = (AVALARA, TAXES_AS_LINES)
