"""What CONTRIBUTING.md promises of the code, and no tool checks."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDERS = ("app", "bench", "docs", "launcher", "migrations", "sandbox", "tests")
EXCEPTION = re.compile(r"#\s*(type: ignore|noqa)\b")
REASON = re.compile(r"(type: ignore\[[\w, -]+\]|noqa: [A-Z0-9, ]+?)\s+(#|-+)\s+\S")


def test_every_exception_to_a_lint_or_type_rule_carries_its_reason() -> None:
    bare = [
        f"{path.relative_to(ROOT)}:{number}"
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*.py")
        if path != Path(__file__)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if EXCEPTION.search(line) and not REASON.search(line)
    ]
    assert bare == []
