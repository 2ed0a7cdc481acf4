"""What every command is given: settings, a migrated database, connectors, and who is asking. Made on first use."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING

import click

from app.connectors.protocols import Connectors
from app.database import Database
from app.settings import Settings

if TYPE_CHECKING:
    from redis import Redis

#: Puts the connectors together; tests give their own.
Composer = Callable[[Settings, Database, "Redis"], Connectors]
#: The one that every process uses. It and Redis are imported on first use: most commands call no vendor, and start
#: in half the time without them.
COMPOSITION = "app.composition"
#: Without a live worker for so long, ``--wait`` gives up; nothing was submitted then.
WORKER_SECONDS = 10.0


class Context:
    """One call of the command line."""

    def __init__(
        self,
        settings: Callable[[], Settings] = Settings.from_environment,
        compose: Composer | None = None,
        worker_seconds: float = WORKER_SECONDS,
    ) -> None:
        self._read_settings = settings
        self._compose = compose
        self._stack = ExitStack()
        self.worker_seconds = worker_seconds
        self.as_json = False

    @cached_property
    def settings(self) -> Settings:
        return self._read_settings()

    @cached_property
    def database(self) -> Database:
        """At the newest schema: a command may be the first thing that runs after an update."""
        database = self.unmigrated
        if not database.is_current():
            database.migrate()
        return database

    @cached_property
    def unmigrated(self) -> Database:
        database = Database.of(self.settings)
        self._stack.callback(database.dispose)
        return database

    @cached_property
    def connectors(self) -> Connectors:
        """Vendors, counted by the Redis of the running ``up``, or by one of our own while there is none."""
        compose: Composer = self._compose or import_module(COMPOSITION).connectors_of
        redis = self._stack.enter_context(import_module("app.cli.redis_at_hand").redis_at_hand(self.settings))
        return compose(self.settings, self.database, redis)

    @cached_property
    def actor(self) -> str:
        """Who is asking, for audit rows and logs."""
        try:
            return f"{getpass.getuser()} (command line)"
        except (OSError, KeyError):  # a container's user may have no name
            return "command line"

    def close(self) -> None:
        """Give everything back."""
        self._stack.close()


pass_context = click.make_pass_decorator(Context)
