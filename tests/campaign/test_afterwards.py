"""The other points at which a worker that attaches can die."""

from __future__ import annotations

import pytest

from tests.campaign.service import Row
from tests.faults.rig import Rig
from tests.faults.test_afterwards_points import assert_attached_once

POINTS = [
    ("intents noted", "committed", r"INSERT INTO attachments", 1),
    ("PDF read, not attached", "answer", r"GET .*/pdf", 2),
    ("intent not quite committed", "commit", r"UPDATE attachments SET name=.*'sending'", 1),
    ("intent committed", "committed", r"UPDATE attachments SET name=.*'sending'", 2),
    ("first byte of a file", "request", r"POST .*/upload\?", 2),
    ("attached, not quite written", "commit", r"UPDATE attachments SET state=.*'done'", 1),
    ("attached and written", "committed", r"UPDATE attachments SET state=.*'done'", 2),
]


@pytest.mark.parametrize(("moment", "pattern", "nth"), [p[1:] for p in POINTS], ids=[p[0] for p in POINTS])
def test_a_worker_killed_at_a_write_point_of_an_attachment_leaves_one_file_each(
    rig: Rig, row: Row, moment: str, pattern: str, nth: int
) -> None:
    row.killed(assert_attached_once(rig, moment, pattern, nth))
