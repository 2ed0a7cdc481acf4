"""What QuickBooks takes as text: no control characters, names without colons, lengths as it counts them."""

from __future__ import annotations

import re
import unicodedata

ELLIPSIS = "…"
#: Control, surrogate and unassigned characters; line breaks and tabs are handled before.
_FORBIDDEN = ("Cc", "Cs", "Cn")
#: They make one sign of several, in emoji and in scripts such as Persian.
_JOINERS = "\u200c\u200d"


def clean(text: str) -> str:
    """Several lines of text without control characters; line breaks stay, as a plain newline."""
    text = re.sub(r"\r\n?|\u2028|\u2029", "\n", text).replace("\t", " ")
    return "".join(c for c in text if c == "\n" or unicodedata.category(c) not in _FORBIDDEN).strip()


def one_line(text: str) -> str:
    """Text on one line, blanks run together."""
    return re.sub(r"\s+", " ", clean(text)).strip()


def length(text: str) -> int:
    """Length in UTF-16 units, as a Java service counts: an emoji is two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def fits(text: str, limit: int) -> str:
    """The text's first characters up to a limit, without ellipsis: for names and addresses."""
    while length(text) > limit:
        text = text[: -max(1, (length(text) - limit) // 2)]
    return text.rstrip()


def shorten(text: str, limit: int) -> str:
    """The text, cut with an ellipsis where it is longer than the limit."""
    return text if length(text) <= limit else fits(text, limit - 1) + ELLIPSIS


def name(text: str, limit: int) -> str:
    """A name that QuickBooks takes: the colon is its separator of levels, tabs and newlines are forbidden.

    Marks that can't be seen (of direction, of byte order) would let two names look alike. Empty where nothing is seen.
    """
    seen = "".join(c for c in text if c in _JOINERS or unicodedata.category(c) != "Cf")
    fitting = fits(one_line(seen.replace(":", "-")), limit)
    return fitting if any(unicodedata.category(c)[0] in "LNPS" for c in fitting) else ""
