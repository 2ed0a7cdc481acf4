"""A Redis for commands that call vendors while no ``up`` runs: private, and gone with the command.

Call limits hold all the same: what the new server doesn't know, the throttle takes from the database.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import redis

from app.cli.output import say
from app.domain.problems import CrossfootError
from app.settings import PROJECT, Settings
from launcher.messages import LauncherError
from launcher.project import Project
from launcher.redis_server import private_server, wait_until_it_answers


@contextmanager
def redis_at_hand(settings: Settings) -> Iterator[redis.Redis]:
    """A client of the Redis below."""
    with redis_url(settings) as url, redis.Redis.from_url(url) as client:
        yield client


@contextmanager
def redis_url(settings: Settings) -> Iterator[str]:
    """Address of the installation's Redis, or of one that lives as long as the block.

    Only the private server is replaced so; where CROSSFOOT_REDIS_URL names one, the call itself says that it is gone.
    """
    if answers(settings.redis_url) or not is_private(settings):
        yield settings.redis_url
        return
    say("No ./crossfoot up is running: the vendors' call limits are counted anew, which may take up to a minute.")
    with tempfile.TemporaryDirectory(prefix="crossfoot-") as folder, _server(Path(folder)) as url:
        yield url


def is_private(settings: Settings) -> bool:
    """Whether the installation's Redis is the one in its own data folder."""
    link = settings.home / "redis.path"
    path = link.read_text().strip() if link.exists() else str(settings.home / "redis.sock")
    return settings.redis_url == f"unix://{path}"


def answers(url: str) -> bool:
    """Whether a Redis answers at the address."""
    with suppress(redis.RedisError), redis.Redis.from_url(url, socket_timeout=2) as server:
        return bool(server.ping())
    return False


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    try:
        server = private_server(Project(PROJECT), folder)
    except LauncherError as error:
        raise CrossfootError(error.sentence, error.remedy) from error
    command = [server.program, "-"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)  # noqa: S603 - ours
    try:
        if process.stdin:
            process.stdin.write(server.configuration)
            process.stdin.close()
        if not wait_until_it_answers(server.socket):
            raise CrossfootError("Redis does not start.", f"Try it by hand: {server.program} --version")
        yield f"unix://{server.socket}"
    finally:
        process.terminate()
        process.wait()
