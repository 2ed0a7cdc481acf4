"""How amounts, dates and moments look on pages: Jinja filters, pure but for the zone and country of the request."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from zoneinfo import ZoneInfo

from flask import Flask, g

from app.models.columns import utcnow
from app.services.people.sessions import device

MINUS = "\u2212"
SIGNS = {"USD": "$", "CAD": "CA$", "AUD": "A$", "NZD": "NZ$", "GBP": "£", "EUR": "€"}
#: The PSA's own words, spaced.
TYPES = {
    "DownPayment": "Down payment", "CreditMemo": "Credit memo", "NonReimbursable": "Non-reimbursable",
    "Cogs": "COGS entry",
}  # fmt: skip


#: A day in a sentence of ours; never a part of a number or an identifier.
_DAY = re.compile(r"(?<![\w/.-])(?:\d{4}-\d\d-\d\d|\d\d/\d\d/\d{4})(?![\w/-])")


def install(app: Flask) -> None:
    """Register the filters under their own names."""
    for function in (
        amount, quantity, cents, cash, sums, plural, date, day, clock, time_of_day, moment, took, ago, kind_word,
        device, dated,
    ):  # fmt: skip
        app.jinja_env.filters[function.__name__] = function


def amount(value: Decimal) -> str:
    """``−1,234.50``."""
    return f"{abs(value):,.2f}" if value >= 0 else f"{MINUS}{abs(value):,.2f}"


def quantity(value: Decimal | None) -> str:
    """``14``, ``1.75``, ``−2``; a dash for none."""
    return f"{value.normalize():f}".replace("-", MINUS) if value is not None else "–"


def cents(value: int) -> str:
    """The same from hundredths."""
    return amount(Decimal(value) / 100)


def cash(value: int, currency: str) -> str:
    """Hundredths with their currency: ``−$1,234.50``, ``1,234.50 SEK``."""
    sign = SIGNS.get(currency)
    if sign is None:
        return f"{cents(value)} {currency}"
    return f"{MINUS if value < 0 else ''}{sign}{abs(Decimal(value) / 100):,.2f}"


def sums(totals: dict[str, int], none: str = "") -> str:
    """Totals of several currencies, never added to one."""
    return " + ".join(cash(value, currency) for currency, value in sorted(totals.items())) or none


def plural(count: int, one: str, many: str = "") -> str:
    """``1 document``, ``14 documents``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def date(value: dt.date | None) -> str:
    """A document's date as the Book's country writes it; never shifted by a zone."""
    if value is None:
        return "–"
    return value.strftime("%m/%d/%Y") if g.get("country", "US") == "US" else value.isoformat()


def dated(text: str | None) -> str:
    """A sentence with its days as the Book's country writes them: services, which know no country, write 11/26/2026."""
    return _DAY.sub(_written, text or "")


def _written(found: re.Match[str]) -> str:
    words = found.group()
    try:
        return date(dt.datetime.strptime(words, "%m/%d/%Y" if "/" in words else "%Y-%m-%d").date())  # noqa: DTZ007  # a date
    except ValueError:
        return words


def local(value: dt.datetime) -> dt.datetime:
    """A moment in the Book's zone."""
    return value.astimezone(ZoneInfo(g.get("zone", "UTC")))


def day(value: dt.datetime | None) -> str:
    """The date of a moment in the Book's zone."""
    return date(local(value).date()) if value else "never"


def clock(value: dt.datetime | None) -> str:
    """``10:42`` today, else with the date."""
    if value is None:
        return "never"
    here = local(value)
    today = local(utcnow()).date()
    return here.strftime("%H:%M") if here.date() == today else f"{date(here.date())} {here:%H:%M}"


def time_of_day(value: dt.datetime) -> str:
    """``10:42:07``."""
    return f"{local(value):%H:%M:%S}"


def moment(value: dt.datetime | None) -> str:
    """Date, time and zone."""
    return f"{date(local(value).date())} {local(value):%H:%M:%S %Z}" if value else "never"


def took(seconds: float | None) -> str:
    """``0:58`` in minutes and seconds; hours in front where there are any."""
    if seconds is None:
        return "–"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"


def ago(value: dt.datetime | None) -> str:
    """``12 s ago``, ``3 min ago``, else the clock."""
    if value is None:
        return "never"
    seconds = max(0, round((utcnow() - value).total_seconds()))
    if seconds < 90:
        return f"{seconds} s ago"
    return f"{seconds // 60} min ago" if seconds < 3600 else clock(value)


def kind_word(value: str) -> str:
    """A type of the PSA, or a kind of ours, in words."""
    return TYPES.get(value, value.replace("_", " ").capitalize() if value.islower() else value)


def parse_date(text: str) -> dt.date | None:
    """A date as people type it, ISO or the Book's way; None for none. Raises ValueError."""
    text = text.strip()
    if not text:
        return None
    for form in ("%Y-%m-%d", "%m/%d/%Y" if g.get("country", "US") == "US" else "%d/%m/%Y"):
        try:
            return dt.datetime.strptime(text, form).date()  # noqa: DTZ007 - a document date has no zone
        except ValueError:
            continue
    raise ValueError(f"“{text}” is not a date.")
