"""Bad input, all of it: what people type, what vendors answer and what networks make of it, listed and generated."""

from __future__ import annotations

import copy
import json
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from app.domain.problems import CrossfootError, Problem

#: Names of customers, items and terms. Some stay as they are, the others must be made valid.
NAMES = (
    "",
    "   ",
    "\t\n",
    "\u00a0\u3000\u200b",
    "::::",
    "Parent:Child",
    "Tab\tin it",
    "Two\nlines",
    "Carriage\r\nreturn",
    "x" * 101,
    "long name " * 80,
    "🙂" * 400,
    "👩‍👩‍👧‍👦 Family Practice",
    "\u202egnp.exe",
    "\u200f",
    "\ufeffByte Order & Co",
    "مرحبا بالعالم",
    "株式会社アクメ",
    "İstanbul ẞtraße",
    "Nul\x00 and bell\x07",
    "half a pair \ud83d",
    "line\u2028separator",
    "unassigned \U0010fffe",
    "\u0301" * 60,
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    'O’Brien\'s "Shop" \\ Co; DROP TABLE postings; --',
    "{{ 7 * 7 }} {% raw %} ${7*7} %s %(x)s",
    "ACME DENTAL",
    "acme  dental",
)
MEMOS = (*NAMES, "memo " * 3000, "\r" * 50, "CF-I39005-g1 PSA 10482 · CF-I1-g1", "\x1b[31mred\x1b[0m", "a\u202eb\u202c")
#: Whatever may stand where a number is due, as JSON delivers it.
AMOUNTS: tuple[Any, ...] = (
    None, "", " ", "many", "12,50", "1.234,50", "$5", "0x10", "１２", "²", "--5", "1e3", "1E+40", "1e999", "-1e-999",
    "NaN", "Infinity", "-0", 0, -0, Decimal("-0.00"), Decimal("0.005"), Decimal("12.345"), Decimal("-12.345"),
    Decimal("1E+3"), Decimal("1E-30"), Decimal("1E+40"), Decimal("1E+999999"), 10**11, 10**40, -(10**40), True, False,
    [], [1], {}, {"value": 1},
)  # fmt: skip
DATES: tuple[Any, ...] = (
    None, "", "0001-01-01", "0001-01-01T00:00:00Z", "0002-01-01", "1899-12-31", "2999-12-31", "9999-12-31",
    "9999-12-31T23:59:59-14:00", "2026-03-17T23:59:59+14:00", "2026-03-17T00:30:00-12:00", "2026-03-17T00:00:00.123Z",
    "3/7/2026 5:21:58 AM", "13/13/2026", "31/12/2026", "2026-02-30", "2026-13-01", "2026-3-7", "20260317", "2026-W12-2",
    "17.03.2026", "soon", "0", 0, 1773705600, Decimal("1.5"), True, [], {}, "2026-03-17\x00", "２０２６-03-17",
)  # fmt: skip
CURRENCIES: tuple[Any, ...] = (
    None, "", {}, [], "usd", "USD", " Usd ", "XQQ", "US", "DOLLARS", "US$", "€", 840, True, {"currencyCode": "usd"},
    {"currencyCode": "Dollars"}, {"currencyIdentifier": "USD"}, {"currencyCode": None, "currencyIdentifier": "EUR"},
    {"value": "usd"}, {"value": ""}, {"value": ["USD"]}, {"value": "U\x00D"},
)  # fmt: skip
#: Anything anywhere.
ANYTHING = (*AMOUNTS, *DATES, *CURRENCIES, *NAMES[:6], *NAMES[14:26], [None], [[]], [{}], {"a": {"b": []}})

#: Bodies of answers that are not what was asked for, with their content type.
ANSWERS: dict[str, tuple[str, str]] = {
    "nothing": ("", "application/json"),
    "blanks": ("  \r\n ", "application/json"),
    "a log-in page": ("<!DOCTYPE html><html><body>Sign in</body></html>", "text/html"),
    "html called json": ("<html>502 Bad Gateway</html>", "application/json"),
    "plain text": ("upstream connect error or disconnect/reset before headers", "text/plain"),
    "xml": ('<?xml version="1.0"?><IntuitResponse/>', "application/xml"),
    "cut off": ('{"a": [{"b": "c', "application/json"),
    "a cut character": ('{"a": "\udce2\udc82', "application/json"),
    "not utf-8": ('{"name": "\udce9"}', "application/json"),
    "null": ("null", "application/json"),
    "a number": ("42", "application/json"),
    "a text": ('"ok"', "application/json"),
    "a list of lists": ("[[], [null]]", "application/json"),
    "a list of nothing": ("[null, null]", "application/json"),
    "an empty object": ("{}", "application/json"),
    "an unknown object": ('{"hello": {"world": [1, 2]}}', "application/json"),
    "two values": ("{} {}", "application/json"),
    "deep": ("[" * 100_000, "application/json"),
    "a huge number": ('{"count": 1' + "0" * 5000 + "}", "application/json"),
    "no number": ('{"count": NaN, "TotalAmt": Infinity}', "application/json"),
    "json called html": ("[]", "text/html"),
}

texts = st.one_of(st.sampled_from(NAMES), st.text(max_size=40), st.text(st.characters(categories=["Cf", "Cc", "Zs"])))
anything = st.one_of(
    st.sampled_from(ANYTHING),
    texts,
    st.integers(),
    st.floats(),
    st.decimals(allow_nan=False, allow_infinity=False),
)


def places(value: Any, so_far: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every member of a JSON value, however deep."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found: list[tuple[Any, ...]] = []
    for key, item in inside:
        found += [(*so_far, key), *places(item, (*so_far, key))]
    return found


def put(value: Any, place: tuple[Any, ...], item: Any) -> Any:
    """A copy with another member in one place."""
    changed = copy.deepcopy(value)
    at = changed
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = item
    return changed


@st.composite
def spoiled(draw: st.DrawFn, value: Any, most: int = 3) -> Any:
    """The value with one to ``most`` of its members replaced by anything."""
    for _ in range(draw(st.integers(1, most))):
        there_are = places(value)
        if not there_are:
            break
        value = put(value, draw(st.sampled_from(there_are)), draw(anything))
    return value


def as_json(value: Any) -> str:
    """JSON text as a careless server writes it: exact numbers, NaN, halves of surrogate pairs."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{as_json(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(as_json, value)) + "]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value)


def assert_said(*said: Problem | CrossfootError) -> None:
    """A person can read it: one plain cause, a remedy, and nothing of the program's inside."""
    for each in said:
        assert each.message.strip(), each
        assert each.remedy.strip(), each
        assert len(each.message) <= 600, each.message
        for trace in ("Traceback", "object at 0x", "Error(", "<class", "NoneType", ".py"):
            assert trace not in each.message + each.remedy, each.message


def assert_storable(text: str) -> None:
    """Every encoding and database takes it."""
    text.encode()
    assert "\x00" not in text
