"""``autosync`` and ``batch run --kind all``."""

from __future__ import annotations

from tests.builders import BOLT, a_document, a_line
from tests.cli.conftest import CommandLine

BOOK = ("--book", "Demo MSP", "--json")
ALL = ("batch", "run", *BOOK, "--kind", "all", "--all", "--accept", "--through", "2026-12-31")


def test_everything_is_submitted_kind_by_kind_and_named_alike(connected: CommandLine) -> None:
    told = connected(*ALL, "--name", "NOV")
    assert told.status == 0
    assert [(batch["name"], batch["kind"], batch["status"]) for batch in told.json["batches"]] == [
        ("NOV Invoices", "invoices", "queued")
    ]
    connected.work(1)
    assert connected("batch", "show", "1", "--json").json["status"] == "completed"
    assert connected(*ALL).status == 2
    dry = connected.source
    dry.add(a_document("39030", party=BOLT, lines=(a_line("5.00", "4600"),)))
    told = connected(*ALL, "--dry-run")
    assert (told.status, told.json["batches"][0]["mode"]) == (1, "dry")
    assert connected("batch", "run", *BOOK, "--kind", "all", "--record", "39030").status == 64
    assert connected(*ALL, "--location", "Ogdenville").status == 2
    dry.down = "The PSA is down."
    assert connected(*ALL).json["error"] == "The PSA is down."


def test_autosync_is_set_switched_on_and_shown(connected: CommandLine) -> None:
    shown = connected("autosync", "show", *BOOK).json
    assert (shown["state"], shown["schedule"], shown["next"], shown["runs"]) == ("off", "every 2 hours", None, [])
    refused = connected("autosync", "set", *BOOK, "--on")
    assert refused.status == 2
    assert "A batch of invoices posted by hand" in refused.json["error"]
    when = ("--every", "30", "--from", "8:00", "--until", "18:00", "--weekdays", "mon-fri", "--quiet-last", "2")
    what = ("--kind", "invoices", "--kind", "payments", "--through", "yesterday", "--accept", "--name", "[kind] [date]")
    shown = connected("autosync", "set", *BOOK, *when, *what, "--on", "--override").json
    assert shown["state"] == "on"
    assert shown["schedule"] == "every 30 minutes on weekdays, 8:00 to 18:00, but not on the last 2 days of a month"
    assert shown["kinds"] == ["invoices", "payments"]
    assert shown["next"]
    assert shown["settings"]["autosync.begins"] == "08:00"
    at = connected("autosync", "set", *BOOK, "--at", "6:00", "--at", "18:30").json
    assert at["schedule"].startswith("on weekdays at 6:00 and 18:30")
    assert connected("autosync", "set", *BOOK, "--at", "25:00").status == 2
    assert connected("autosync", "set", *BOOK).status == 64
    assert connected("autosync", "set", *BOOK, "--off", "--no-accept").json["state"] == "off"
    assert "AutoSync of Demo MSP is off" in connected("autosync", "show", "--book", "1").out
