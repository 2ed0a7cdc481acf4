"""Nonsense in every option of every command: a sentence with its remedy, a status of the contract, never a trace."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from app.cli.main import cli
from tests.cli.conftest import CommandLine

NONSENSE = ("", "-1", "99999999999999999999", "9999-12-31", "²", "\udcff")
#: They ask for nothing of what is tested here, or act on the machine.
LEFT_OUT = {"migrate", "migration-check", "sweep", "doctor", "backup", "restore", "upgrade"}


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command with its words."""
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        if isinstance(found, click.Group):
            yield from commands(found, (*path, name))
        elif found and name not in LEFT_OUT:
            yield (*path, name), found


def call(command: click.Command, value: str) -> list[str]:
    """The command with this value in each of its places; a choice takes its first, so that the others are reached."""
    given: list[str] = []
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            given.append(value)
        elif isinstance(parameter, click.Option) and not parameter.is_flag:
            chosen = str(parameter.type.choices[0]) if isinstance(parameter.type, click.Choice) else value
            given += [f"{parameter.opts[0]}={chosen}"]
    return given


@pytest.mark.parametrize("value", NONSENSE, ids=lambda value: ascii(value)[:20])
def test_nonsense_in_every_option_of_every_command_is_answered(value: str, connected: CommandLine) -> None:
    wrong = []
    for words, command in commands(cli):
        told = connected(*words, *call(command, value))
        if told.status not in (0, 1, 2, 64) or "Traceback" in told.err or "has a fault" in told.err:
            wrong.append(f"{' '.join(words)}: {told.status} {told.err[-300:]}")
    assert not wrong
