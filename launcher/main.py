"""Which command was asked for, and what it needs first."""

import json
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from launcher.data_lock import running_on
from launcher.messages import LauncherError, UsageError, say
from launcher.project import (
    Project,
    clean_environment,
    data_folder,
    environment,
    prepare_data_folder,
    this_project,
)
from launcher.set_up import set_up

HELP = """\
Crossfoot posts ConnectWise PSA transactions into QuickBooks and proves that both sides agree.

  ./crossfoot demo [--once] [--port N] [--fresh]   see it work, against stand-ins of both vendors
  ./crossfoot up [--port N] [--workers N]          serve for real use
  ./crossfoot test [PYTEST ARGUMENTS]              run all tests
  ./crossfoot campaign [PYTEST ARGUMENTS]          kill, freeze and overlap for half an hour, and count
  ./crossfoot sandbox [--port N] [--json]          serve the vendors' stand-ins alone
  ./crossfoot bench [--size N] [--only …]          measure speed, calls and memory
  ./crossfoot setup                                only install what the others need
  ./crossfoot COMMAND …                            everything else; ./crossfoot COMMAND --help tells its options

Commands: init, connect, book, unposted, batch, mappings, user, sweep, doctor.
The environment variables are listed in README.md.
"""


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns its exit status (2: nothing was written, 64: wrong usage)."""
    return ending(lambda: _run(list(arguments)), as_json="--json" in arguments)


def ending(run: Callable[[], int], *, as_json: bool) -> int:
    """The exit status of `run`, with its error told in one sentence."""
    try:
        return run()
    except LauncherError as error:
        _report(error, as_json=as_json)
        return error.status
    except KeyboardInterrupt:
        return 130


def _run(arguments: list[str]) -> int:
    if not arguments or arguments[0] in {"help", "--help", "-h"}:
        sys.stdout.write(HELP)
        return 0 if arguments else 64
    module, _, name = OWN.get(arguments[0], "").partition(":")
    if not module:
        return _app_command(this_project(), arguments)
    own: Callable[[Project, list[str]], int] = getattr(import_module(module), name)
    return own(this_project(), arguments[1:])


def _report(error: LauncherError, *, as_json: bool) -> None:
    say(f"crossfoot: {error}")
    if as_json:
        sys.stdout.write(json.dumps({"error": error.sentence, "remedy": error.remedy}) + "\n")


def _setup(project: Project, arguments: list[str]) -> int:
    if arguments:
        raise UsageError("setup takes no arguments.")
    set_up(project)
    say("Everything is in place.")
    return 0


def _sandbox(project: Project, arguments: list[str]) -> int:
    set_up(project)
    command = project.module("sandbox", *arguments)
    os.execve(command[0], command, environment(project, data_folder(project, os.environ), os.environ))


def _bench(project: Project, arguments: list[str]) -> int:
    set_up(project)
    command = project.module("bench", *arguments)
    folder = data_folder(project, os.environ)
    os.execve(command[0], command, clean_environment(project, folder, os.environ))


def _app_command(project: Project, arguments: list[str]) -> int:
    """Hand over to the app's own command line, in this process, so that signals and the terminal are its own."""
    set_up(project)
    folder = data_folder(project, os.environ)
    prepare_data_folder(folder)
    env = environment(project, folder, os.environ)
    if (running := running_on(folder)) is not None:
        env.setdefault("CROSSFOOT_PORT", str(running.port))
    command = project.module("app.cli", *arguments)
    os.execve(command[0], command, env)


#: Each is imported only when it is called: every other command passes here too, and starts faster so.
OWN = {
    "setup": "launcher.main:_setup",
    "sandbox": "launcher.main:_sandbox",
    "bench": "launcher.main:_bench",
    "up": "launcher.up:command",
    "demo": "launcher.demo:command",
    "test": "launcher.testing:command",
    "campaign": "launcher.testing:campaign",
}
