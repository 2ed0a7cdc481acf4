"""The settings of the payment sync, and what they mean for a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.domain.allocation import Rule
from app.domain.payment_plan import Credits, Form
from app.domain.setting import Setting, SettingKind
from app.domain.setting_forms import choice, number, text

PAYMENTS = (
    choice(
        "payments.form",
        "In ConnectWise, payments of an invoice become",
        "Older ConnectWise sites keep only one payment on an invoice. What stands already keeps its form.",
        (
            (Form.INVOICE, "One payment: their sum, with the newest date"),
            (Form.ALLOCATION, "One payment for each payment in QuickBooks"),
        ),
    ),
    choice(
        "payments.credits",
        "Credit memos applied in QuickBooks",
        "Those posted by Crossfoot. One that only QuickBooks has always pays as money does.",
        (
            (Credits.MIRROR, "Are applied in ConnectWise too"),
            (Credits.PAYMENT, "Pay the invoice as money does; the credit memo stays open in ConnectWise"),
            (Credits.NO, "Are left out; such invoices stay open in ConnectWise"),
        ),
    ),
    choice(
        "payments.rule",
        "Several credit memos over several invoices",
        "In one payment QuickBooks does not say which pays which. Its amounts are kept to the cent in any case.",
        (
            (Rule.OLDEST, "The oldest invoice first"),
            (Rule.LARGEST, "The largest invoice first"),
            (Rule.SPLIT, "Each invoice its share"),
        ),
    ),
    choice(
        "payments.unapplied",
        "Money that pays no invoice yet",
        "Overpaid or not applied. ConnectWise has no place for it until it is applied in QuickBooks.",
        (
            ("warn", "Warn, with customer and amount"),
            ("quiet", "Say nothing"),
        ),
    ),
    text(
        "payments.paid_status",
        "Status of a paid invoice",
        "Name or id of the ConnectWise invoice status for one that is paid in full. Empty: its status stays. Invoices "
        "there have no paid date: each payment bears its own.",
    ),
    text(
        "payments.unpaid_status",
        "Status when a payment is taken back",
        "Name or id of the status for an invoice whose payment was voided. ConnectWise takes only a closed status for "
        "one that is batched. Empty: its status stays.",
    ),
    choice(
        "payments.stripe",
        "Let customers pay by Stripe",
        "Where QuickBooks has no link to pay of its own, the link in mails leads to a page of ours, and from there to "
        "Stripe. Needs the key below, and a public address that customers can reach.",
        (
            ("no", "No"),
            ("yes", "Yes"),
        ),
    ),
    number(
        "payments.stripe_days",
        "Days that such a link works",
        "From the mail on. Each can be taken back before, on the page of the invoice’s mails.",
        60,
        1,
        365,
    ),
    Setting(
        "payments.stripe_account",
        "Account of Stripe’s payments",
        "Where they wait for the payout. None: QuickBooks’ own for money that is not deposited yet. The whole amount "
        "is recorded; Stripe’s fee is not booked.",
        SettingKind.LEDGER_REF,
        of="accounts",
    ),
)


@dataclass(frozen=True, slots=True)
class Options:
    """What a Book's settings mean for a run. ``warn``: say what money pays nothing yet."""

    form: Form
    credits: Credits
    rule: Rule
    warn: bool
    paid_status: str
    unpaid_status: str

    @classmethod
    def of(cls, values: Mapping[str, str]) -> Options:
        """From every setting's value by key."""
        return cls(
            form=Form(values["payments.form"]),
            credits=Credits(values["payments.credits"]),
            rule=Rule(values["payments.rule"]),
            warn=values["payments.unapplied"] == "warn",
            paid_status=values["payments.paid_status"],
            unpaid_status=values["payments.unpaid_status"],
        )
