"""One setting: how it is entered, what it may hold, and what is said about it."""

from __future__ import annotations

import zoneinfo
from dataclasses import dataclass
from enum import StrEnum

from app.domain import templates
from app.domain.problems import ValidationError

#: What happens to a missing link stands on the tab that people look for it.
LINK_TABS = {
    "links.customers.missing": "contacts",
    "links.vendors.missing": "contacts",
    "links.items.missing": "inventory",
    "links.terms.missing": "sales",
    "links.classes.missing": "categories",
    "links.locations.missing": "categories",
}


class SettingKind(StrEnum):
    """How a setting is entered and checked.

    A source_ref holds the PSA's id of something, a ledger_ref the ledger's (of an account, a tax code), or nothing. A
    template is a text of several lines with fields (see line_text).
    """

    CHOICE = "choice"
    TEXT = "text"
    NUMBER = "number"
    ZONE = "zone"
    SOURCE_REF = "source_ref"
    LEDGER_REF = "ledger_ref"
    TEMPLATE = "template"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting.

    ``choices`` are (value, what it means in words); ``minimum`` and ``maximum`` bound a number; ``of`` is the list that
    a ledger_ref points into, a LinkKind's value; ``fields`` are a template's. ``tab`` is where the pages show it.
    """

    key: str
    label: str
    help: str
    kind: SettingKind
    choices: tuple[tuple[str, str], ...] = ()
    default: str = ""
    minimum: int = 0
    maximum: int = 0
    of: str = ""
    fields: tuple[str, ...] = ()

    @property
    def tab(self) -> str:
        """The tab’s key, e.g. ``sales``."""
        return LINK_TABS.get(self.key) or self.key.partition(".")[0]

    def parse(self, value: str) -> str:
        """The value as it is stored. Raises ValidationError with what is allowed."""
        value = value.strip()
        if self.kind is SettingKind.TEMPLATE:
            templates.check(value, self.fields)
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
            case SettingKind.TEMPLATE:
                return ""
            case _:
                return "" if len(value) <= 200 and value.isprintable() else "Give at most 200 printable characters."
