"""The virtual environment beside the launcher, and the pinned packages in it."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from launcher.messages import LauncherError, say
from launcher.programs import run_logged
from launcher.project import Project
from launcher.steps import Step, digest

PROBE = "import sys, pip; print(sys.version_info[0], sys.version_info[1], int(sys.prefix != sys.base_prefix))"


def steps(project: Project, requirements: Iterable[str]) -> list[Step]:
    """The environment, then each requirements file in turn (`requirements.txt`, `requirements-dev.txt`)."""
    return [_environment(project), *(_packages(project, name) for name in requirements)]


def _environment(project: Project) -> Step:
    return Step(
        name="venv",
        fingerprint=lambda: _interpreter(project.python),
        is_there=project.python.exists,
        run=lambda: _make_environment(project),
    )


def _interpreter(python: Path) -> str:
    """Which program stands behind the environment's Python: an upgrade of the system changes it."""
    real = Path(os.path.realpath(python))
    try:
        facts = real.stat()
    except FileNotFoundError:
        return "missing"
    except PermissionError as error:
        raise LauncherError(
            f"This account may not run {real}, with which Crossfoot was set up.",
            "Remove .venv and run ./crossfoot setup with one that every account may run, such as /usr/bin/python3.",
        ) from error
    return digest(str(real), str(facts.st_size), str(facts.st_mtime_ns))


def _make_environment(project: Project) -> None:
    """Keep an environment that works, rebuild one that was made for another Python or is broken."""
    if _works(project):
        return
    if importlib.util.find_spec("ensurepip") is None:
        raise _no_venv()
    say(f"Making a Python {_version()} environment in {project.venv.name}.")
    command = [sys.executable, "-m", "venv", "--clear", str(project.venv)]
    try:
        run_logged(command, project.setup / "venv.log", cwd=project.root)
    except LauncherError as error:
        if "ensurepip" in (project.setup / "venv.log").read_text(errors="replace"):
            raise _no_venv() from error
        raise


def _no_venv() -> LauncherError:
    return LauncherError("Python's venv module is missing.", f"Install it: sudo apt-get install {_venv_package()}")


def _works(project: Project) -> bool:
    """Whether the environment's Python starts, has pip, and is the version its packages were installed for."""
    try:
        command = [str(project.python), "-c", PROBE]
        said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return False
    major, minor, in_environment = map(int, said.stdout.split())
    libraries = project.venv / "lib" / f"python{major}.{minor}" / "site-packages"
    return (major, minor) >= (3, 11) and bool(in_environment) and libraries.is_dir()


def _version() -> str:
    return f"{sys.version_info[0]}.{sys.version_info[1]}"


def _venv_package() -> str:
    """Debian's package for this Python; a system Python's is `python3-venv`, any other has its version in the name."""
    system = Path("/usr/bin/python3")
    is_system = system.exists() and os.path.realpath(system) == os.path.realpath(sys.executable)
    return "python3-venv" if is_system else f"python{_version()}-venv"


def _packages(project: Project, name: str) -> Step:
    sources = [project.root / "requirements.txt", project.root / name]
    return Step(
        name=name,
        fingerprint=lambda: digest(*sources, _installed_for(project)),
        is_there=lambda: bool(_installed_for(project)),
        run=lambda: _install(project, name),
    )


def _installed_for(project: Project) -> str:
    """The Python whose packages the environment holds, `python3.11`; empty where there is none."""
    found = sorted(project.venv.glob("lib/python3.*/site-packages/pip"))
    return found[-1].parent.parent.name if found else ""


def _install(project: Project, name: str) -> None:
    say(f"Installing the Python packages of {name} (the first time about a minute).")
    run_logged(pip(project, "-r", name), project.setup / "pip.log", cwd=project.root)


def pip(project: Project, *arguments: str) -> list[str]:
    """A pip command line; it never asks and never looks for a newer pip."""
    quiet = ["--disable-pip-version-check", "--no-input", "--quiet"]
    return [str(project.python), "-m", "pip", "install", *quiet, *arguments]


def site_packages(project: Project) -> Path:
    """Where the environment keeps its packages; raises LauncherError where there is no environment."""
    found = sorted(project.venv.glob("lib/python3.*/site-packages"))
    if not found:
        raise LauncherError("Crossfoot's Python environment is missing.", "Run ./crossfoot setup.")
    return found[-1]
