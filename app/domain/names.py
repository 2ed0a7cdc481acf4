"""Comparing names of companies and things as a person does: without case, punctuation and legal forms."""

from __future__ import annotations

import re
import unicodedata

#: Legal forms that say nothing about who is meant; only at the end of a name.
LEGAL_FORMS = frozenset(
    [
        "inc",
        "incorporated",
        "llc",
        "llp",
        "lp",
        "pllc",
        "pc",
        "pa",
        "co",
        "company",
        "corp",
        "corporation",
        "ltd",
        "limited",
        "plc",
        "gmbh",
        "ag",
        "bv",
        "nv",
        "sa",
        "pty",
    ]
)


#: QuickBooks puts this behind the name of what is made inactive.
DELETED = re.compile(r"\s*\(deleted(?:-\d+)?\)\s*$")


def awake(name: str) -> str:
    """The name that an inactive entry had before, and gets back."""
    return DELETED.sub("", name)


def normal(name: str) -> str:
    """``The Acme Dental Co., Inc.`` and ``the ACME-Dental`` both become ``the acme dental``."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    plain = plain.replace("&", " and ").replace("'", "").replace("’", "")
    # L.L.C. and P.C. are one word each.
    plain = re.sub(r"\b((?:\w\.){2,})", lambda found: found[1].replace(".", ""), plain)
    words = re.sub(r"[\W_]+", " ", plain).split()
    while len(words) > 1 and words[-1] in LEGAL_FORMS:
        words.pop()
    if len(words) > 1 and words[-1] == "and":
        words.pop()
    return " ".join(words)
