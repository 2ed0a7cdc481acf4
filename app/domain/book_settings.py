"""The settings that exist: their stable keys, what they may hold, and what they mean for translation.

Keys are named after the tab that shows them. A Book stores only what differs from the default.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from app.domain import hooks
from app.domain.autosync_settings import PREFIX
from app.domain.links import Rules
from app.domain.problems import ValidationError
from app.domain.setting import Setting, SettingKind
from app.domain.settings_catalogue import TABS

_OWN: Mapping[str, Setting] = {setting.key: setting for _, _, part in TABS for setting in part}


class Catalogue(Mapping[str, Setting]):
    """Crossfoot's own settings, and one for each module that is installed."""

    def __getitem__(self, key: str) -> Setting:
        found = _OWN.get(key) or hooks.setting(key)
        if found is None:
            raise KeyError(key)
        return found

    def __iter__(self) -> Iterator[str]:
        yield from _OWN
        yield from hooks.settings()

    def __len__(self) -> int:
        return len(_OWN) + len(hooks.settings())


SETTINGS: Mapping[str, Setting] = Catalogue()

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
    """The setting with this key. Raises ValidationError that names those there are.

    A template may also be set for one customer of the PSA: ``sales.line_text@77``.
    """
    name, _, customer = key.partition("@")
    if name not in known or (customer and known[name].kind is not SettingKind.TEMPLATE):
        raise ValidationError(f"There is no setting named “{key}”.", f"There are: {', '.join(known)}.")
    return known[name]


def value_of(stored: Mapping[str, Any], key: str) -> str:
    """What holds for a Book: its stored value, else the default."""
    return str(stored.get(key, "" if "@" in key else SETTINGS[key].default))


def rules_from(company: Rules, stored: Mapping[str, Any]) -> Rules:
    """The company's own rules, overlaid by what a person set."""
    mode = value_of(stored, "taxes.mode")
    return replace(
        company,
        service_item_source=value_of(stored, "sales.service_item_source"),
        mark_custom_field=value_of(stored, "sales.mark_custom_field"),
        tax_mode=company.tax_mode if mode == "auto" else mode,
        settings={key: value_of(stored, key) for key in (*SETTINGS, *stored) if not key.startswith(PREFIX)},
    )
