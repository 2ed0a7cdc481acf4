"""Bringing the database to the state that this checkout expects, before anything is served from it.

The app's other commands see to it themselves.
"""

import json
import subprocess
from collections.abc import Mapping

from launcher.messages import LauncherError
from launcher.project import Project

#: Both in one process: to start one takes longer than what it does.
PREPARE = """
import sys
from app.cli.main import main
sys.exit(main(["migrate", "--json"]) or main(["setup-code"]))
"""


def prepare_database(project: Project, env: Mapping[str, str]) -> list[str]:
    """Run the migrations that this database has not had; returns the lines with the set-up code, if it is needed.

    Raises LauncherError with the app's own sentence.
    """
    command = [str(project.python), "-P", "-c", PREPARE]
    done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    first, *rest = done.stdout.splitlines() or [""]
    if done.returncode:
        raise _error(first, done.stderr, done.returncode)
    return [line for line in rest if line.strip()]


def _error(stdout: str, stderr: str, status: int) -> LauncherError:
    try:
        said = json.loads(stdout)
        return LauncherError(said["error"], said["remedy"], status)
    except (ValueError, KeyError, TypeError):
        lines = [line for line in stderr.splitlines() if line.strip()]
        cause = lines[-1] if lines else f"status {status}"
        remedy = "Check CROSSFOOT_DATABASE_URL and the data folder."
        return LauncherError(f"The database cannot be prepared: {cause}.", remedy)
