"""The assets folder holds what the pages name, and only that."""

from pathlib import Path

import pytest

from launcher.front_end import assets_step, build_assets, sprite
from launcher.project import Project
from launcher.steps import all_current, run_chains

ICON = '<svg viewBox="0 0 24 24"><path stroke="none" d="M0 0h24v24H0z" fill="none" /><path d="M5 12l5 5" /></svg>'
TEMPLATE = """
{% set STATES = {"posted": ("check", "Posted")} %}
{{ ui.icon("player-play") }}<use href="/assets/icons.svg#bell"/>
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A checkout with one template, and packages as npm would have put them there."""
    files = {
        "app/templates/page.html": TEMPLATE,
        "app/routes/pages.py": "NAV = [('Batches', 'stack-2')]\n",
        "app/static/crossfoot.css": "body {}",
        "node_modules/htmx.org/dist/htmx.min.js": "htmx",
        "node_modules/@tabler/core/dist/css/tabler.min.css": "a{}\n/*# sourceMappingURL=tabler.min.css.map */",
        "node_modules/@fontsource-variable/inter/index.css": "@font-face { src: url(./files/inter-latin.woff2) }",
        "node_modules/@fontsource-variable/inter/files/inter-latin.woff2": "font",
        "node_modules/@fontsource-variable/inter/files/inter-greek.woff2": "another",
    }
    icons = {
        f"node_modules/@tabler/icons/icons/outline/{name}.svg": ICON
        for name in ("check", "player-play", "bell", "stack-2", "x")
    }
    for name, content in (files | icons).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    return Project(tmp_path)


def test_the_sprite_holds_the_icons_that_templates_and_code_name(project: Project) -> None:
    build_assets(project)
    drawn = (project.assets / "icons.svg").read_text()
    assert [name for name in ("check", "player-play", "bell", "stack-2", "x") if f'id="{name}"' in drawn] == [
        "check",
        "player-play",
        "bell",
        "stack-2",
    ]
    assert "M0 0h24v24H0z" not in drawn


def test_a_word_without_an_icon_is_left_out(tmp_path: Path) -> None:
    assert sprite(tmp_path, {"posted"}) == '<svg xmlns="http://www.w3.org/2000/svg"></svg>'


def test_only_the_fonts_that_the_stylesheet_names_are_served(project: Project) -> None:
    build_assets(project)
    assert [path.name for path in (project.assets / "inter" / "files").iterdir()] == ["inter-latin.woff2"]


def test_styles_name_no_source_map_that_is_not_served(project: Project) -> None:
    build_assets(project)
    assert (project.assets / "tabler/css/tabler.min.css").read_text() == "a{}\n"


def test_our_own_files_are_served_as_they_are_edited(project: Project) -> None:
    build_assets(project)
    (project.root / "app/static/crossfoot.css").write_text("body { color: red }")
    assert (project.assets / "crossfoot.css").read_text() == "body { color: red }"


def test_what_is_no_longer_named_disappears(project: Project) -> None:
    (project.assets / "old").mkdir(parents=True)
    (project.assets / "old" / "file.js").write_text("old")
    build_assets(project)
    assert not (project.assets / "old" / "file.js").exists()


def test_a_new_icon_in_a_template_makes_the_sprite_again(project: Project) -> None:
    step = assets_step(project)
    run_chains(project.setup, [[step]])
    assert all_current(project.setup, [step])
    (project.root / "app/templates/page.html").write_text(TEMPLATE + '{{ icon("x") }}')
    assert not all_current(project.setup, [step])
    run_chains(project.setup, [[step]])
    assert 'id="x"' in (project.assets / "icons.svg").read_text()
