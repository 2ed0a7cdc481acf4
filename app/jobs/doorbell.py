"""The doorbell: Redis wakes a worker, the database says what there is to do. A lost ring is rung again by the sweep."""

from __future__ import annotations

import structlog
from redis import Redis, RedisError
from rq import Queue
from rq.serializers import JSONSerializer

QUEUE = "crossfoot"
log = structlog.get_logger()


def ring(redis_url: str, job: str, *args: int | str, ttl: int | None = None) -> bool:
    """Wake a worker for ``app.jobs.tasks.<job>``; False where Redis is gone (the sweep will ring).

    Ids only, as JSON. RQ's own time-out is off: a batch may take as long as a vendor's limits ask for.
    """
    try:
        with Redis.from_url(redis_url, socket_timeout=5) as server:
            queue = Queue(QUEUE, connection=server, serializer=JSONSerializer)
            queue.enqueue(f"app.jobs.tasks.{job}", *args, job_timeout=-1, result_ttl=0, failure_ttl=86400, ttl=ttl)
    except RedisError as error:
        log.warning("doorbell.lost", job=job, reason=type(error).__name__)
        return False
    return True


def ring_batch(redis_url: str, batch_id: int) -> bool:
    """Wake a worker for a batch."""
    return ring(redis_url, "run_batch", batch_id)
