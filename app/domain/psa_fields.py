"""Which of the PSA's own custom fields go where: ``Region=field2, Cost center=memo``. Pure."""

from __future__ import annotations

#: The memo, or one of the ledger's custom fields.
PLACES = ("memo", "field1", "field2", "field3")


def places(text: str) -> dict[str, str]:
    """Place by the PSA's caption, without case. Raises ValueError for what is no such list."""
    found: dict[str, str] = {}
    for part in filter(str.strip, text.split(",")):
        caption, _, place = part.rpartition("=")
        if not caption.strip() or place.strip().casefold() not in PLACES:
            raise ValueError(part)
        found[caption.strip().casefold()] = place.strip().casefold()
    return found


def written(text: str) -> str:
    """The list as it is stored, captions as they were typed. Raises ValueError."""
    places(text)
    parts = [part.rpartition("=") for part in text.split(",") if part.strip()]
    return ", ".join(f"{caption.strip()}={place.strip().casefold()}" for caption, _, place in parts)
