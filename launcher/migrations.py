"""Bringing the database to the state that this checkout expects, before any command uses it."""

import fcntl
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from launcher.messages import LauncherError
from launcher.project import Project
from launcher.steps import digest

STAMP = "migrated"


def migrate(project: Project, folder: Path, env: Mapping[str, str]) -> None:
    """Run the migrations unless this database has already had them all. Raises LauncherError."""
    if _stamped(folder) == _fingerprint(project, folder, env):
        return
    with (folder / "migrate.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if _stamped(folder) != _fingerprint(project, folder, env):
            _run(project, env)
            (folder / STAMP).write_text(_fingerprint(project, folder, env))


def _stamped(folder: Path) -> str:
    try:
        return (folder / STAMP).read_text()
    except OSError:
        return ""


def _fingerprint(project: Project, folder: Path, env: Mapping[str, str]) -> str:
    """The migrations, the database's address and, where it is our own file, which file it is."""
    database = folder / "crossfoot.db"
    identity = str(database.stat().st_ino) if database.exists() else "none"
    scripts = sorted((project.root / "migrations").rglob("*.py"))
    return digest(env.get("CROSSFOOT_DATABASE_URL", ""), identity, *scripts)


def _run(project: Project, env: Mapping[str, str]) -> None:
    command = project.module("app.cli", "migrate", "--json")
    done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise _error(done.stdout, done.stderr, done.returncode)
    sys.stderr.write(done.stderr)


def _error(stdout: str, stderr: str, status: int) -> LauncherError:
    """The app's own sentence where it gave one."""
    try:
        said = json.loads(stdout)
        return LauncherError(said["error"], said["remedy"], status)
    except (ValueError, KeyError, TypeError):
        lines = [line for line in stderr.splitlines() if line.strip()]
        cause = lines[-1] if lines else f"status {status}"
        remedy = "Check CROSSFOOT_DATABASE_URL and the data folder."
        return LauncherError(f"The database cannot be prepared: {cause}.", remedy)
