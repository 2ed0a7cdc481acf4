"""Short ways to write a setting down."""

from __future__ import annotations

from app.domain.links import NOUNS, LinkKind
from app.domain.setting import Setting, SettingKind

NO_YES = (("no", "No"), ("yes", "Yes"))


def choice(key: str, label: str, text: str, choices: tuple[tuple[str, str], ...], default: str = "") -> Setting:
    """One of several values; the first is the default where none is given."""
    return Setting(key, label, text, SettingKind.CHOICE, choices, default or choices[0][0])


def switch(key: str, label: str, text: str, default: str = "no") -> Setting:
    """Yes or no."""
    return Setting(key, label, text, SettingKind.CHOICE, NO_YES, default)


def number(key: str, label: str, text: str, default: int, minimum: int, maximum: int) -> Setting:
    """A whole number within bounds."""
    return Setting(key, label, text, SettingKind.NUMBER, (), str(default), minimum, maximum)


def text(key: str, label: str, text: str, default: str = "") -> Setting:
    """A line of text."""
    return Setting(key, label, text, SettingKind.TEXT, default=default)


def ledger(key: str, label: str, text: str, of: LinkKind, *fits: str) -> Setting:
    """An entry of one of the ledger’s lists, or none; ``fits`` are the types that make sense."""
    return Setting(key, label, text, SettingKind.LEDGER_REF, of=of, fits=fits)


def missing(kind: LinkKind) -> Setting:
    """What Submit does about what has no link; shown on the tab of setting.LINK_TABS."""
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
