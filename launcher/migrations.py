"""Bringing the database to the state that this checkout expects, before anything is served from it.

The app's other commands see to it themselves.
"""

import json
import subprocess
import sys
from collections.abc import Mapping

from launcher.messages import LauncherError
from launcher.project import Project


def migrate(project: Project, env: Mapping[str, str]) -> None:
    """Run the migrations that this database has not had. Raises LauncherError with the app's own sentence."""
    command = project.module("app.cli", "migrate", "--json")
    done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise _error(done.stdout, done.stderr, done.returncode)
    sys.stderr.write(done.stderr)


def _error(stdout: str, stderr: str, status: int) -> LauncherError:
    try:
        said = json.loads(stdout)
        return LauncherError(said["error"], said["remedy"], status)
    except (ValueError, KeyError, TypeError):
        lines = [line for line in stderr.splitlines() if line.strip()]
        cause = lines[-1] if lines else f"status {status}"
        remedy = "Check CROSSFOOT_DATABASE_URL and the data folder."
        return LauncherError(f"The database cannot be prepared: {cause}.", remedy)
