"""The folders of one installation: the checkout, its set-up results, the data folder."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from launcher.messages import LauncherError

#: The private Redis and everything it needs lie here, so nobody else may look in.
DATA_FOLDER_MODE = 0o700


@dataclass(frozen=True)
class Project:
    """A checkout of Crossfoot and what set-up makes beside it."""

    root: Path

    @property
    def setup(self) -> Path:
        """Stamps, logs of the installers, the front-end assets. Can be deleted at any time."""
        return self.root / ".setup"

    @property
    def venv(self) -> Path:
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        return self.venv / "bin" / "python"

    @property
    def assets(self) -> Path:
        return self.setup / "assets"

    @property
    def node_modules(self) -> Path:
        return self.root / "node_modules"

    def module(self, name: str, *arguments: str) -> list[str]:
        """The command line that runs a module of the project from any folder.

        `-P` keeps the caller's folder out of Python's search path; `environment` puts the project on it.
        """
        return [str(self.python), "-P", "-m", name, *arguments]


def this_project() -> Project:
    """The checkout that this file belongs to."""
    return Project(Path(__file__).resolve().parent.parent)


def data_folder(project: Project, environ: Mapping[str, str]) -> Path:
    """Where the data lies: `CROSSFOOT_HOME`, else `instance` beside the launcher wherever it is called from."""
    chosen = environ.get("CROSSFOOT_HOME", "").strip()
    return Path(chosen).absolute() if chosen else project.root / "instance"


def prepare_data_folder(folder: Path) -> None:
    """Make the data folder and close it to others."""
    try:
        folder.mkdir(mode=DATA_FOLDER_MODE, parents=True, exist_ok=True)
        if folder.stat().st_mode & 0o777 != DATA_FOLDER_MODE:
            folder.chmod(DATA_FOLDER_MODE)
    except OSError as error:
        raise LauncherError(
            f"The data folder {folder} cannot be used: {error.strerror}.",
            "Set CROSSFOOT_HOME to a folder that belongs to you.",
        ) from error


def environment(project: Project, folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment in which every process of the app runs.

    HOME may be missing under a service manager; some libraries insist on one, so the data folder stands in. Two arenas
    of malloc do for threads that mostly wait for vendors: one for each would keep what every thread once needed.
    """
    ours = {name: value for name, value in environ.items() if name not in {"PYTHONHOME", "PYTHONSTARTUP"}}
    ours |= {"CROSSFOOT_HOME": str(folder), "PYTHONPATH": str(project.root), "PYTHONUNBUFFERED": "1"}
    ours.setdefault("MALLOC_ARENA_MAX", "2")
    if not os.access(ours.get("HOME") or "/nowhere", os.W_OK):
        ours["HOME"] = str(folder)
    return ours


def clean_environment(project: Project, folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The same without any setting of the caller's own installation: for the demo and the tests."""
    kept = {name: value for name, value in environ.items() if not name.startswith(("CROSSFOOT_", "CONNECTWISE_"))}
    return environment(project, folder, kept)
