from __future__ import annotations

import pytest

from app.cli.main import COMMANDS, cli
from tests.cli.conftest import CommandLine


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("batch",),
        ("batch", "show", "x"),
        ("batch", "run", "--book", "1", "--kind", "invoices", "--unknown"),
        ("batch", "run", "--book", "1", "--kind", "invoices"),
        ("batch", "run", "--book", "1", "--kind", "invoices", "--all", "--record", "1"),
        ("unposted", "--book", "1", "--kind", "timesheets"),
        ("unposted", "--book", "1", "--kind", "invoices", "--through", "tomorrow"),
        ("batch", "decide", "1", "--record", "1", "maybe"),
    ],
)
def test_wrong_usage_is_64_with_one_sentence_and_the_help(crossfoot: CommandLine, arguments: tuple[str, ...]) -> None:
    told = crossfoot(*arguments, "--json")
    assert told.status == 64
    assert told.json["error"]
    assert "--help" in told.json["remedy"]


def test_json_may_stand_anywhere_after_the_name(crossfoot: CommandLine) -> None:
    assert crossfoot("book", "--json", "list").json == {"books": []}
    assert crossfoot("book", "list", "--json").json == {"books": []}


def test_an_error_in_plain_words_leaves_stdout_empty(crossfoot: CommandLine) -> None:
    told = crossfoot("book", "show", "Nobody")
    assert (told.status, told.out) == (2, "")
    assert told.err == (
        "crossfoot: There is no QuickBooks company “Nobody”. "
        "Connect QuickBooks first, in the browser under Settings, Connections.\n"
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(crossfoot: CommandLine, name: str) -> None:
    told = crossfoot(name, "--help")
    assert told.status == 0
    assert told.out.startswith(f"Usage: crossfoot {name}")


def test_the_list_of_commands_is_shown(crossfoot: CommandLine) -> None:
    told = crossfoot("--help")
    assert all(name in told.out for name in COMMANDS)
    assert cli.name


def test_a_control_character_in_a_name_never_reaches_the_terminal(connected: CommandLine) -> None:
    connected.books.name = "Evil\x1b[31m Co"
    connected("doctor")
    assert "\x1b" not in connected("book", "show", "1").out
