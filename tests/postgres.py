"""A PostgreSQL server of the tests' own, made for one run and thrown away."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: initdb and the server refuse to run as root.
UNPRIVILEGED = ("postgres", "nobody")


@contextmanager
def throw_away_server(programs: Path) -> Iterator[Path]:
    """Start a server that listens on a unix socket only; yields the socket's folder. The user is `crossfoot`."""
    folder = Path(tempfile.mkdtemp(prefix="cf-pg-"))  # short: a socket's path may have 107 bytes
    user = _user()
    if user:
        shutil.chown(folder, user)
    try:
        _run(
            programs / "initdb",
            "--pgdata",
            folder / "data",
            "--auth=trust",
            "--username=crossfoot",
            "--no-sync",
            user=user,
        )
        options = f"-k {folder} -c listen_addresses= -c fsync=off -c max_connections=50"
        server = (programs / "pg_ctl", "--pgdata", folder / "data")
        _run(*server, "--log", folder / "log", "--options", options, "--wait", "start", user=user)
        try:
            yield folder
        finally:
            _run(*server, "--mode=immediate", "stop", user=user)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def database_url(folder: Path, name: str) -> str:
    """SQLAlchemy's address of one database of the server."""
    return f"postgresql+psycopg://crossfoot@/{name}?host={folder}"


def _user() -> str | None:
    """Whom to run as: an account without rights where the tests run as root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in UNPRIVILEGED if name in known)


def _run(program: Path, *arguments: str | Path, user: str | None) -> None:
    """Run one of PostgreSQL's programs. Its output goes nowhere: a pipe would stay open as long as the server."""
    command = [str(program), *map(str, arguments)]
    quiet = subprocess.DEVNULL
    subprocess.run(command, user=user, cwd="/", stdin=quiet, stdout=quiet, stderr=quiet, check=True, timeout=120)
