"""Looks a document's links up and collects what is missing, so that a person sees all of it at once."""

from __future__ import annotations

from collections.abc import Iterator

from app.domain.documents import Document, DocumentKind, PartyRole
from app.domain.links import DISPENSABLE, NOUNS, Entry, LinkKind, Links, Need, Rules, needs, party_key, variants
from app.domain.problems import Problem

#: QuickBooks takes these without a customer or vendor.
PARTY_OPTIONAL = (DocumentKind.PURCHASE, DocumentKind.JOURNAL_ENTRY, DocumentKind.INVENTORY_ADJUSTMENT)


def problems_of_links(document: Document, links: Links, rules: Rules) -> Iterator[Problem]:
    """One problem per link that is missing or whose entry is inactive.

    Missing terms, classes and locations are none: whether a document may go without them is the Book's policy.
    """
    if party_key(document) is None and document.kind not in PARTY_OPTIONAL:
        yield _no_party(document)
    for need in (*needs(document, rules), *variants(document, links, rules)):
        entry = links.get((need.kind, need.source_id))
        if entry is None and need.kind not in DISPENSABLE:
            yield not_linked(need)
        elif entry is not None and not entry.active:
            yield _inactive(need, entry)
    for number, line in enumerate(document.lines, 1):
        if not line.account:
            yield Problem(
                "gl_account_missing",
                f"Line {number} has no GL account in the PSA.",
                "Map its work type or product class under Setup, GL Accounts in the PSA, then read it again.",
                field=f"line {number}",
            )


def _no_party(document: Document) -> Problem:
    noun, name = ("vendor", "vendor") if document.party.role is PartyRole.VENDOR else ("customer", "company")
    return Problem(
        f"no_{noun}",
        f"The PSA names no {name} for it, and QuickBooks takes none without a {noun}.",
        f"Open it in the PSA, choose its {name}, then reopen and close it.",
        field="party",
    )


def not_linked(need: Need) -> Problem:
    """``customer_not_linked`` and its kin."""
    noun = NOUNS[need.kind]
    create = ", or create it" if need.draft else ""
    return Problem(
        f"{_word(need.kind)}_not_linked",
        f"“{need.name}” is not linked to {_a(noun)} {noun} in QuickBooks.",
        f"Link it to the {noun} it stands for{create}.",
        field=need.field,
        subject=f"{need.kind}:{need.source_id}",
    )


def _inactive(need: Need, entry: Entry) -> Problem:
    noun = NOUNS[need.kind]
    return Problem(
        f"{_word(need.kind)}_inactive",
        f"“{need.name}” is linked to the {noun} “{entry.name}”, which is inactive in QuickBooks.",
        f"Make the {noun} active in QuickBooks and refresh the list, or link another one.",
        field=need.field,
        subject=f"{need.kind}:{need.source_id}",
    )


def _word(kind: LinkKind) -> str:
    return NOUNS[kind].replace(" ", "_")


def _a(noun: str) -> str:
    return "an" if noun[0] in "aeiou" else "a"
