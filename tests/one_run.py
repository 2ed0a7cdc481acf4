"""One run of a batch in a process of its own, to be killed: ``python -m tests.one_run DATABASE REDIS BATCH``."""

from __future__ import annotations

import os
import sys

import redis

from app.connectors.addresses import NetRules
from app.connectors.quickbooks_online.settings import App
from app.connectors.registry import Registry
from app.database import Database
from app.services.posting import running
from app.settings import Endpoints
from tests.engine import ALLOW, SHORT


def main(path: str, redis_url: str, batch_id: int) -> None:
    """The tokens in the database are good for an hour: the app's keys are never needed."""
    database = Database(f"sqlite:///{path}", (os.environ["TEST_KEY"],))
    keys = App("", "", Endpoints(os.environ["TEST_QBO_URL"], "", "", ""), "sandbox")
    connectors = Registry(redis.Redis.from_url(redis_url), NetRules.parse(ALLOW), lambda: keys)
    running.run(database, connectors, batch_id, SHORT)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
