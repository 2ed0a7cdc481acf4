"""The query language as text: `SELECT * FROM Invoice WHERE a = 'b' AND … ORDERBY a STARTPOSITION 1 MAXRESULTS 9`.

No OR, no joins, no grouping; quotes and backslashes in a text are escaped with a backslash.
https://developer.intuit.com/app/developer/qbo/docs/learn/explore-the-quickbooks-online-api/data-queries
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sandbox.quickbooks_online.problems import Refusal

LONGEST = 1000
_TOKEN = re.compile(r"\s*(?:('(?:\\.|[^'\\])*')|(<=|>=|[=<>(),*])|([\w.+:-]+))")
_OPERATORS = {"=", "<", ">", "<=", ">=", "LIKE", "IN"}
_KEYWORDS = {"SELECT", "FROM", "WHERE", "AND", "ORDERBY", "ORDER", "BY", "ASC", "DESC", "STARTPOSITION", "MAXRESULTS"}


@dataclass(frozen=True)
class Condition:
    """`attribute operator value`; `values` has one value, but for IN."""

    attribute: str
    operator: str
    values: tuple[str, ...]


@dataclass
class Query:
    """A statement taken apart. `columns` empty = every one; `order` is (attribute, descending)."""

    entity: str
    count: bool = False
    columns: list[str] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)
    order: list[tuple[str, bool]] = field(default_factory=list)
    start: int = 1
    limit: int = 100


def parse(text: str) -> Query:
    """Take a statement apart.

    Raises:
        Refusal: 4000 for what the grammar doesn't know, 4001 for a page out of range.
    """
    return _Parser(text).query()


def _parse_error(found: str) -> Refusal:
    return Refusal(4000, "Error parsing query", f'QueryParserError: Encountered " {found} " at line 1.')


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0

    def query(self) -> Query:
        self._word("SELECT")
        columns, count = self._columns()
        self._word("FROM")
        query = Query(self._next(), count, columns)
        if self._takes("WHERE"):
            query.conditions.append(self._condition())
            while self._takes("AND"):
                query.conditions.append(self._condition())
        self._order(query)
        self._page(query)
        if self._peek():
            raise _parse_error(self._peek())
        return query

    def _columns(self) -> tuple[list[str], bool]:
        columns = [self._next()]
        if columns[0].upper() == "COUNT":
            for expected in ("(", "*", ")"):
                self._word(expected)
            return [], True
        while self._takes(","):
            columns.append(self._next())
        return ([] if "*" in columns else columns), False

    def _condition(self) -> Condition:
        attribute, operator = self._next(), self._next().upper()
        if operator not in _OPERATORS:
            raise _parse_error(operator)
        if operator != "IN":
            return Condition(attribute, operator, (self._value(),))
        self._word("(")
        values = [self._value()]
        while self._takes(","):
            values.append(self._value())
        self._word(")")
        return Condition(attribute, operator, tuple(values))

    def _order(self, query: Query) -> None:
        if not self._takes("ORDERBY"):
            if not self._takes("ORDER"):
                return
            self._word("BY")
        while True:
            attribute = self._next()
            descending = self._takes("DESC") or (self._takes("ASC") and False)
            query.order.append((attribute, descending))
            if not self._takes(","):
                return

    def _page(self, query: Query) -> None:
        for _ in range(2):
            if self._takes("STARTPOSITION"):
                query.start = self._integer("STARTPOSITION", 1, 10**9)
            elif self._takes("MAXRESULTS"):
                query.limit = self._integer("MAXRESULTS", 1, LONGEST)

    def _integer(self, name: str, low: int, high: int) -> int:
        token = self._value()
        if not token.lstrip("-").isdigit():
            raise _parse_error(token)
        value = int(token)
        if not low <= value <= high:
            bound = f"small. Min allowed value is {low}" if value < low else f"large. Max allowed value is {high}"
            raise Refusal(4001, "Invalid query", f"QueryValidationError: {name} value {value} is too {bound}")
        return value

    def _value(self) -> str:
        token = self._next()
        if token.startswith("'"):
            return re.sub(r"\\(.)", r"\1", token[1:-1])
        if token.upper() in _KEYWORDS or token in {"(", ")", ",", "*", "="}:
            raise _parse_error(token)
        return token

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        if not token:
            raise _parse_error("<EOF>")
        self._at += 1
        return token

    def _takes(self, word: str) -> bool:
        if self._peek().upper() != word:
            return False
        self._at += 1
        return True

    def _word(self, word: str) -> None:
        if not self._takes(word):
            raise _parse_error(self._peek() or "<EOF>")


def _tokens(text: str) -> list[str]:
    tokens, at = [], 0
    while at < len(text.rstrip()):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _parse_error(text[at : at + 10])
        tokens.append(match[0].strip())
        at = match.end()
    return tokens
