"""A module that a self-hoster installs: found by its entry point, switched on for a company, seen at work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import select

from app.database import Database
from app.domain import hooks
from app.models.postings import Posting
from tests.routes.conftest import Browser, Vendors, words
from tests.routes.test_run import chosen, submission
from tests.routes.world import World

#: The example of docs/modules.md, word for word.
MANUAL = Path(__file__).parents[2] / "docs" / "modules.md"
PACKAGE = MANUAL.read_text().partition("```python\n")[2].partition("```")[0]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A tiny package beside one that can't be imported, both installed in a folder of their own."""
    folder = tmp_path / "site"
    for name, text in (("thanks", PACKAGE), ("broken", "import nothing_of_this_name")):
        info = folder / f"crossfoot_{name}-1.2.dist-info"
        info.mkdir(parents=True)
        (folder / f"crossfoot_{name}.py").write_text(text)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: crossfoot-{name}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[{hooks.GROUP}]\n{name} = crossfoot_{name}:MODULE\n")
    monkeypatch.syspath_prepend(str(folder))
    hooks.forget()
    yield folder
    monkeypatch.undo()
    hooks.forget()


@pytest.fixture
def world(database: Database, vendors: Vendors, package: Path) -> World:
    return World(database, vendors)


def test_an_installed_module_is_listed_switched_on_and_takes_part_in_every_document(
    admin: Browser, world: World, package: Path, database: Database
) -> None:
    page = words(admin.get("/settings/books/1/modules"))
    assert "Thank you Off texts of lines, checks, notifications crossfoot-thanks 1.2" in page
    assert "broken Can’t be loaded ModuleNotFoundError" in page
    assert "with all of Crossfoot’s rights" in page
    assert "1 changed" in words(admin.post("/settings/books/1/modules", {"modules.thanks": "yes"}))
    audit = words(admin.get("/settings/audit?q=book.settings"))
    assert "changed settings Demo MSP" in audit
    assert "Thank you" in audit
    peek = words(admin.get("/run/invoices/peek/39005", hx=True))
    assert "Managed services (thank you, Acme Dental)" in peek
    assert "Changed by module Thank you" in peek
    assert "It is less than 60. (Thank you)" in words(admin.get("/run/invoices/peek/39009", hx=True))

    chosen(admin, "39005", "39009")
    admin.post("/run/invoices/submit", submission(admin))
    world.work()
    assert len(world.company.documents) == 1
    with database.reading() as session:
        posting = session.exec(select(Posting).where(Posting.state == "closed")).one()
        assert posting.document
        assert posting.document["lines"][0]["description"] == "Managed services (thank you, Acme Dental)"
    record = words(admin.get("/records/1/invoices/39005"))
    assert "Changed by the module Thank you" in record
    assert "changed by module Thank you" in record  # in the timeline
    assert "It is less than 60. (Thank you)" in words(admin.get("/batches/1"))
    assert package.joinpath("told.txt").read_text().split()[1:] == ["completed_with_errors", "1"]


def test_a_module_that_is_gone_holds_its_companys_documents_and_can_be_switched_off(
    admin: Browser, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin.get("/settings/books/1/modules")
    admin.post("/settings/books/1/modules", {"modules.thanks": "yes"})
    monkeypatch.undo()
    hooks.forget()
    assert "switched on here, but not installed" in words(admin.get("/run/invoices/peek/39005", hx=True))
    assert "It is not installed (any more)." in words(admin.get("/settings/books/1/modules"))
    admin.post("/settings/books/1/modules", {"modules.thanks": "no"})
    assert "not installed" not in words(admin.get("/run/invoices/peek/39005", hx=True))


def test_only_an_admin_switches_modules(bookkeeper: Browser, world: World) -> None:
    assert "Only admins change these" in words(bookkeeper.get("/settings/books/1/modules"))
    bookkeeper.post("/settings/books/1/modules", {"modules.avalara": "yes"}, status=403)
