"""What stands on a line of an invoice: as the PSA gives it, built from its time entries, or by the Book's template."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from app.domain import templates
from app.domain.documents import Document, Line, Work
from app.domain.links import Rules

#: Fields of a line's template.
LINE_FIELDS = (
    "text", "product", "product_description", "quantity", "unit", "serial_numbers", "amount", "account", "date",
    "ticket", "summary", "project", "phase", "member", "work_role", "work_type", "hours", "rate", "notes",
    "internal_notes", "number", "agreement", "customer",
)  # fmt: skip
#: Those of them that only time entries tell.
WORK_FIELDS = frozenset(
    {"ticket", "summary", "phase", "member", "work_role", "work_type", "hours", "rate", "notes", "internal_notes"}
)
#: Fields of a memo's template.
MEMO_FIELDS = (
    "number", "type", "customer", "date", "due_date", "po_number", "attention", "sales_rep", "territory", "project",
    "agreement", "location", "memo",
)  # fmt: skip
#: How a time entry reads where no template says otherwise.
DETAILED = """\
{% if ticket %}#{{ ticket }} {{ summary }}{% else %}{{ summary }}{% endif %}

{{ work_role }}{% if work_type %} · {{ work_type }}{% endif %}{% if member %} · {{ member }}{% endif %}

{% if date %}{{ date }} · {% endif %}{{ hours }} h{% if rate %} at {{ rate }}{% endif %}

{{ notes }}
{{ internal_notes }}
"""


def worded(document: Document, rules: Rules) -> Document:
    """The document with the texts that its Book wants on its lines and in its memo. Raises ValidationError."""
    template = template_for(rules, "sales.line_text", document.party.source_id)
    lines = tuple(replace(line, description=_line(document, line, template, rules)) for line in document.lines)
    memo = document.memo
    if text := template_for(rules, "sales.memo_text", document.party.source_id):
        memo = templates.render(text, memo_values(document))
    return replace(document, lines=lines, memo=memo)


def template_for(rules: Rules, key: str, customer: str) -> str:
    """The customer's own template, else the Book's."""
    return rules[customer_key(key, customer)] or rules[key]


def customer_key(key: str, customer: str) -> str:
    """Under which a setting is stored for one customer of the PSA."""
    return f"{key}@{customer}"


def _line(document: Document, line: Line, template: str, rules: Rules) -> str:
    if line.work:
        text = "\n".join(
            templates.render(template or DETAILED, line_values(document, line, work, rules)) for work in line.work
        )
    elif template:
        text = templates.render(template, line_values(document, line, None, rules))
    else:
        text = line.description
    return text + _behind(line, rules)


def _behind(line: Line, rules: Rules) -> str:
    unit = f" ({line.unit})" if line.unit and rules["sales.unit_of_measure"] == "yes" else ""
    serials = f" S/N: {line.serial_numbers}" if line.serial_numbers and rules["sales.serial_numbers"] == "yes" else ""
    return unit + serials


def line_values(document: Document, line: Line, work: Work | None, rules: Rules) -> dict[str, str]:
    """Every field of a line's template, empty where there is none. Internal notes only where the Book asks for them."""
    entry = work or Work("")
    day = entry.date or line.date
    product = line.product
    return {
        "text": line.description,
        "product": product.identifier if product else "",
        "product_description": product.description if product else "",
        "quantity": number(line.quantity),
        "unit": line.unit,
        "serial_numbers": line.serial_numbers,
        "amount": f"{line.amount.amount:,.2f}",
        "account": line.account,
        "date": day.isoformat() if day else "",
        "ticket": entry.ticket,
        "summary": entry.summary,
        "project": entry.project or document.project,
        "phase": entry.phase,
        "member": entry.member,
        "work_role": entry.work_role,
        "work_type": entry.work_type,
        "hours": number(entry.hours) if entry.hours is not None else "",
        "rate": f"{entry.rate:,.2f}" if entry.rate is not None else "",
        "notes": entry.notes,
        "internal_notes": entry.internal_notes if rules["sales.internal_notes"] == "yes" else "",
        "number": document.number,
        "agreement": document.agreement,
        "customer": document.party.name,
    }


def memo_values(document: Document) -> dict[str, str]:
    """Every field of a memo's template."""
    return {
        "number": document.number,
        "type": document.psa_type,
        "customer": document.party.name,
        "date": document.date.isoformat(),
        "due_date": document.due_date.isoformat() if document.due_date else "",
        "po_number": document.po_number,
        "attention": document.attention,
        "sales_rep": document.sales_rep,
        "territory": document.territory,
        "project": document.project,
        "agreement": document.agreement,
        "location": document.location.name if document.location else "",
        "memo": document.memo,
    }


def number(value: Decimal) -> str:
    """Without zeros at the end: 3.50 → 3.5."""
    return f"{value.normalize():f}"


def needs_detailed(rules: Rules) -> str:
    """Why invoices must be exported with every time entry; empty where they need not."""
    if rules["sales.service_item_source"] in ("work_role", "work_type", "work_role_type"):
        return "Items are named after work roles or types, which only the Detailed export tells."
    texts = {key: text for key, text in rules.settings.items() if key.partition("@")[0] == "sales.line_text"}
    using = [key for key, text in texts.items() if WORK_FIELDS & templates.named(text)]
    if using and "sales.line_text" not in using:
        return "A customer’s own text of lines uses fields of time entries, which only the Detailed export tells."
    if using:
        return "The text of lines uses fields of time entries, which only the Detailed export tells."
    return ""
