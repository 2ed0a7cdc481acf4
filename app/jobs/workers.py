"""Which workers are alive: RQ keeps a key per worker that ends by itself when the worker stops renewing it."""

from __future__ import annotations

from redis import Redis, RedisError
from rq import Worker
from rq.serializers import JSONSerializer


def alive(redis_url: str) -> list[str]:
    """Names of the workers that Redis knows to be alive; none where Redis does not answer."""
    with Redis.from_url(redis_url, socket_timeout=2) as server:
        return known_to(server)


def known_to(server: Redis) -> list[str]:
    """The same, over a connection that is open already."""
    try:
        return [worker.name for worker in Worker.all(connection=server, serializer=JSONSerializer)]
    except RedisError:
        return []
