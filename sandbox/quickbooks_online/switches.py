"""What differs between companies, or what the vendor's documents leave open: one field each, set at run time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any


class UnknownSwitchError(ValueError):
    """No switch has this name, or it can't have this value."""


WORDS = {
    "tax_mode": {"us_manual", "us_ast", "non_us"},
    "duplicate_numbers": {"refused", "allowed"},
    "duplicate_bill_numbers": {"vendor", "company", "allowed"},
    "track_classes": {"no", "transaction", "line"},
    "requestid": {"honoured", "ignored", "replay_deleted"},
    "requestid_running": {"wait", "fault"},
    "cdc_limit": {"answer", "entity"},
    "service_items": {"income_account", "either_account"},
    "sold_without_account": {"refused", "booked"},
    "webhook_shape": {"notifications", "cloud_events"},
}


@dataclass
class Switches:
    """Preferences of the company first, then the vendor's unknowns, then time."""

    country: str = "US"
    home_currency: str = "USD"
    offering: str = "QuickBooks Online Plus"
    tax_mode: str = "us_manual"
    using_sales_tax: bool = True
    ast_tax_code: str = "3"  # what the automated sales tax engine finds for every address
    custom_txn_numbers: bool = True
    duplicate_numbers: str = "refused"  # sales forms; only where custom_txn_numbers is on
    duplicate_bill_numbers: str = "vendor"  # the same number twice is refused: per vendor, in the company, or not
    warn_duplicate_journal_number: bool = True
    auto_apply_credit: bool = False
    book_close_date: str = ""  # YYYY-MM-DD; nothing may be dated on or before it
    multi_currency: bool = False
    exchange_rates: dict[str, str] = field(  # of every day: home units for one
        default_factory=lambda: {"CAD": "0.7312", "EUR": "1.0845", "GBP": "1.2701", "JPY": "0.00665"}
    )
    track_departments: bool = True
    track_classes: str = "line"
    use_account_numbers: bool = True
    default_terms: str = ""  # id of a Term
    fill_bill_email: bool = True  # an invoice without an address takes its customer's
    service_items: str = "income_account"  # what a new service must have; or either_account: an expense account will do
    sold_without_account: str = "refused"  # a sale of an item without income account; or booked as item 1 is
    online_payments: bool = False  # QuickBooks Payments is set up: invoices with an address have a link to pay

    requestid: str = (
        "honoured"  # honoured: forgotten when the document it made is deleted; replay_deleted: kept then too
    )
    requestid_running: str = "wait"  # the same id again while the first call runs: wait for its answer, or fault 600
    replay_faults: bool = True  # whether a refusal is remembered like a success
    shuffle_batch: bool = False  # batch answers in another order than asked
    cdc_limit: str = "answer"  # CDC's 1,000 objects are those of the whole answer, or of each entity
    query_lag: float = 0.0  # seconds until queries and CDC see a new document; reading by id always does

    access_token_seconds: int = 3600
    refresh_token_seconds: int = 8_726_400
    refresh_rotation_seconds: float = 86_400.0  # a refresh token keeps its value for so long; 0 = new at every refresh
    superseded_kills_after: int = 2  # so many uses of a superseded refresh token kill the live one too
    deny_consent: bool = False
    grant_realm: str = ""  # which company the next consent is for; empty = the first one

    webhook_url: str = ""  # where changes are told to, signed with the token; empty = nobody is told
    webhook_verifier: str = "sandbox-verifier-token"
    webhook_shape: str = "notifications"
    webhook_seconds: float = 0.05  # changes are gathered for so long
    webhook_twice: bool = False  # every delivery comes twice, its entries in another order

    call_ms: float = 0.0
    item_ms: float = 0.0  # each item of a batch takes so long
    custom_fields: dict[str, str] = field(default_factory=lambda: {"1": "PSA Invoice"})  # DefinitionId -> name

    def update(self, changes: Mapping[str, Any]) -> None:
        """Set several at once; all names and words are checked before any is set.

        Raises:
            UnknownSwitchError: for an unknown name or word.
        """
        known = {switch.name for switch in fields(self)}
        for name, value in changes.items():
            if name not in known:
                raise UnknownSwitchError(f"There is no switch “{name}”. Known: {', '.join(sorted(known))}.")
            if name in WORDS and value not in WORDS[name]:
                raise UnknownSwitchError(f"“{name}” is one of {', '.join(sorted(WORDS[name]))}, not “{value}”.")
        for name, value in changes.items():
            setattr(self, name, value)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)
