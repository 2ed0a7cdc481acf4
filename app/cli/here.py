"""Working on a batch in this very process: what a person waits for anyway needs no worker."""

from __future__ import annotations

import datetime as dt
import time

from app.cli.context import Context
from app.domain.states import Status
from app.models.columns import utcnow
from app.services.batches import batches, progress
from app.services.posting import running

LOOK = 0.5


def work_here(context: Context, batch_id: int) -> None:
    """Run the batch to its end; beside a worker that has it already, wait for that one."""
    while True:
        running.run(context.database, context.connectors, batch_id, context.settings.waits)
        with context.database.reading() as session:
            batch = batches.find(session, batch_id)
            if progress.status(session, batch) not in (Status.QUEUED, Status.RUNNING):
                return
        due = batch.wake_at or utcnow() + dt.timedelta(seconds=LOOK)
        time.sleep(max(LOOK, (due - utcnow()).total_seconds()))
        _wake(context, batch_id)


def _wake(context: Context, batch_id: int) -> None:
    with context.database.session() as session:
        batch = batches.find(session, batch_id)
        batch.wake_at = None
        session.add(batch)
        session.commit()
