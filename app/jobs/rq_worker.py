"""The worker process: ``python -m app.jobs.rq_worker [COUNT]``. A worker forks a child per job.

Everything is imported before, and shared: COUNT workers are forked from one process.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from contextlib import suppress
from types import FrameType
from typing import Any

from redis import Redis
from redis.client import Pipeline
from rq import Worker, worker_registration
from rq.serializers import JSONSerializer
from sqlalchemy.orm import configure_mappers

from app import logs
from app.connectors.connectwise import opening as _connectwise
from app.connectors.quickbooks_online import opening as _quickbooks_online
from app.jobs import forks, tasks
from app.jobs.doorbell import QUEUE
from app.jobs.runtime import runtime
from app.settings import Settings

#: A worker that doesn't renew its key for this many seconds counts as dead.
ALIVE_SECONDS = 45

#: Imported here so that a forked child starts at once.
PRELOADED = (_connectwise, _quickbooks_online, tasks)


class CrossfootWorker(Worker):
    """RQ's worker; asked to end, it lets the job in its child finish the calls in flight and give the batch back."""

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        if self.horse_pid:
            with suppress(ProcessLookupError):
                os.kill(self.horse_pid, signal.SIGTERM)
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]  # RQ leaves some of its methods untyped

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Renew the sign of life, and the entry in the list of workers: a Redis that was restarted has lost it."""
        super().heartbeat(timeout, pipeline)
        worker_registration.register(self, pipeline)

    def setup_work_horse_signals(self) -> None:
        super().setup_work_horse_signals()  # type: ignore[no-untyped-call]  # as above
        signal.signal(signal.SIGTERM, _abandon)


def _abandon(_signum: int, _frame: FrameType | None) -> None:
    runtime().abandon.set()


def work() -> None:
    """Work until asked to end."""
    settings = Settings.from_environment()
    worker: Any = CrossfootWorker(
        [QUEUE],
        connection=Redis.from_url(settings.redis_url),
        serializer=JSONSerializer,
        worker_ttl=ALIVE_SECONDS,
        job_monitoring_interval=10,
    )
    worker.work(logging_level="WARNING")


def main() -> None:
    """One worker, or as many as the argument says."""
    logs.configure()
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    configure_mappers()  # else every child would
    gc.collect()
    gc.freeze()  # else a child's first collection would copy every page that it shares with us
    if count == 1:
        work()
    else:
        forks.keep(count, work)


if __name__ == "__main__":
    main()
