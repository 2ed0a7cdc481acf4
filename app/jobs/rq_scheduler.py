"""The scheduler process: ``python -m app.jobs.rq_scheduler``. It rings; a second one beside it does no harm.

RQ's cron scheduler would write its jobs as pickles; ours go through the doorbell, as JSON.
"""

from __future__ import annotations

from redis import Redis
from rq.cron import CronJob, CronScheduler
from sqlmodel import Session

from app import logs
from app.database import Database
from app.jobs import doorbell
from app.models.columns import utcnow
from app.models.postings import Heartbeat
from app.settings import Settings

#: Seconds between sweeps: with a lease of 30 s a batch whose worker died goes on well within 90 s.
SWEEP = 15
DAY = 86400
#: Names in ``app.jobs.tasks``, and the seconds between two rings. Only names: a scheduler that imported what workers do
#: would need a third more memory.
JOBS = {"sweep": SWEEP, "housekeeping": DAY}


class Scheduler(CronScheduler):
    """Rings for what is due, and leaves a sign of life in the database."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(Redis.from_url(settings.redis_url), logging_level="WARNING")
        self._settings = settings
        self._database = Database.of(settings)
        self.get_jobs().extend(CronJob(doorbell.QUEUE, func_name=job, interval=every) for job, every in JOBS.items())

    def enqueue_jobs(self) -> list[CronJob]:
        due = [job for job in self.get_jobs() if job.should_run()]
        for job in due:
            doorbell.ring(self._settings.redis_url, job.func_name, ttl=SWEEP * 2)
            job.set_enqueue_time(utcnow())
        with self._database.session() as session:
            beat(session)
        return []  # nothing of it is kept in Redis


def beat(session: Session) -> None:
    """The scheduler is alive."""
    row = session.get(Heartbeat, "scheduler") or Heartbeat(name="scheduler", at=utcnow())
    row.at = utcnow()
    session.add(row)
    session.commit()


def main() -> None:
    """Tick until asked to end."""
    logs.configure()
    Scheduler(Settings.from_environment()).start()  # type: ignore[no-untyped-call]  # RQ leaves it untyped


if __name__ == "__main__":
    main()
