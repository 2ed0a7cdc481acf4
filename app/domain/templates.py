"""Texts with fields, for lines, memos and letters: Jinja, cut down to names, `if` and a few filters.

Whoever may edit a template must not be able to read more than its fields, or to keep the machine busy: there are no
attributes, indices, calls, loops, sums or includes, so the work is bounded by the template's own length.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache

from jinja2 import Environment, TemplateError, meta, nodes
from jinja2.environment import Template

from app.domain.problems import ValidationError

LONGEST, LONGEST_RESULT, DEEPEST = 4000, 20_000, 40
TOO_DEEP = ValidationError("The template is nested too deeply.", "Write it with fewer conditions.")
FILTERS = ("upper", "lower", "title", "trim", "default")
_ALLOWED: tuple[type[nodes.Node], ...] = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Filter, nodes.If, nodes.And,
    nodes.Or, nodes.Not, nodes.Compare, nodes.Operand,
)  # fmt: skip
_environment = Environment(autoescape=False, trim_blocks=True, lstrip_blocks=True)  # noqa: S701 -- plain text, never HTML
_environment.filters = {name: _environment.filters[name] for name in FILTERS}
_environment.globals = {}
_environment.tests = {}


def check(text: str, fields: Collection[str]) -> None:
    """Raises ValidationError that says what can't be used, in which line, and what can."""
    if len(text) > LONGEST:
        raise ValidationError(f"A template has at most {LONGEST:,} characters.", "Shorten it.")
    try:
        tree = _environment.parse(text)
    except RecursionError as error:
        raise TOO_DEEP from error
    except TemplateError as error:
        raise ValidationError(
            f"The template can’t be read: {error.message} (line {getattr(error, 'lineno', 1)}).",
            "A field is written {{ ticket }}, a condition {% if notes %}…{% endif %}.",
        ) from error
    todo: list[tuple[nodes.Node, int]] = [(tree, 0)]
    while todo:
        node, depth = todo.pop()
        if depth > DEEPEST:
            raise TOO_DEEP
        _check_node(node, fields)
        todo += [(child, depth + 1) for child in node.iter_child_nodes()]


@lru_cache(maxsize=256)
def named(text: str) -> frozenset[str]:
    """The fields that a template uses; none of one that can’t be read."""
    try:
        return frozenset(meta.find_undeclared_variables(_environment.parse(text)))
    except (TemplateError, RecursionError):
        return frozenset()


def render(text: str, values: Mapping[str, str]) -> str:
    """The text with its fields filled in; blank lines that empty fields leave are taken out. Raises ValidationError."""
    try:
        result = _compiled(text, frozenset(values)).render(values)
    except TemplateError as error:
        raise ValidationError(f"The template can’t be filled in: {error.message}.", "Change the template.") from error
    lines = (line.rstrip() for line in result[:LONGEST_RESULT].splitlines())
    return "\n".join(line for line in lines if line)


@lru_cache(maxsize=256)
def _compiled(text: str, fields: frozenset[str]) -> Template:
    check(text, fields)
    return _environment.from_string(text)


def _check_node(node: nodes.Node, fields: Collection[str]) -> None:
    line = getattr(node, "lineno", 1)
    if not isinstance(node, _ALLOWED):
        raise ValidationError(
            f"Line {line} of the template uses “{type(node).__name__.lower()}”, which templates here don’t have.",
            "Use fields like {{ ticket }}, {% if … %} and the filters " + ", ".join(FILTERS) + ".",
        )
    if isinstance(node, nodes.Name) and node.name not in fields:
        raise ValidationError(
            f"Line {line} of the template names the field “{node.name}”, which there is not.",
            f"There are: {', '.join(sorted(fields))}.",
        )
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        raise ValidationError(
            f"Line {line} of the template uses the filter “{node.name}”.", f"There are: {', '.join(FILTERS)}."
        )
