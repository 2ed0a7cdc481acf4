"""What an entry that is to be created becomes: a name that nobody else has, what it stands under, its accounts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

from sqlmodel import col, select

from app.connectors.protocols import UntranslatableError
from app.domain.links import NAMESPACE, Draft, Entry, LinkKind, Rules, above
from app.domain.problems import Problem
from app.models.connections import Link
from app.models.postings import Creation
from app.services.mapping import links, lists
from app.services.posting.run import Run


@dataclass(slots=True)
class Names:
    """Names that nobody else may have, by namespace, and the links that a body needs; read once a section."""

    spaces: dict[str, set[str]] = field(default_factory=dict)
    index: links.Index = field(default_factory=lambda: links.Index({}, []))
    parents: dict[str, Entry | None] = field(default_factory=dict)

    def taken(self, kind: LinkKind) -> set[str]:
        """Lower-cased names that a new entry of this kind may not have."""
        return self.spaces.setdefault("parties" if kind in NAMESPACE else kind, set())


def names(run: Run, kinds: Collection[LinkKind]) -> Names:
    """What a section needs to know before its first entry is named. Raises ConnectionFailedError."""
    found = Names()
    with run.database.reading() as session:
        query = select(Creation.kind).where(Creation.batch_id == run.batch_id).distinct()
        open_ones = session.exec(query.where(col(Creation.state).not_in(("done", "refused"))))
        named = {LinkKind(kind) for kind in open_ones} & set(kinds)
        found.index = links.Index.load(session, run.book_id)
        for kind in named - set(NAMESPACE):
            found.taken(kind).update(entry.name.casefold() for entry in lists.entries(session, run.book_id, kind))
    if named & set(NAMESPACE):
        found.taken(LinkKind.CUSTOMERS).update(run.destination.names_taken())
    return found


def unique_name(draft: Draft, taken: Collection[str], valid: Callable[[str], str]) -> str:
    """The name, or the name with the PSA's account number or a counter behind it where it is taken.

    ``valid`` takes out what the ledger forbids and cuts to its limit; the tail must survive the cut.
    """
    name = valid(draft.chosen or draft.name)
    number = draft.party.account_number if draft.party else ""
    tails = ["", *([f" ({number})"] if number else []), *(f" ({count})" for count in range(2, 1000))]
    for tail in tails:
        own = valid(name + tail)
        own = own if own.endswith(tail) else valid(name[: len(own) - len(tail)] + tail)
        if own.casefold() not in taken:
            return own
    raise UntranslatableError([Problem("name_taken", f"Every form of “{name}” is taken.", "Link it by hand.")])


def linked(names: Names, draft: Draft, rules: Rules) -> dict[tuple[LinkKind, str], Entry]:
    """An item's accounts, and what it, a class, a location or a sub-customer stands under."""
    accounts = {draft.account, draft.cost_account, draft.inventory_account} - {""}
    keys = [(LinkKind.ACCOUNTS, account) for account in accounts]
    keys += [(parent.kind, parent.source_id) for parent in above(draft, rules)[-1:]]
    found = {key: names.index.entry(*key) for key in keys}
    if draft.parent:
        found[draft.kind, f"name:{draft.parent}"] = names.parents.get(draft.parent)
    return {key: entry for key, entry in found.items() if entry}


def under_parent(run: Run, names: Names, draft: Draft) -> Draft:
    """A sub-customer with its parent looked up: what the PSA's customer of that name is linked to, else who has it.

    Where nobody does, the list is read anew: a person may have made the parent since. A ledger keeps sub-customers in
    their parent's currency: in another one it stands by itself, with both names. Raises ConnectionFailedError.
    """
    found = _parent(run, names, draft)
    if found is None and draft.parent not in names.parents:
        lists.refresh(run.database, run.destination, run.book_id, (draft.kind,), dt.timedelta(0))
        with run.database.reading() as session:
            names.index = links.Index.load(session, run.book_id)
        found = _parent(run, names, draft)
    names.parents[draft.parent] = found
    if found is None or not draft.currency or found.currency in ("", draft.currency):
        return draft
    return replace(draft, parent="", name=f"{draft.parent}:{draft.name}")


def _parent(run: Run, names: Names, draft: Draft) -> Entry | None:
    with run.database.reading() as session:
        linked = select(Link.source_id).where(Link.book_id == run.book_id, Link.kind == draft.kind)
        idents = session.exec(linked.where(Link.source_name == draft.parent, Link.ledger_id != "")).all()
    entries = [entry for ident in idents if (entry := names.index.entry(draft.kind, ident)) and entry.active]
    return entries[0] if len(entries) == 1 else names.index.exact(draft.kind, draft.parent)
