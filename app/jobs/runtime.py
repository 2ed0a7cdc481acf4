"""What a worker process holds for its jobs: made on first use in the process that works, never before a fork."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from functools import cache

from redis import Redis

from app.composition import connectors_of, mailer_of, messenger_of
from app.connectors.mail.mailer import Mailer
from app.connectors.notices.messenger import Messenger
from app.connectors.protocols import Connectors
from app.database import Database
from app.settings import Settings


@dataclass
class Runtime:
    """Settings, database, connectors and mail of this process. ``abandon`` is set when the process was asked to end."""

    settings: Settings
    database: Database
    connectors: Connectors
    mailer: Mailer
    messenger: Messenger
    abandon: threading.Event = field(default_factory=threading.Event)


def runtime() -> Runtime:
    """The one of this very process: a forked child gets its own connections."""
    return _made_for(os.getpid())


@cache
def _made_for(_process: int) -> Runtime:
    settings = Settings.from_environment()
    database = Database.of(settings)
    connectors = connectors_of(settings, database, Redis.from_url(settings.redis_url))
    return Runtime(settings, database, connectors, mailer_of(settings), messenger_of(settings))
