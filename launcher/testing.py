"""`./crossfoot test`: everything the tests need, then all tests."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from launcher import machine
from launcher.messages import LauncherError, say
from launcher.programs import run_logged
from launcher.project import Project, clean_environment
from launcher.set_up import set_up

#: Five on two cores: most of the time is waiting, and the browser tests start whole installations.
PROCESSES = "5"
#: A file system in memory: tests commit thousands of times, and each waits for a disk.
MEMORY, MEMORY_BYTES = Path("/dev/shm"), 4 * 2**30  # noqa: S108  # a folder of one's own in it, by tempfile
#: How many workers the campaign kills at random moments, and how many generated examples Hypothesis tries.
KILLS, PROFILE = "CROSSFOOT_CAMPAIGN_KILLS", "HYPOTHESIS_PROFILE"
#: Files that go through everything only in the campaign (tests/thorough.py).
SAMPLED = (
    "tests/**/test_hostile_*.py",
    "tests/journeys/test_pages.py",
    "tests/services/test_exactly_once.py",
    "tests/services/test_costs.py",
    "tests/faults/test_copied_back.py",
    "tests/routes/test_unknown_values.py",
)
PLAYWRIGHT_BROWSER = (
    "from playwright.sync_api import sync_playwright as start\nwith start() as p: print(p.chromium.executable_path)"
)


@dataclass(frozen=True)
class Part:
    """Something of the machine that a part of the tests needs."""

    name: str
    find: Callable[[], str | None]
    install: Callable[[], None]
    remedy: str
    variable: str
    left_out: str


def command(project: Project, arguments: list[str]) -> int:
    """Run pytest with the given arguments; its exit status is ours."""
    set_up(project, for_tests=True)
    strict = requires_all(os.environ)
    found = {part.variable: path for part in parts(project) if (path := provide(part, strict=strict))}
    with tempfile.TemporaryDirectory(prefix="cf-", dir=scratch()) as folder:
        Path(folder).chmod(0o711)  # PostgreSQL runs as somebody else, and must come through
        asked = {name: value for name, value in os.environ.items() if name in (KILLS, PROFILE)}
        env = clean_environment(project, Path(folder) / "home", os.environ) | found | asked | {"TMPDIR": folder}
        env.pop("PYTHONDONTWRITEBYTECODE", None)  # else each of a hundred processes compiles the app once more
        if strict:
            env["CROSSFOOT_REQUIRE_ALL"] = "1"
        run = project.module("pytest", *parallel(arguments), *(absolute(argument) for argument in arguments))
        return subprocess.run(run, cwd=project.root, env=env, check=False).returncode


def campaign(project: Project, arguments: list[str]) -> int:
    """The long suites, or the files that are named, one scenario at a time; faults end with a table.

    All of tests/campaign, then what the daily suite only samples: bad input with many new examples, every page and
    every pair of faults. Non-zero where anything was violated.
    """
    os.environ.setdefault(PROFILE, "campaign")
    named = any("tests/" in argument for argument in arguments)
    sampled = [file for pattern in SAMPLED for file in sorted(project.root.glob(pattern))]
    whole = ["tests/campaign", *(str(file.relative_to(project.root)) for file in sampled)]
    return command(project, ["-n0", *([] if named else whole), *arguments])


def scratch() -> Path | None:
    """Where the tests put their files: in memory where there is room, else where the machine puts such files."""
    try:
        roomy = shutil.disk_usage(MEMORY).free >= MEMORY_BYTES and os.access(MEMORY, os.W_OK | os.X_OK)
    except OSError:
        return None
    return MEMORY if roomy else None


def requires_all(environ: Mapping[str, str]) -> bool:
    """Whether a missing part is a failure: in CI it must not look like a success."""
    return environ.get("CI", "").lower() in {"true", "1"} or environ.get("CROSSFOOT_REQUIRE_ALL") == "1"


def parallel(arguments: list[str]) -> list[str]:
    """Several processes, unless the caller has his own idea or wants to debug."""
    own = {"-n", "--numprocesses", "--pdb", "--collect-only", "--co", "no:xdist", "-pno:xdist"}
    said = any(argument in own or argument.startswith(("-n", "--numprocesses=")) for argument in arguments)
    return [] if said else ["-n", PROCESSES]


def absolute(argument: str) -> str:
    """A test file as the caller's folder knows it, because pytest runs in the project's."""
    file, colons, rest = argument.partition("::")
    names_a_file = not argument.startswith("-") and ("/" in file or file.endswith(".py"))
    return f"{Path(file).absolute()}{colons}{rest}" if names_a_file and Path(file).exists() else argument


def parts(project: Project) -> list[Part]:
    """The browser and the database server."""
    return [
        Part(
            name="Chromium",
            find=lambda: machine.find_browser(_playwrights_own(project)),
            install=lambda: _install_browser(project),
            remedy=_browser_line(project),
            variable="CROSSFOOT_TEST_BROWSER",
            left_out="the tests in a browser",
        ),
        Part(
            name="PostgreSQL",
            find=lambda: str(found) if (found := machine.find_postgres()) else None,
            install=lambda: _apt(project, "postgresql"),
            remedy="sudo apt-get install postgresql",
            variable="CROSSFOOT_TEST_POSTGRES",
            left_out="the tests against PostgreSQL",
        ),
    ]


def provide(part: Part, *, strict: bool) -> str | None:
    """Find a part, as root install it; without it go on and say so, or fail where everything is required."""
    if path := part.find():
        return path
    problem = ""
    if machine.is_root() and machine.has_apt():
        say(f"Installing {part.name} for the tests.")
        try:
            part.install()
        except LauncherError as error:
            problem = f" Installing it failed: {error}"
    if path := part.find():
        return path
    if strict:
        raise LauncherError(f"{part.name} is missing, and here every test is required.{problem}", part.remedy, status=1)
    say(f"{part.name} is missing, so {part.left_out} are left out.{problem} To run them too: {part.remedy}")
    return None


def _playwrights_own(project: Project) -> list[str]:
    """Where Playwright keeps a browser that it has downloaded itself."""
    command = [str(project.python), "-c", PLAYWRIGHT_BROWSER]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return []
    return [said] if said else []


def _browser_line(project: Project) -> str:
    if machine.is_ubuntu():
        return f"sudo {project.python} -m playwright install --with-deps chromium"
    return "sudo apt-get install chromium"


def _install_browser(project: Project) -> None:
    if machine.is_ubuntu():
        line = [str(project.python), "-m", "playwright", "install", "--with-deps", "chromium"]
        run_logged(line, project.setup / "browser.log", cwd=project.root)
    else:
        _apt(project, "chromium", "fonts-liberation")


def _apt(project: Project, *packages: str) -> None:
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    log = project.setup / "apt.log"
    run_logged(["apt-get", "update", "-q"], log, cwd=project.root, env=env)
    run_logged(["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages], log, cwd=project.root, env=env)
