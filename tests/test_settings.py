"""Settings that would be dangerous stop the start, with a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.settings import Settings, SettingsError, Waits


def test_a_doubt_that_would_end_while_intuit_may_still_work_is_refused(tmp_path: Path) -> None:
    environ = {"CROSSFOOT_HOME": str(tmp_path), "CROSSFOOT_DOUBT_WAIT": "90"}
    with pytest.raises(SettingsError, match="CROSSFOOT_DOUBT_WAIT is 90 s") as refused:
        Settings.from_environment(environ)
    assert "at least 140" in refused.value.remedy


def test_against_a_test_server_a_doubt_may_be_as_short_as_one_likes(tmp_path: Path) -> None:
    environ = {
        "CROSSFOOT_HOME": str(tmp_path), "CROSSFOOT_DOUBT_WAIT": "0.5",
        "CROSSFOOT_QBO_API_URL": "http://127.0.0.1:9000",
    }  # fmt: skip
    assert Settings.from_environment(environ).waits.running == 0.5


def test_against_intuit_itself_the_waits_may_be_longer_and_are_safe_when_left_out(tmp_path: Path) -> None:
    environ = {"CROSSFOOT_HOME": str(tmp_path)}
    assert Settings.from_environment(environ).waits == Waits(running=150, between=30, lease=30)
    assert Settings.from_environment(environ | {"CROSSFOOT_DOUBT_WAIT": "200"}).waits.running == 200
