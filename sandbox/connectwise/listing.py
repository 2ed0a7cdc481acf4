"""Lists as the API gives them: conditions, orderBy, fields, pages with a Link header, counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flask import Response, jsonify, request

from sandbox.connectwise.conditions import check_field, look_up, parse
from sandbox.connectwise.errors import bad_query

if TYPE_CHECKING:
    from collections.abc import Iterable

Row = dict[str, Any]

DEFAULT_SIZE, LARGEST_SIZE = 25, 1000


def page_of(rows: Iterable[Row], fields: frozenset[str]) -> Response:
    """One page of the rows that meet the request's conditions, with links to the pages around it."""
    found = _matching(rows, fields)
    if request.headers.get("pagination-type", "").lower() == "forward-only":
        return _forward(found, fields)
    found = _sorted(found, fields)
    size, number = _size(), max(_integer("page", 1), 1)
    last = max(-(-len(found) // size), 1)
    answer = jsonify([_only(each, fields) for each in found[(number - 1) * size : number * size]])
    answer.headers["Link"] = _links(number, last)
    return answer


def count_of(rows: Iterable[Row], fields: frozenset[str]) -> Response:
    """`{"count": n}` of the rows that meet the request's conditions."""
    return jsonify({"count": len(_matching(rows, fields))})


def one(row: Row, fields: frozenset[str]) -> Response:
    """A single record, cut down to `fields` where they are asked for."""
    return jsonify(_only(row, fields))


def _matching(rows: Iterable[Row], fields: frozenset[str]) -> list[Row]:
    text = request.args.get("conditions", "").strip()
    if not text:
        return list(rows)
    test = parse(text, fields)
    return [each for each in rows if test(each)]


def _forward(rows: list[Row], fields: frozenset[str]) -> Response:
    """Forward-only paging: `id > pageId`. The link to a next page is there even on the last one."""
    if request.args.get("orderBy"):
        raise bad_query("orderBy is not supported with forward-only pagination")
    after = _integer("pageId", 0)
    page = sorted((each for each in rows if each["id"] > after), key=lambda each: int(each["id"]))[: _size()]
    answer = jsonify([_only(each, fields) for each in page])
    answer.headers["Link"] = _link("next", pageId=page[-1]["id"] if page else after)
    return answer


def _sorted(rows: list[Row], fields: frozenset[str]) -> list[Row]:
    for part in reversed([each.strip() for each in request.args.get("orderBy", "").split(",") if each.strip()]):
        path, _, direction = part.partition(" ")
        if direction.strip().lower() not in {"", "asc", "desc"}:
            raise bad_query(f"orderBy cannot be read: {part}")
        check_field(path, fields)
        rows = _ordered(rows, path, downwards=direction.strip().lower() == "desc")
    return rows


def _ordered(rows: list[Row], path: str, *, downwards: bool) -> list[Row]:
    return sorted(rows, key=lambda row: _sortable(look_up(row, path)), reverse=downwards)


def _sortable(value: Any) -> tuple[int, Any]:
    """Nulls first, then numbers, then text without regard to case."""
    if value is None:
        return (0, 0)
    return (2, value.casefold()) if isinstance(value, str) else (1, value)


def _only(row: Row, fields: frozenset[str]) -> Row:
    """The row, cut down to `fields=a,b/c`."""
    wanted = [each.strip() for each in request.args.get("fields", "").split(",") if each.strip()]
    if not wanted:
        return row
    cut: Row = {}
    for path in wanted:
        check_field(path, fields)
        _copy(row, cut, path.split("/"))
    return cut


def _copy(source: Row, target: Row, steps: list[str]) -> None:
    name = steps[0]
    if name not in source:
        return
    if len(steps) == 1 or not isinstance(source[name], dict):
        target[name] = source[name]
    else:
        _copy(source[name], target.setdefault(name, {}), steps[1:])


def _size() -> int:
    return min(max(_integer("pageSize", DEFAULT_SIZE), 1), LARGEST_SIZE)


def _integer(name: str, default: int) -> int:
    text = request.args.get(name, "")
    if text and not text.lstrip("-").isdigit():
        raise bad_query(f"{name} must be a whole number")
    return int(text) if text else default


def _links(number: int, last: int) -> str:
    links = []
    if number < last:
        links += [_link("next", page=number + 1), _link("last", page=last)]
    if number > 1:
        links += [_link("prev", page=number - 1), _link("first", page=1)]
    return ", ".join(links)


def _link(rel: str, **changed: object) -> str:
    query = {**request.args.to_dict(), "pageSize": _size(), **changed}
    return f'<{request.base_url}?{urlencode(query)}>; rel="{rel}"'
