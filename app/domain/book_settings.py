"""The settings that exist: their stable keys, what they may hold, and what they mean for translation.

Keys are named after the tab that shows them. A Book stores only what differs from the default.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from app.domain.links import CREATABLE, NOUNS, LinkKind, Rules
from app.domain.problems import ValidationError


class SettingKind(StrEnum):
    """How a setting is entered and checked. A source_ref holds the PSA's id of something, or nothing."""

    CHOICE = "choice"
    TEXT = "text"
    NUMBER = "number"
    ZONE = "zone"
    SOURCE_REF = "source_ref"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. ``choices`` are (value, what it means in words); ``minimum`` and ``maximum`` bound a number."""

    key: str
    label: str
    help: str
    kind: SettingKind
    choices: tuple[tuple[str, str], ...] = ()
    default: str = ""
    minimum: int = 0
    maximum: int = 0

    def parse(self, value: str) -> str:
        """The value as it is stored. Raises ValidationError with what is allowed."""
        value = value.strip()
        allowed = self._allowed(value)
        if allowed:
            raise ValidationError(f"{self.label} ({self.key}) can't be “{value}”.", allowed)
        return value

    def _allowed(self, value: str) -> str:
        """What may be given, in a sentence; empty where the value is fine."""
        match self.kind:
            case SettingKind.CHOICE:
                values = [choice for choice, _ in self.choices]
                named = ", ".join(v or "“” (nothing)" for v in values)
                return "" if value in values else f"Give one of: {named}."
            case SettingKind.NUMBER:
                good = value.isascii() and value.isdecimal() and self.minimum <= int(value) <= self.maximum
                return "" if good else f"Give a whole number from {self.minimum} to {self.maximum}."
            case SettingKind.ZONE:
                known = not value or value in zoneinfo.available_timezones()
                return "" if known else "Give a zone like America/Chicago, or nothing for the one that was found."
            case _:
                return "" if len(value) <= 200 and value.isprintable() else "Give at most 200 printable characters."


def _missing(kind: LinkKind) -> Setting:
    noun = f"{'an' if NOUNS[kind][0] in 'aeiou' else 'a'} {NOUNS[kind]}"
    return Setting(
        f"links.{kind}.missing",
        f"{noun.capitalize()} without a link",
        f"What Submit does about {noun} of the PSA that has no counterpart in the books.",
        SettingKind.CHOICE,
        (
            ("ask", "Ask at Submit"),
            ("always", "Take the exact name, else create"),
            ("never", "Hold the document"),
        ),
        "ask",
    )


_ALL = (
    Setting(
        "company.default_location",
        "Default location",
        "Preselected on the selection page. Empty: all locations.",
        SettingKind.SOURCE_REF,
    ),
    Setting(
        "company.zone",
        "Time zone",
        "Decides which day is today, and how moments are shown. Empty: the zone that was found on connecting.",
        SettingKind.ZONE,
    ),
    Setting(
        "sales.summary",
        "Summary level",
        "How much of an invoice's detail the PSA's export gives.",
        SettingKind.CHOICE,
        (("default", "Default"), ("condensed", "Condensed"), ("detailed", "Detailed")),
        "default",
    ),
    Setting(
        "sales.service_item_source",
        "Items of lines without a product",
        "The name under which an item for labour, agreements and expenses is looked for and created.",
        SettingKind.CHOICE,
        (("service_gl_account", "Service- and the GL account (Service-4000)"), ("gl_account", "The GL account (4000)")),
        "service_gl_account",
    ),
    Setting(
        "sales.mark_custom_field",
        "Custom field for the mark",
        "Puts the mark into a custom field of the books too, beside the memo. Empty: only into the memo.",
        SettingKind.CHOICE,
        (("", "None"), ("1", "Field 1"), ("2", "Field 2"), ("3", "Field 3")),
    ),
    Setting(
        "taxes.mode",
        "Tax mode",
        "How the books take tax. Auto: as the company's own preferences say.",
        SettingKind.CHOICE,
        (
            ("auto", "As the company's preferences say"),
            ("manual", "US manual sales tax"),
            ("automated", "US automated sales tax"),
            ("per_line", "A tax code on every line (outside the US)"),
            ("off", "No sales tax"),
        ),
        "auto",
    ),
    *(_missing(kind) for kind in CREATABLE),
)

SETTINGS: Mapping[str, Setting] = {setting.key: setting for setting in _ALL}

#: Those that hold for the whole installation, not for one Book.
INSTALLATION: Mapping[str, Setting] = {
    "retention.snapshots_months": Setting(
        "retention.snapshots_months",
        "Months that stored documents are kept",
        "The PSA's and the ledger's own forms of a document, kept for proof, are deleted after so many months.",
        SettingKind.NUMBER,
        default="24",
        minimum=1,
        maximum=120,
    )
}


def setting(key: str, known: Mapping[str, Setting] = SETTINGS) -> Setting:
    """The setting with this key. Raises ValidationError that names those there are."""
    if key not in known:
        raise ValidationError(f"There is no setting named “{key}”.", f"There are: {', '.join(known)}.")
    return known[key]


def value_of(stored: Mapping[str, Any], key: str) -> str:
    """What holds for a Book: its stored value, else the default."""
    return str(stored.get(key, SETTINGS[key].default))


def rules_from(company: Rules, stored: Mapping[str, Any]) -> Rules:
    """The company's own rules, overlaid by what a person set."""
    mode = value_of(stored, "taxes.mode")
    return replace(
        company,
        service_item_source=value_of(stored, "sales.service_item_source"),
        mark_custom_field=value_of(stored, "sales.mark_custom_field"),
        tax_mode=company.tax_mode if mode == "auto" else mode,
    )
