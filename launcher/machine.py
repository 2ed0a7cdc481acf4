"""What the tests need of the machine beside Python: a browser and PostgreSQL's server programs."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
#: What a throw-away cluster is made with. Debian keeps them off the PATH, one folder per version.
POSTGRES_PROGRAMS = ("initdb", "pg_ctl", "postgres")
DEBIAN_POSTGRES = "usr/lib/postgresql/*/bin"


def find_browser(extra: Sequence[str] = ()) -> str | None:
    """The path of the first Chromium that starts: the system's, else one of `extra`.

    Asking for its version also finds out a wrapper without a browser, or one whose libraries are missing.
    """
    given = os.environ.get("CROSSFOOT_TEST_BROWSER", "")
    found = [given, *(path for name in BROWSERS if (path := shutil.which(name))), *extra]
    return next((path for path in found if path and _starts(path)), None)


def _starts(program: str) -> bool:
    try:
        return subprocess.run([program, "--version"], capture_output=True, timeout=60, check=False).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


def find_postgres(path: str | None = None, root: Path = Path("/")) -> Path | None:
    """The folder with PostgreSQL's server programs: on the PATH, else where Debian puts the newest one."""
    on_path = [
        Path(found).resolve().parent for name in POSTGRES_PROGRAMS[:1] if (found := shutil.which(name, path=path))
    ]
    debian = sorted(root.glob(DEBIAN_POSTGRES), key=_version_of, reverse=True)
    return next((folder for folder in [*on_path, *debian] if _has_all(folder)), None)


def _has_all(folder: Path) -> bool:
    return all(os.access(folder / name, os.X_OK) for name in POSTGRES_PROGRAMS)


def _version_of(folder: Path) -> float:
    try:
        return float(folder.parent.name)
    except ValueError:
        return 0.0


def is_root() -> bool:
    """Whether packages of the system may be installed."""
    return os.geteuid() == 0


def has_apt() -> bool:
    """Whether this is a Debian or a descendant of it."""
    return shutil.which("apt-get") is not None


def is_ubuntu() -> bool:
    """Ubuntu's own Chromium is a snap, which does not run in a container; Playwright's is used there."""
    try:
        lines = Path("/etc/os-release").read_text().splitlines()
    except OSError:
        return False
    return "ID=ubuntu" in lines
