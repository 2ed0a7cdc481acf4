"""What a document still wants: links, by policy taken from an exact name, created, or asked of a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from app.domain import own_currency
from app.domain.documents import SALES, Document, PartyRole
from app.domain.item_accounts import (
    BOUGHT,
    COST,
    INCOME,
    USES,
    WORDS,
    Coming,
    ItemChange,
    Lack,
    added,
    changed,
    conflicts,
    for_two_accounts,
    in_stock,
    lacks,
    straight,
)
from app.domain.links import (
    CATEGORY,
    CREATABLE,
    DISPENSABLE,
    NOUNS,
    Draft,
    Entry,
    LinkKind,
    Links,
    Need,
    Rules,
    above,
    item_source_id,
    needs,
    party_key,
    variants,
)
from app.domain.problems import Problem, Severity
from app.models.connections import Book
from app.services.connections import books
from app.services.mapping.links import Index

#: Stands for an entry that will be created before the document is sent.
TO_COME = "0"
NOTHING_COMES: Coming = {}
LACKS = "item_lacks_account"


@dataclass(frozen=True, slots=True)
class Wants:
    """How the links of one document stand.

    Attributes:
        links: every entry there is, with stand-ins (ledger id ``0``) for those to be created.
        exact: unlinked, but the ledger has an entry of exactly this name, which may be taken.
        drafts: to be created.
        problems: what a person has to say or do.
        updates: items, each with an account that it is to book to from now on.
        currencies: customers and vendors of their own for another currency.
    """

    links: dict[tuple[LinkKind, str], Entry] = field(default_factory=dict)
    exact: list[tuple[Need, Entry]] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    updates: list[ItemChange] = field(default_factory=list)
    currencies: list[Need] = field(default_factory=list)


def of(
    document: Document,
    index: Index,
    rules: Rules,
    policies: Mapping[LinkKind, str],
    *,
    accept: bool,
    coming: Coming = NOTHING_COMES,
) -> Wants:
    """Resolve every need of the document. Pure but for the index it is given.

    ``coming``: accounts that items without one are to get for other documents; a second one can't be added.
    """
    found = resolve(needs(document, rules), index, policies, accept=accept)
    for lack in lacks(document, found.links, rules):
        _supply(found, lack, index, policies.get(LinkKind.ITEMS, "ask"), accept=accept, coming=coming)
    _accounts_to_come(found, document, index, rules)
    for need in variants(document, found.links, rules):
        _resolve(found, need, index, policies.get(need.kind, "ask"), accept=accept)
    if accept and rules["sales.account_conflict"] == "update":
        _update(found, document, rules)
    _put_above(found, index, rules)
    _code_of_untaxed(found, document, index, rules)
    _payable(found, document, index)
    return found


def _accounts_to_come(wants: Wants, document: Document, index: Index, rules: Rules) -> None:
    """Stand-ins of new items with the accounts that they will book to; where the Book wants it, with the PSA's."""
    lines = {item_source_id(line): line for line in document.lines}
    for place, draft in enumerate(wants.drafts):
        line = lines.get(draft.source_id) if draft.kind is LinkKind.ITEMS else None
        if line is None:
            continue
        stock = in_stock(draft, rules)
        if document.kind not in SALES and rules["sales.account_conflict"] == "update" and not stock:
            wants.drafts[place] = replace(draft, cost_account=line.account)
        new = wants.drafts[place]
        wants.links[new.kind, new.source_id] = Entry(
            new.kind, TO_COME, new.name,
            account_id=index.linked(LinkKind.ACCOUNTS, new.account),
            cost_account_id=index.linked(LinkKind.ACCOUNTS, new.cost_account),
            asset_account_id=index.linked(LinkKind.ACCOUNTS, new.inventory_account) if stock else "",
        )  # fmt: skip


def _payable(wants: Wants, document: Document, index: Index) -> None:
    """The account on which the vendor is owed, where it is linked; it is no need: a ledger has one of its own."""
    entry = index.entry(LinkKind.ACCOUNTS, document.header_account) if document.kind in BOUGHT else None
    if entry is not None and entry.active:
        wants.links[LinkKind.ACCOUNTS, document.header_account] = entry


def _code_of_untaxed(wants: Wants, document: Document, index: Index, rules: Rules) -> None:
    """An untaxed document’s own code where it is linked; it is no need, so nothing waits for it."""
    code = document.tax_code
    if code is None or document.tax.amount or rules["taxes.exempt_code"]:
        return
    entry = index.entry(LinkKind.TAX_CODES, code.source_id)
    if entry is not None and entry.active:
        wants.links[LinkKind.TAX_CODES, code.source_id] = entry


def _put_above(wants: Wants, index: Index, rules: Rules) -> None:
    """What entries to be created stand under: taken where the ledger has it, else created before them."""
    for draft in list(wants.drafts):
        for parent in above(draft, rules):
            key = (parent.kind, parent.source_id)
            if key in wants.links or index.entry(*key):
                continue
            need = Need(parent.kind, parent.source_id, parent.name, "parent", parent)
            if exact := _exact(index, need):
                wants.links[key] = exact
                wants.exact.append((need, exact))
            else:
                wants.links[key] = Entry(parent.kind, TO_COME, parent.name)
                wants.drafts.insert(wants.drafts.index(draft), parent)


def _exact(index: Index, need: Need) -> Entry | None:
    return index.exact(need.kind, need.source_id if need.source_id.startswith(CATEGORY) else need.name)


def _update(wants: Wants, document: Document, rules: Rules) -> None:
    """Items as they will be once they are changed; one that is wanted for two accounts can't be."""
    accounts = {e.ledger_id: e.name for (kind, _), e in wants.links.items() if kind is LinkKind.ACCOUNTS}
    sale = document.kind in SALES
    field_changed = INCOME if sale else COST
    booking = {one.item.ledger_id: one.account for one in wants.updates if one.field == field_changed}
    for number, item, account in conflicts(document, wants.links):
        if item.ledger_id == TO_COME:
            continue
        if not sale and (item.asset_account_id or straight(document.lines[number - 1], wants.links, rules)):
            continue  # the account of what is in stock stays, and its document is held
        ours = booking.get(item.ledger_id)
        if ours is None:
            change = ItemChange(item, account, field_changed)
            wants.updates.append(change)
            booking[item.ledger_id] = account
            wants.problems.append(changed(number, item, accounts.get(change.before, ""), account))
        elif ours.ledger_id != account.ledger_id:
            wants.problems.append(for_two_accounts(item.name, ours.name, account.name))
    for change in wants.updates:
        _as_it_will_be(wants, change)


def _as_it_will_be(wants: Wants, change: ItemChange) -> None:
    new = change.account.ledger_id
    for key, entry in list(wants.links.items()):
        if key[0] is LinkKind.ITEMS and entry.ledger_id == change.item.ledger_id:
            earns = change.field == INCOME
            wants.links[key] = replace(entry, account_id=new) if earns else replace(entry, cost_account_id=new)


def _supply(wants: Wants, lack: Lack, index: Index, policy: str, *, accept: bool, coming: Coming) -> None:
    """The account that an item lacks for this document: added to what we created, or where items may be created."""
    item, place = lack.item, f"line {lack.number}"
    if any((one.item.ledger_id, one.field) == (item.ledger_id, lack.field) for one in wants.updates):
        return
    account = coming.get((item.ledger_id, lack.field)) or index.entry(LinkKind.ACCOUNTS, lack.account)
    if account is None:
        wants.problems.append(_unlinked(Need(LinkKind.ACCOUNTS, lack.account, lack.account, place), None, policy))
    elif index.created(item) or (policy != "never" and (accept or policy == "always" or _agreed(index, lack))):
        change = ItemChange(item, account, lack.field, lack.source_id)
        wants.updates.append(change)
        wants.problems.append(added(lack, account))
        _as_it_will_be(wants, change)
    else:
        wants.problems.append(lacking(ItemChange(item, account, lack.field, lack.source_id), place))


def _agreed(index: Index, lack: Lack) -> bool:
    return index.agreed(LinkKind.ITEMS, lack.source_id)


def lacking(change: ItemChange, place: str = "", why: str = "") -> Problem:
    """An item that the ledger would not take in the document; ``why`` it did not get its account."""
    return Problem(
        LACKS,
        f"Item “{change.item.name}” has no {WORDS[change.field]} in QuickBooks, so it can’t be {USES[change.field]}"
        + (f": {why}" if why else "."),
        f"Let Crossfoot add “{change.account.name}”, give the item an account in QuickBooks and retry, or link another"
        " item.",
        field=place,
        subject=f"{LinkKind.ITEMS}:{change.source_id}",
    )


def resolve(needed: Iterable[Need], index: Index, policies: Mapping[LinkKind, str], *, accept: bool) -> Wants:
    """The same for needs at hand."""
    wants = Wants()
    for need in needed:
        _resolve(wants, need, index, policies.get(need.kind, "ask"), accept=accept)
    return wants


def party_of(document: Document, links: Links) -> str:
    """The ledger's id of its customer or vendor; TO_COME where it is still to be created, empty where there is none."""
    key = party_key(document)
    entry = links.get(key) if key else None
    return entry.ledger_id if entry else ""


def flight_key(document: Document, party: str, record: str) -> str:
    """Two documents with the same key are never under way in two calls: ``customer:12``, ``vendor:7``."""
    return f"{document.party.role}:{party}" if party else f"record:{record}"


def ledger_party(key: str) -> str:
    """The ledger's id of the customer or vendor in a flight key; empty where it names none yet."""
    kind, _, ident = key.partition(":")
    return ident if kind in (PartyRole.CUSTOMER, PartyRole.VENDOR) else ""


def policies(book: Book) -> dict[LinkKind, str]:
    """The Book's policy for what is missing, per kind that may be created: ask, always or never."""
    return {kind: books.setting_of(book, f"links.{kind}.missing") for kind in CREATABLE}


def _resolve(wants: Wants, need: Need, index: Index, policy: str, *, accept: bool) -> None:
    ident = own_currency.asked(need)
    linked = (index.entry(need.kind, need.source_id) or _by_name(need, index)) if ident else None
    if not ident or not (index.entry(need.kind, ident) or own_currency.differs(need, linked)):
        _resolve_one(wants, need, index, policy, accept=accept)
        return
    own, before = own_currency.own(need), len(wants.problems)
    _resolve_one(wants, own, index, policy, accept=accept)
    wants.currencies.append(own)
    if entry := wants.links.get((own.kind, own.source_id)):
        wants.links[need.kind, need.source_id] = entry  # for this document, it is its customer
        if own_currency.differs(own, entry):  # linked to one that is kept in a third currency, or in the first
            wants.problems.append(_unlinked(own, None, policy))
    refused = f"{NOUNS[need.kind]}_not_linked"
    for place, found in enumerate(wants.problems[before:], before):
        wants.problems[place] = own_currency.problem(need, found) if found.code == refused else found


def _by_name(need: Need, index: Index) -> Entry | None:
    return _exact(index, need) or _as_created(need, index)


def _resolve_one(wants: Wants, need: Need, index: Index, policy: str, *, accept: bool) -> None:
    key = (need.kind, need.source_id)
    entry = index.entry(need.kind, need.source_id)
    allowed = accept or policy == "always" or index.agreed(*key)
    if entry is not None:
        wants.links[key] = entry
        if not entry.active:
            wants.problems.append(_inactive(need, entry))
        return
    exact = _by_name(need, index)
    if exact is not None:
        wants.links[key] = exact
        wants.exact.append((need, exact))
        if not allowed:
            wants.problems.append(_unlinked(need, exact, policy))
        return
    if need.draft and need.kind in CREATABLE and allowed and policy != "never":
        wants.links[key] = Entry(need.kind, TO_COME, need.name)
        wants.drafts.append(need.draft)
    elif need.kind in DISPENSABLE and policy == "never":
        wants.problems.append(_left_out(need))
    else:
        wants.problems.append(_unlinked(need, None, policy))


def _as_created(need: Need, index: Index) -> Entry | None:
    """The entry of the name that would be created: with the account number behind it, where the Book wants that."""
    draft = need.draft
    if draft is None or draft.parent or draft.name == need.name:
        return None
    return index.exact(need.kind, draft.name)


def _unlinked(need: Need, exact: Entry | None, policy: str) -> Problem:
    noun = NOUNS[need.kind]
    called = f"GL account {need.name}" if need.kind is LinkKind.ACCOUNTS else f"{noun.capitalize()} “{need.name}”"
    subject = f"{need.kind}:{need.source_id}"
    if exact is not None:
        remedy = f"Link it to “{exact.name}”, or submit with exact-name links accepted."
        message = f"{called} is not linked yet; QuickBooks has one of exactly this name."
    elif need.kind not in CREATABLE:
        message = f"{called} is not linked to QuickBooks."
        remedy = f"Choose the QuickBooks {noun}: it counts for every document from now on."
    elif need.draft is None and need.kind is LinkKind.TERMS:
        message = f"{called} is not linked to QuickBooks, and does not count from the document’s date."
        remedy = "Create such terms (from the end of the month) in QuickBooks and link them, or link other ones."
    elif policy == "never":
        message = f"{called} is not linked, and this company’s settings say that none is created."
        remedy = f"Link the {noun}, or allow creating under Settings ▸ QuickBooks companies."
    else:
        message = f"{called} is not linked to QuickBooks."
        remedy = f"Link the {noun}, or let Crossfoot create it."
    return Problem(f"{noun.replace(' ', '_')}_not_linked", message, remedy, field=need.field, subject=subject)


def not_created(draft: Draft) -> Problem:
    """Said of what was to be created before its document, and was not."""
    noun = NOUNS[draft.kind]
    return Problem(
        f"{noun.replace(' ', '_')}_not_linked",
        f"{noun.capitalize()} “{draft.name}” was not created yet.",
        "Retry: it is created first.",
        field="party",
        subject=f"{draft.kind}:{draft.source_id}",
    )


def _inactive(need: Need, entry: Entry) -> Problem:
    noun = NOUNS[need.kind]
    return Problem(
        f"{noun.replace(' ', '_')}_inactive",
        f"QuickBooks {noun} “{entry.name}” is inactive.",
        f"Choose another {noun}, or make it active again in QuickBooks and retry.",
        field=need.field,
        subject=f"{need.kind}:{need.source_id}",
    )


def _left_out(need: Need) -> Problem:
    noun = NOUNS[need.kind]
    what = (
        f"Terms “{need.name}” are not linked; the document goes without them, with the PSA’s due date."
        if need.kind is LinkKind.TERMS
        else f"{noun.capitalize()} “{need.name}” is not linked; the document goes without it."
    )
    return Problem(
        f"{noun}_left_out",
        what,
        f"Link the {noun}{'s' if need.kind is LinkKind.TERMS else ''} under Mappings if QuickBooks should show it.",
        Severity.WARNING,
        need.field,
        f"{need.kind}:{need.source_id}",
    )


def seen(documents: Iterable[Document], rules: Rules) -> list[Need]:
    """Every need of some documents, each once: what the lists under Mappings show."""
    found = {(need.kind, need.source_id): need for document in documents for need in needs(document, rules)}
    return list(found.values())


def remarks(resolved: Wants) -> list[Problem]:
    """What has to be accepted at Submit: names that will be created, and exact names that will be linked."""
    return [
        Problem(
            f"{NOUNS[draft.kind].replace(' ', '_')}_to_create",
            f"{NOUNS[draft.kind].capitalize()} “{draft.name}” is not in QuickBooks yet and will be created.",
            "Accept it when you submit, or link it to one that is there.",
            Severity.INFO,
            subject=f"{draft.kind}:{draft.source_id}",
        )
        for draft in resolved.drafts
    ] + [
        Problem(
            f"{NOUNS[need.kind].replace(' ', '_')}_to_link",
            f"{NOUNS[need.kind].capitalize()} “{need.name}” will be linked: QuickBooks has one of exactly this name.",
            "Accept it when you submit.",
            Severity.INFO,
            subject=f"{need.kind}:{need.source_id}",
        )
        for need, _ in resolved.exact
    ]
