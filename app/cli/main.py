"""The root of the command line: options that every command has, and what becomes of errors.

Exit status: 0 done or submitted; 1 something is held, refused or waits for a person; 2 nothing was written to PSA or
books; 64 wrong usage.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module

import click
from sqlalchemy.exc import DataError, OperationalError

from app.cli.context import Context
from app.cli.output import fail, say
from app.domain.problems import CrossfootError

NOTHING_WRITTEN, WRONG_USAGE, INTERRUPTED = 2, 64, 130

#: Each is imported only when it is called: a command starts faster so.
COMMANDS = {
    "init": "app.cli.installation:init",
    "connect": "app.cli.connect:connect",
    "book": "app.cli.book:book",
    "unposted": "app.cli.unposted:unposted",
    "hold": "app.cli.holds:hold",
    "release": "app.cli.holds:release",
    "batch": "app.cli.batch:batch",
    "preview": "app.cli.preview:preview",
    "explain": "app.cli.explain:explain",
    "autosync": "app.cli.autosync:autosync",
    "clear": "app.cli.undo:clear",
    "reconcile": "app.cli.reconcile:reconcile",
    "mappings": "app.cli.mappings:mappings",
    "payments": "app.cli.payments:payments",
    "user": "app.cli.user:user",
    "sweep": "app.cli.sweep:sweep",
    "doctor": "app.cli.doctor:doctor",
    "migrate": "app.cli.installation:migrate",
    "migration-check": "app.cli.installation:migration_check",
    "setup-code": "app.cli.installation:setup_code",
}


class Commands(click.Group):
    """The commands of the table above."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Crossfoot posts ConnectWise PSA transactions into QuickBooks, each exactly once.

    Every command takes --json: it then prints one JSON value on stdout and nothing else.
    """


def main(arguments: Sequence[str], context: Context | None = None) -> int:
    """Run one command; returns its exit status."""
    given, as_json = _without_json(arguments)
    context = context or Context()
    context.as_json = as_json
    try:
        _check_readable(given)
        status = cli.main(args=given, prog_name="crossfoot", obj=context, standalone_mode=False)
    except click.ClickException as error:
        fail(_usage(error), as_json=as_json)
        return WRONG_USAGE
    except CrossfootError as error:
        fail(error, as_json=as_json)
        return NOTHING_WRITTEN
    except (OverflowError, DataError):
        fail(CrossfootError("No such value can be kept.", "Give a smaller number or a shorter text."), as_json=as_json)
        return NOTHING_WRITTEN
    except OperationalError as error:
        fail(_no_database(error), as_json=as_json)
        return NOTHING_WRITTEN
    except (click.Abort, KeyboardInterrupt):
        say("Interrupted.")
        return INTERRUPTED
    except BrokenPipeError:  # whoever read us has gone; nor may the interpreter write at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - a fault of ours is shown whole, and must not look like "1: held"
        traceback.print_exc()
        fail(_fault(error), as_json=as_json)
        return NOTHING_WRITTEN
    finally:
        context.close()
    return status if isinstance(status, int) else 0


def _without_json(arguments: Sequence[str]) -> tuple[list[str], bool]:
    """--json may stand anywhere after a command's name, so it is taken out before parsing; not after a ``--``."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    options = [argument for argument in arguments[:end] if argument != "--json"]
    return [*options, *arguments[end:]], len(options) < end


def _check_readable(arguments: Sequence[str]) -> None:
    """Raises UsageError for bytes that are no text: Python keeps them as halves of surrogate pairs."""
    if any("\ud800" <= character <= "\udfff" for argument in arguments for character in argument):
        raise click.UsageError("An argument is not written in UTF-8.")


def _usage(error: click.ClickException) -> CrossfootError:
    """Wrong usage in one sentence, with the help that shows the right one."""
    context = getattr(error, "ctx", None)
    path = f"./{context.command_path if context else 'crossfoot'}"
    sentence = error.format_message().strip().splitlines()[0] if error.format_message().strip() else "What shall it do?"
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        sentence = f"{path} needs to be told what to do."
    return CrossfootError(sentence, f"See {path} --help.")


def _no_database(error: OperationalError) -> CrossfootError:
    """With what can be done about it: SQLite's own words tell its file from its disk."""
    cause = str(error.orig).splitlines()[0]
    unwritable = "readonly" in cause or "full" in cause
    room = "Make room on its disk, or give it and its folder to the account that Crossfoot runs under."
    remedy = room if unwritable else "Check CROSSFOOT_DATABASE_URL."
    return CrossfootError(f"The database cannot be used: {cause}.", remedy)


def _fault(error: Exception) -> CrossfootError:
    return CrossfootError(
        f"Crossfoot has a fault: {type(error).__name__}.", "Please report it with the lines above; nothing was sent."
    )
