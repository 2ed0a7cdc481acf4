"""docs/problems.md names no problem that does not exist."""

from __future__ import annotations

import re
from pathlib import Path

from app.domain.links import NOUNS

ROOT = Path(__file__).resolve().parents[1]
ENDS = ("_not_linked", "_inactive", "_left_out", "_currency_differs")
MADE = [f"{noun.replace(' ', '_')}{end}" for noun in NOUNS.values() for end in ENDS]


def test_every_code_of_the_page_is_one_that_the_code_can_raise() -> None:
    named = {
        code
        for line in (ROOT / "docs/problems.md").read_text().splitlines()
        if line.startswith("| `")
        for code in re.findall(r"`([a-z_]+)`", line.split("|")[1])
    }
    source = "\n".join(path.read_text() for path in (ROOT / "app").rglob("*.py"))
    known = set(re.findall(r'"([a-z_]+)"', source)) | set(MADE)
    assert len(named) > 80
    assert named - known == set()
