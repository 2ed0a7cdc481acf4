"""The bell that wakes a worker."""

from __future__ import annotations

from pathlib import Path

import redis
from rq import Queue
from rq.serializers import JSONSerializer

from app.jobs import doorbell


def test_a_job_is_an_id_and_may_take_longer_than_rq_gives_one(redis_server: redis.Redis, redis_url: str) -> None:
    assert doorbell.ring_batch(redis_url, 7)
    [job] = Queue(doorbell.QUEUE, connection=redis_server, serializer=JSONSerializer).jobs
    assert (job.func_name, list(job.args), job.timeout) == ("app.jobs.tasks.run_batch", [7], -1)


def test_a_ring_without_redis_is_lost_and_nothing_fails(tmp_path: Path) -> None:
    assert not doorbell.ring_batch(f"unix://{tmp_path / 'nobody'}", 7)
