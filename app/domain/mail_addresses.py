"""What we take for an e-mail address: plain ASCII, one address, nothing that could end a header or a list."""

from __future__ import annotations

import re

ADDRESS = re.compile(r"[!-+\--:=?A-~]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


def is_address(text: str) -> bool:
    """Whether the text is one address."""
    return len(text) <= 254 and ADDRESS.fullmatch(text) is not None


def listed(text: str) -> list[str]:
    """Addresses with commas between, each once, whatever its case; not judged."""
    found = {part.casefold(): part for one in text.split(",") if (part := one.strip())}
    return list(found.values())
