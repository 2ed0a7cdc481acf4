"""One setting: how it is entered, what it may hold, and what is said about it."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from app.domain import clock_words, psa_fields, templates
from app.domain.mail_addresses import is_address, listed
from app.domain.problems import ValidationError
from app.domain.psa_fields import PLACES

#: What happens to a missing link stands on the tab that people look for it.
LINK_TABS = {
    "links.customers.missing": "contacts",
    "links.vendors.missing": "contacts",
    "links.items.missing": "inventory",
    "links.terms.missing": "sales",
    "links.classes.missing": "categories",
    "links.locations.missing": "categories",
}


MOST_ADDRESSES = 5


class SettingKind(StrEnum):
    """How a setting is entered and checked.

    A source_ref holds the PSA's id of something, a ledger_ref the ledger's (of an account, a tax code), or nothing. A
    template is a text of several lines with fields (see line_text), a pattern one line with [fields]. Times and
    weekdays are those of clock_words, places those of psa_fields.
    """

    CHOICE = "choice"
    TEXT = "text"
    NUMBER = "number"
    ZONE = "zone"
    SOURCE_REF = "source_ref"
    LEDGER_REF = "ledger_ref"
    TEMPLATE = "template"
    ADDRESS = "address"
    ADDRESSES = "addresses"
    PATTERN = "pattern"
    TIME = "time"
    TIMES = "times"
    WEEKDAYS = "weekdays"
    PLACES = "places"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting.

    ``choices`` are (value, what it means in words); ``minimum`` and ``maximum`` bound a number; ``of`` is the list that
    a ledger_ref points into, a LinkKind's value, and ``fits`` the types of its entries that pages offer, all where it
    is empty; ``fields`` are a template's. ``heading`` begins a new part of its tab. ``tab`` is where the pages show it.
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
    fits: tuple[str, ...] = ()
    heading: str = ""

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
        return _WRITTEN[self.kind](value) if self.kind in _WRITTEN else value

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
            case SettingKind.ADDRESS | SettingKind.ADDRESSES:
                several = self.kind is SettingKind.ADDRESSES
                given = listed(value) if several else [value] if value else []
                well = len(given) <= MOST_ADDRESSES and all(map(is_address, given))
                how = f"up to {MOST_ADDRESSES} e-mail addresses, with commas" if several else "one e-mail address"
                return "" if well else f"Give {how}, or nothing."
            case SettingKind.TIME | SettingKind.TIMES | SettingKind.WEEKDAYS | SettingKind.PLACES:
                return "" if _is_written(self.kind, value) else _LIKE[self.kind]
            case SettingKind.PATTERN:
                strange = [name for name in re.findall(r"\[(.*?)\]", value) if name not in self.fields]
                fields = ", ".join(f"[{name}]" for name in self.fields)
                well = 0 < len(value) <= 100 and value.isprintable() and not strange
                return "" if well else f"Give up to 100 characters; the fields are {fields}."
            case _:
                return "" if len(value) <= 200 and value.isprintable() else "Give at most 200 printable characters."


#: How lists, times and weekdays are stored, however they were typed; times raise ValueError for what is none.
_WRITTEN: Mapping[SettingKind, Callable[[str], str]] = {
    SettingKind.ADDRESSES: lambda text: ", ".join(listed(text)),
    SettingKind.TIME: lambda text: clock_words.written_times(clock_words.times(text)),
    SettingKind.TIMES: lambda text: clock_words.written_times(clock_words.times(text)),
    SettingKind.PLACES: psa_fields.written,
    SettingKind.WEEKDAYS: lambda text: clock_words.written_weekdays(clock_words.weekdays(text)),
}
_LIKE = {
    SettingKind.PLACES: f"Give captions with places, like Region=field2, Fund=memo; places: {', '.join(PLACES)}.",
    SettingKind.TIME: "Give a time of day like 08:00.",
    SettingKind.TIMES: f"Give times of day like 08:00, 17:30; up to {clock_words.MOST}.",
    SettingKind.WEEKDAYS: "Give at least one weekday, like mon,wed or mon-fri.",
}


def _is_written(kind: SettingKind, value: str) -> bool:
    with suppress(ValueError):
        return "," not in _WRITTEN[kind](value) or kind is not SettingKind.TIME
    return False
