"""From a Document to what QuickBooks takes. Pure and total: the same text every time.

Amounts are positive in every kind; a deduction stays a negative line where QuickBooks has such. The private note begins
with the PSA's number and our mark. Address and e-mail are left to the customer's or vendor's record in QuickBooks.
"""

from __future__ import annotations

from types import ModuleType

from app.connectors.protocols import Body, UntranslatableError
from app.connectors.quickbooks_online import adjustments, header, journals, purchases, sales
from app.connectors.quickbooks_online.exact_json import dumps
from app.connectors.quickbooks_online.given import Given
from app.connectors.quickbooks_online.linked import problems_of_links
from app.domain.documents import Document, DocumentKind
from app.domain.links import Links, Rules
from app.domain.marks import Mark

#: Each family has ``note``, ``fields``, ``problems`` and ``warnings``.
FAMILIES: dict[DocumentKind, ModuleType] = {
    DocumentKind.INVOICE: sales,
    DocumentKind.CREDIT_MEMO: sales,
    DocumentKind.BILL: purchases,
    DocumentKind.VENDOR_CREDIT: purchases,
    DocumentKind.PURCHASE: purchases,
    DocumentKind.PURCHASE_ORDER: purchases,
    DocumentKind.JOURNAL_ENTRY: journals,
    DocumentKind.INVENTORY_ADJUSTMENT: adjustments,
}


def to_quickbooks(document: Document, mark: Mark, links: Links, rules: Rules) -> Body:
    """The exact body. Raises UntranslatableError with every problem at once."""
    family, given = FAMILIES[document.kind], Given(document, mark, links, rules)
    problems = [
        *header.problems_of_company(document, rules),
        *problems_of_links(document, links, rules),
        *family.problems(given),
    ]
    if problems:
        raise UntranslatableError(problems)
    note = family.note(given)
    fields = {**header.to_header(document, note, links, rules), **family.fields(given)}
    warnings = (*header.warnings_of_header(document, note, rules), *family.warnings(given))
    return Body(document.kind, dumps(fields), warnings)
