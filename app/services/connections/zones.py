"""Which time zone this machine is in."""

from __future__ import annotations

import os
import zoneinfo
from pathlib import Path

LOCALTIME = Path("/etc/localtime")


def local_zone(localtime: Path = LOCALTIME) -> str:
    """IANA name of the server's zone: from TZ, else from where /etc/localtime points; ``UTC`` where neither tells."""
    named = os.environ.get("TZ", "").lstrip(":")
    _, _, linked = str(localtime.resolve()).partition("zoneinfo/")
    return next((zone for zone in (named, linked) if is_zone(zone)), "UTC")


def is_zone(name: str) -> bool:
    """Whether this is the name of a zone that this machine knows."""
    return name in zoneinfo.available_timezones()
