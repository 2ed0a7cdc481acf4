"""The command line in this process, with a real database, a real Redis, and fakes for PSA and books."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from app.cli.context import Context
from app.cli.main import main
from app.database import Database
from app.domain.links import LinkKind
from app.services.connections import connections
from app.services.posting import running
from app.settings import Settings, Waits
from tests import template
from tests.builders import a_document, an_entry
from tests.fakes import FakeBooks, FakeConnectors, FakeSource, some_tokens

SITE = "https://psa.example"


@dataclass
class Told:
    """What a command answered."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class CommandLine:
    """Runs commands as ``./crossfoot`` does."""

    settings: Settings
    capture: pytest.CaptureFixture[str]
    source: FakeSource = field(default_factory=lambda: FakeSource(a_document("39005"), a_document("39006")))
    books: FakeBooks = field(default_factory=FakeBooks)

    def __post_init__(self) -> None:
        self.connectors = FakeConnectors({SITE: self.source}, {"9341": self.books})

    def __call__(self, *arguments: str) -> Told:
        context = Context(lambda: self.settings, lambda *_: self.connectors, worker_seconds=0.2)
        self.capture.readouterr()
        status = main(arguments, context)
        told = self.capture.readouterr()
        return Told(status, told.out, told.err)

    def database(self, act: Callable[[Database], Any]) -> Any:
        """Do something on the database of the installation."""
        database = Database.of(self.settings)
        try:
            return act(database)
        finally:
            database.dispose()

    def work(self, batch_id: int) -> None:
        """What a worker does when it is woken."""
        waits = Waits(running=0.1, between=0.1, lease=5)
        self.database(lambda database: running.run(database, self.connectors, batch_id, waits))


@pytest.fixture
def crossfoot(tmp_path: Path, redis_url: str, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    home = tmp_path / "home with a blank"
    home.mkdir(mode=0o700)
    template.put(home / "crossfoot.db")
    environ = {"CROSSFOOT_HOME": str(home), "CROSSFOOT_REDIS_URL": redis_url}
    return CommandLine(Settings.from_environment(environ), capsys)


@pytest.fixture
def connected(crossfoot: CommandLine, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """Both sides are connected, and account 4100 is linked."""
    monkeypatch.setenv("CONNECTWISE_PRIVATE_KEY", "private")
    connect(crossfoot)
    crossfoot.books.lists.append(an_entry(LinkKind.ACCOUNTS, "79", "Sales", number="4100"))
    crossfoot.database(
        lambda database: connections.confirm_book(
            database, crossfoot.connectors, realm="9341", held=some_tokens(), environment="sandbox", by="ab"
        )
    )
    told = crossfoot("mappings", "set", "--book", "1", "--kind", "accounts", "--source-id", "4100", "--ledger-id", "79")
    assert told.status == 0
    return crossfoot


def connect(crossfoot: CommandLine, *more: str) -> Told:
    keys = ("--company-id", "demo", "--public-key", "pub", "--client-id", "guid")
    return crossfoot("connect", "connectwise", "--site", SITE, *keys, *more)
