"""The `conditions` language: `(company/id = 250 and total >= 10) or invoiceNumber like "104*"`.

Comparison follows the database behind the PSA: text without regard to case, and null equal to nothing but null.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sandbox.connectwise.errors import bad_query

Row = dict[str, Any]
Test = Callable[[Row], bool]

TOKENS = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<moment>\[[^\]]*\])|(?P<number>-?\d+(?:\.\d+)?(?![\w/]))"""
    r"""|(?P<word>[A-Za-z_][\w/]*)|(?P<op><=|>=|!=|=|<|>)|(?P<mark>[(),]))"""
)
ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: bool(a == b),
    "!=": lambda a, b: bool(a != b),
    "<": lambda a, b: bool(a < b),
    "<=": lambda a, b: bool(a <= b),
    ">": lambda a, b: bool(a > b),
    ">=": lambda a, b: bool(a >= b),
}
ALIASES = {"lastUpdated": "_info/lastUpdated"}
WORDS = {"true": True, "false": False, "null": None}


def look_up(row: Row, path: str) -> Any:
    """The value at `company/id`, or None where any step is missing."""
    value: Any = row
    for step in ALIASES.get(path, path).split("/"):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def parse(text: str, fields: frozenset[str]) -> Test:
    """A test for rows. Raises a 400 for what cannot be read and for a field that the resource doesn't have."""
    reader = _Reader(_tokens(text), fields)
    test = reader.either()
    reader.end()
    return test


def check_field(path: str, fields: frozenset[str]) -> str:
    """The path itself, or a 400 where its first step is no field of the resource."""
    if ALIASES.get(path, path).split("/", 1)[0] not in fields:
        raise bad_query(f"No property or field '{path}' exists in the requested resource")
    return path


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at = [], 0
    text = text.strip()
    while at < len(text):
        match = TOKENS.match(text, at)
        if not match or not match.lastgroup:
            raise bad_query(f"conditions cannot be read at {text[at : at + 20]!r}")
        found.append((match.lastgroup, match.group(match.lastgroup)))
        at = match.end()
    return found


def _plain(value: Any) -> Any:
    """What two values are compared by: lower case text, exact numbers, aware moments."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float | Decimal):
        return Decimal(str(value))
    return str(value).casefold()


def _as_moment(value: Any) -> datetime | None:
    """A moment, or None for what is no date: it compares as null."""
    try:
        moment = datetime.fromisoformat(str(value).strip())
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _moment(text: str) -> datetime:
    moment = _as_moment(text)
    if moment is None:
        raise bad_query(f"[{text}] is no date")
    return moment


class _Reader:
    """Recursive descent over the tokens."""

    def __init__(self, tokens: list[tuple[str, str]], fields: frozenset[str]) -> None:
        self._tokens = tokens
        self._fields = fields
        self._at = 0

    def either(self) -> Test:
        tests = [self._both()]
        while self._word("or"):
            tests.append(self._both())
        return tests[0] if len(tests) == 1 else lambda row: any(test(row) for test in tests)

    def end(self) -> None:
        if self._at < len(self._tokens):
            raise bad_query(f"conditions: unexpected {self._tokens[self._at][1]!r}")

    def _both(self) -> Test:
        tests = [self._one()]
        while self._word("and"):
            tests.append(self._one())
        return tests[0] if len(tests) == 1 else lambda row: all(test(row) for test in tests)

    def _one(self) -> Test:
        if self._mark("("):
            test = self.either()
            self._need(")")
            return test
        return self._comparison()

    def _comparison(self) -> Test:
        kind, path = self._next()
        if kind != "word":
            raise bad_query(f"conditions: a field was expected, not {path!r}")
        check_field(path, self._fields)
        negated = self._word("not")
        kind, operator = self._next()
        test = self._operation(path, operator.lower())
        return (lambda row: look_up(row, path) is not None and not test(row)) if negated else test

    def _operation(self, path: str, operator: str) -> Test:
        if operator == "in":
            wanted = self._list()
            return lambda row: _plain(look_up(row, path)) in wanted
        if operator == "contains":
            part = str(_plain(self._value()))
            return lambda row: part in str(look_up(row, path) or "").casefold()
        if operator == "like":
            pattern = _wildcards(str(self._value()))
            return lambda row: bool(pattern.fullmatch(str(look_up(row, path) or "")))
        if operator in ORDER:
            return _ordered(path, operator, self._value())
        raise bad_query(f"conditions: unknown operator {operator!r}")

    def _list(self) -> list[Any]:
        self._need("(")
        values = []
        while not self._mark(")"):
            values.append(_plain(self._value()))
            self._mark(",")
        return values

    def _value(self) -> Any:
        kind, text = self._next()
        if kind == "text":
            return re.sub(r"\\(.)", r"\1", text[1:-1])
        if kind == "moment":
            return _moment(text[1:-1])
        if kind == "number":
            return Decimal(text)
        if kind == "word" and text.lower() in WORDS:
            return WORDS[text.lower()]
        raise bad_query(f"conditions: a value was expected, not {text!r}")

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise bad_query("conditions end too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _peek(self, kind: str, text: str) -> bool:
        here = self._tokens[self._at] if self._at < len(self._tokens) else ("", "")
        found = here[0] == kind and here[1].lower() == text
        self._at += found
        return found

    def _word(self, text: str) -> bool:
        return self._peek("word", text)

    def _mark(self, text: str) -> bool:
        return self._peek("mark", text)

    def _need(self, text: str) -> None:
        if not self._mark(text):
            raise bad_query(f"conditions: {text!r} was expected")


def _wildcards(text: str) -> re.Pattern[str]:
    pattern = "".join(".*" if each in "*%" else re.escape(each) for each in text)
    return re.compile(pattern, re.IGNORECASE | re.DOTALL)


def _ordered(path: str, operator: str, wanted: Any) -> Test:
    compare = ORDER[operator]
    if wanted is None:
        return lambda row: compare(look_up(row, path) is None, True)
    if isinstance(wanted, datetime):
        return lambda row: (moment := _as_moment(look_up(row, path))) is not None and compare(moment, wanted)
    plain = _plain(wanted)
    return lambda row: _comparable(value := _plain(look_up(row, path)), plain) and compare(value, plain)


def _comparable(value: Any, wanted: Any) -> bool:
    return value is not None and type(value) is type(wanted)
