"""The settings of the tab E-mail: whether, to whom and how customers get their invoices."""

from __future__ import annotations

from app.domain.mail_text import MAIL_FIELDS, RECIPIENT_FIELDS, SUBJECT, TEXT
from app.domain.setting import Setting, SettingKind

_NO_YES = (("no", "No"), ("yes", "Yes"))


def _choice(key: str, label: str, text: str, choices: tuple[tuple[str, str], ...], default: str = "") -> Setting:
    return Setting(f"email.{key}", label, text, SettingKind.CHOICE, choices, default or choices[0][0])


def _template(key: str, label: str, text: str, fields: tuple[str, ...], default: str = "") -> Setting:
    return Setting(f"email.{key}", label, text, SettingKind.TEMPLATE, default=default, fields=fields)


EMAIL = (
    _choice(
        "invoices",
        "E-mail invoices to customers",
        "What a batch has posted and closed is mailed once. Counts for batches that are submitted from then on.",
        (("no", "No"), ("invoices", "Invoices"), ("all", "Invoices and credit memos")),
    ),
    _choice(
        "hold",
        "Hold until approved",
        "Yes: nothing goes out before a bookkeeper has looked at it under Mail to customers.",
        _NO_YES,
        "yes",
    ),
    _choice(
        "to",
        "To whom",
        "ConnectWise: the company’s invoice address, else that of its billing contact. Looked up when it is mailed.",
        (
            ("psa_books", "The address in ConnectWise, else the one in QuickBooks"),
            ("books_psa", "The address in QuickBooks, else the one in ConnectWise"),
            ("psa", "Only the address in ConnectWise"),
            ("books", "Only the address in QuickBooks"),
        ),
    ),
    _template(
        "recipients",
        "Other recipients",
        "Empty: as above. Else up to five addresses with commas; each gets its own mail. The word never: no mail.",
        RECIPIENT_FIELDS,
    ),
    _choice(
        "pdf",
        "PDF",
        "Which PDF goes with the mail. One that can’t be had is tried again for hours, then said.",
        (("psa", "The one of ConnectWise"), ("books", "The one of QuickBooks"), ("none", "None")),
    ),
    _choice(
        "pay_link",
        "Link to pay",
        "A button with QuickBooks’ own link, where QuickBooks Payments is on and card or bank payment allowed under "
        "Sales; else with one to Stripe, where that is switched on under Payments.",
        _NO_YES,
    ),
    _template("subject", "Subject", "One line. Empty: Crossfoot’s own.", MAIL_FIELDS, SUBJECT),
    _template("text", "Text", "Each line becomes a paragraph. Empty: Crossfoot’s own.", MAIL_FIELDS, TEXT),
    Setting(
        "email.sender_name",
        "Name of the sender",
        "Stands before the address that mails come from. Empty: the company’s name.",
        SettingKind.TEXT,
    ),
    Setting(
        "email.reply_to",
        "Answers go to",
        "An address of yours that somebody reads. Empty: the address that mails come from.",
        SettingKind.ADDRESS,
    ),
)
