"""What can be set on a running site: limits, latency, rights, and the answers that nobody is certain of."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any

LEVELS = ("none", "inquire", "add", "edit", "all")
AREAS = ("accounting", "invoicing", "tables", "company", "procurement", "expenses", "system")


@dataclass
class Switches:
    """The settings of `/_switches`.

    `throttle`, `calls_per_minute` and `window_seconds`: the limit, and the window that a test may shorten.
    `partial_batch`: what becomes of a document of which only some GL records are batched, "stays_unposted" or
    "posts". `rebatch`: records that are in a batch already are "refused" or silently "accepted".
    `unmapped_export`: a document without GL accounts is in the export "bare" or is "absent".
    `closed_batch_delete`: deleting a closed batch through the API is "refused" or "allowed".
    `personal_expenses`: the unposted list shows them as "listed" or leaves them "unlisted".
    `expense_offsets`: the offset of an expense is "unlisted" there, or "listed" as a row of its own (EO, AP).
    `expense_tax`: an expense's tax is a "line" of its own (ET) or "included" in the expense's amount.
    `expense_offset_sign`: the offset's total is "negative" or "positive".
    `nonreimbursable_bills`: where expenses are exported as bills, the non-reimbursable ones are "absent", among the
    "expenses", or lines of the "bills".
    `invoice_rows`: the unposted list shows an invoice as one "document" or one row for each receivable "record".
    `procurement_rows`: the unposted list shows a purchase as one "document" or one row for each GL "record".
    `unmapped_freight`: freight without an account is exported "bare" or is "absent".
    `blank_invoice_date`: without an invoice of the vendor, a purchase is exported with the date of its "receipt" as
    `vendorInvoiceDate`, or with none ("absent").
    `adjustment_signs`: quantity and total of an adjustment upwards are positive ("stock") or negative ("ledger").
    `adjustment_id`: an exported adjustment's id is its "number" or the "unposted_product_id".
    `gl_classes`: accounts carry a class segment, which is the location's name.
    `internal_notes`: the Detailed summary shows the internal notes of billable time too.
    `invoice_pdf`: an invoice's PDF comes "whole", as "half" of one, as a log-in "page", or has a "huge" picture.
    `payments_per_invoice`: an invoice holds "several" payments, or "one", which the next one overwrites.
    `overpayment`: a payment above the balance is "refused", or "cut" to the balance.
    `credit_payments`: the type of an applied credit, "C" or "P"; or the API's are "refused".
    `payment_marks`: the glBatchID that a payment was given is "kept" or "dropped"; or it is "refused".
    `structure_location`: the location that a member below the corporate level sees, None for all.
    `export_seconds`: time an export takes for each document. `package_setup` overrides boxes of the setup page.
    """

    throttle: bool = True
    calls_per_minute: int = 1000
    window_seconds: float = 60.0
    latency_ms: int = 0
    partial_batch: str = "stays_unposted"
    rebatch: str = "refused"
    unmapped_export: str = "bare"
    closed_batch_delete: str = "refused"
    personal_expenses: str = "listed"
    expense_offsets: str = "unlisted"
    expense_tax: str = "line"
    expense_offset_sign: str = "negative"
    nonreimbursable_bills: str = "absent"
    invoice_rows: str = "document"
    procurement_rows: str = "document"
    unmapped_freight: str = "bare"
    blank_invoice_date: str = "receipt"
    adjustment_signs: str = "stock"
    adjustment_id: str = "number"
    gl_classes: bool = False
    internal_notes: bool = False
    invoice_pdf: str = "whole"
    payments_per_invoice: str = "several"
    overpayment: str = "refused"
    credit_payments: str = "C"
    payment_marks: str = "kept"
    structure_location: int | None = None
    export_seconds: float = 0.0
    rights: dict[str, str] = field(default_factory=lambda: dict.fromkeys(AREAS, "all"))
    package_setup: dict[str, Any] = field(default_factory=dict)

    def change(self, wanted: dict[str, Any]) -> None:
        """Set the named switches; `rights` and `package_setup` are merged. Raises ValueError for what is unknown."""
        known = {each.name for each in fields(self)}
        for name, value in wanted.items():
            if name not in known:
                raise ValueError(f"no switch {name!r}; there are {', '.join(sorted(known))}")
            if isinstance(getattr(self, name), dict):
                getattr(self, name).update(value)
            else:
                setattr(self, name, value)
        self._check()

    def allows(self, area: str, level: str) -> bool:
        """Whether the API member's role reaches this level in this area."""
        return LEVELS.index(self.rights[area]) >= LEVELS.index(level)

    def as_dict(self) -> dict[str, Any]:
        """All switches, as `/_switches` prints them."""
        return asdict(self)

    def _check(self) -> None:
        wrong = {area: level for area, level in self.rights.items() if area not in AREAS or level not in LEVELS}
        if wrong:
            raise ValueError(f"rights are {AREAS} with {LEVELS}, not {wrong}")
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} is one of {choices}")


CHOICES = {
    "partial_batch": ("stays_unposted", "posts"),
    "rebatch": ("refused", "accepted"),
    "unmapped_export": ("bare", "absent"),
    "closed_batch_delete": ("refused", "allowed"),
    "personal_expenses": ("listed", "unlisted"),
    "expense_offsets": ("unlisted", "listed"),
    "expense_tax": ("line", "included"),
    "expense_offset_sign": ("negative", "positive"),
    "nonreimbursable_bills": ("absent", "expenses", "bills"),
    "invoice_rows": ("document", "record"),
    "procurement_rows": ("document", "record"),
    "unmapped_freight": ("bare", "absent"),
    "adjustment_id": ("number", "unposted_product_id"),
    "blank_invoice_date": ("receipt", "absent"),
    "adjustment_signs": ("stock", "ledger"),
    "payments_per_invoice": ("several", "one"),
    "overpayment": ("refused", "cut"),
    "credit_payments": ("C", "P", "refused"),
    "payment_marks": ("kept", "dropped", "refused"),
    "invoice_pdf": ("whole", "half", "page", "huge"),
}
