"""Templates: fields and conditions, and nothing else that could read or work more than it should."""

from __future__ import annotations

import pytest

from app.domain import templates
from app.domain.problems import ValidationError

FIELDS = ("ticket", "notes")


def test_fields_are_filled_in_and_conditions_kept() -> None:
    text = "#{{ ticket }}{% if notes %}: {{ notes | upper }}{% endif %}"
    assert templates.render(text, {"ticket": "48", "notes": "done"}) == "#48: DONE"
    assert templates.render(text, {"ticket": "48", "notes": ""}) == "#48"


def test_lines_that_empty_fields_leave_are_taken_out() -> None:
    assert templates.render("a\n{{ notes }}\nb", {"notes": ""}) == "a\nb"


def test_what_a_field_says_is_never_read_as_a_template() -> None:
    assert templates.render("{{ notes }}", {"notes": "{{ ticket }}{% if x %}"}) == "{{ ticket }}{% if x %}"


@pytest.mark.parametrize(
    "text",
    [
        "{{ ticket.__class__ }}",
        "{{ ticket['x'] }}",
        "{{ ticket|attr('x') }}",
        "{{ ticket() }}",
        "{{ ticket * 9 }}",
        "{{ ticket ~ ticket }}",
        "{{ range(9) }}",
        "{% for a in ticket %}x{% endfor %}",
        "{% set a = ticket %}",
        "{% include 'x' %}",
        "{% macro m() %}{% endmacro %}",
        "{{ [ticket] }}",
        "{{ other }}",
        "{{ ticket",
        "{% if ticket %}",
        "{{ " + "not " * 900 + "ticket }}",
        "x" * 4001,
    ],
)
def test_what_is_no_field_condition_or_known_filter_is_refused_with_its_remedy(text: str) -> None:
    with pytest.raises(ValidationError) as error:
        templates.check(text, FIELDS)
    assert error.value.remedy


def test_a_long_result_is_cut() -> None:
    assert len(templates.render("{{ notes }}" * 300, {"notes": "x" * 4000})) == templates.LONGEST_RESULT
