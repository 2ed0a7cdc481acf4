"""One company file: tables, counters, switches and a lock. Objects are replaced, never changed in place."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from sandbox.faults import Faults
from sandbox.quickbooks_online.problems import Json
from sandbox.quickbooks_online.switches import Switches
from sandbox.quickbooks_online.webhooks import Change, Webhooks
from sandbox.throttle import Limit, Throttle

PEOPLE = ("Customer", "Vendor", "Employee")  # one namespace of names, one sequence of ids
LISTS = (*PEOPLE, "Item", "Account", "TaxCode", "TaxRate", "TaxAgency", "Term", "Class", "Department", "PaymentMethod")
SALES = ("Invoice", "CreditMemo")
PURCHASES = ("Bill", "VendorCredit", "Purchase", "PurchaseOrder")
BANKING = ("Deposit", "RefundReceipt")  # made by people only: see bookkeeper
TRANSACTIONS = (*SALES, *PURCHASES, *BANKING, "Payment", "JournalEntry", "InventoryAdjustment")
ENTITIES = (*LISTS, *TRANSACTIONS, "Attachable")
PACIFIC = ZoneInfo("America/Los_Angeles")  # the vendor's servers stamp in this zone, whatever the company's is

# https://developer.intuit.com/app/developer/qbo/docs/learn/limits-and-throttles
PUBLISHED_LIMITS = {"minute": Limit(500, 60), "second": Limit(10, 1), "batch": Limit(40, 60)}


@dataclass(frozen=True)
class Tombstone:
    """A deleted object, as change data capture reports it."""

    entity: str
    id: str
    when: datetime


def _family(entity: str) -> str:
    if entity in PEOPLE:
        return "people"
    return "transactions" if entity in TRANSACTIONS else entity


class Company:
    """The state of one QuickBooks company. Hold `lock` while reading several things or writing anything."""

    def __init__(self, realm: str, name: str, switches: Switches | None = None) -> None:
        self.realm = realm
        self.name = name
        self.switches = switches or Switches()
        self.faults = Faults()
        self.throttle = Throttle(PUBLISHED_LIMITS)
        self.webhooks = Webhooks(realm)
        self.lock = threading.RLock()
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.tables: dict[str, dict[str, Json]] = {entity: {} for entity in ENTITIES}
        self.tombstones: list[Tombstone] = []
        self.counts: Counter[str] = Counter()
        self.balances: defaultdict[str, Decimal] = defaultdict(Decimal)  # by customer or vendor id
        self.last_number: dict[str, str] = {}  # by kind of document, for the vendor's own numbering
        self._numbers: defaultdict[tuple[str, str], dict[str, str]] = defaultdict(
            dict
        )  # (entity, number) -> {id: party}
        self._names: dict[tuple[str, str], tuple[str, str]] = {}  # (namespace, name) -> (entity, id)
        self._visible_from: dict[tuple[str, str], float] = {}
        self._ids = {family: itertools.count(1) for family in map(_family, ENTITIES)}

    def count(self, what: str) -> None:
        """One more of these, for `/_stats`."""
        with self.lock:
            self.counts[what] += 1

    def now(self) -> str:
        return self.stamp(self.clock())

    def stamp(self, moment: datetime) -> str:
        """The vendor's stamp, to the second, with the Pacific offset."""
        return moment.astimezone(PACIFIC).isoformat(timespec="seconds")

    def response_time(self) -> str:
        return self.clock().astimezone(PACIFIC).isoformat(timespec="milliseconds")

    def today(self) -> str:
        return self.clock().astimezone(PACIFIC).date().isoformat()

    def new_id(self, entity: str) -> str:
        family = [self.tables[other] for other in ENTITIES if _family(other) == _family(entity)]
        return next(id_ for id_ in map(str, self._ids[_family(entity)]) if not any(id_ in table for table in family))

    def find(self, entity: str, id_: object) -> Json | None:
        return self.tables.get(entity, {}).get(str(id_))

    def put(self, entity: str, obj: Json) -> None:
        """Store or replace an object, keeping the look-ups by name and by number in step."""
        id_ = obj["Id"]
        old = self.tables[entity].get(id_)
        if old is None and self.switches.query_lag:
            self._visible_from[entity, id_] = time.monotonic() + self.switches.query_lag
        if old is not None:
            self._forget(entity, old)
        self.tables[entity][id_] = obj
        self._remember(entity, obj)
        voided = old is not None and not obj.get("TotalAmt", 1) and old.get("TotalAmt")
        self._tell(entity, id_, "Create" if old is None else "Void" if voided else "Update")

    def _tell(self, entity: str, id_: str, operation: str) -> None:
        self.webhooks.tell(self.switches, Change(entity, id_, operation, self.now()))

    def remove(self, entity: str, id_: str) -> None:
        self._forget(entity, self.tables[entity].pop(id_))
        self.tombstones.append(Tombstone(entity, id_, self.clock()))
        self._tell(entity, id_, "Delete")

    def was_deleted(self, entity: str, id_: str) -> bool:
        return id_ not in self.tables.get(entity, {}) and any(
            stone.entity == entity and stone.id == id_ for stone in self.tombstones
        )

    def visible(self, entity: str) -> Iterator[Json]:
        """What a query sees now; new documents may lag behind."""
        waiting, now = self._visible_from, time.monotonic()
        for id_, obj in self.tables[entity].items():
            if not waiting or waiting.get((entity, id_), 0.0) <= now:
                yield obj

    def name_holder(self, entity: str, name: str) -> tuple[str, str] | None:
        """Which (entity, id) has this name, in any case, active or not."""
        return self._names.get((namespace(entity), name.strip().lower()))

    def number_holders(self, entity: str, number: str) -> dict[str, str]:
        """Documents with this number: id -> party id."""
        return self._numbers.get((entity, number.lower()), {})

    def transactions(self) -> Iterator[tuple[str, Json]]:
        for entity in TRANSACTIONS:
            for obj in self.tables[entity].values():
                yield entity, obj

    def _remember(self, entity: str, obj: Json) -> None:
        if name := name_of(entity, obj):
            self._names[namespace(entity), name.strip().lower()] = (entity, obj["Id"])
        if number := obj.get("DocNumber"):
            self._numbers[entity, number.lower()][obj["Id"]] = party_of(obj)
            if obj.get("SyncToken") == "0":
                self.last_number[entity] = number
        self.balances[party_of(obj)] += signed_balance(entity, obj)

    def _forget(self, entity: str, obj: Json) -> None:
        if name := name_of(entity, obj):
            self._names.pop((namespace(entity), name.strip().lower()), None)
        if number := obj.get("DocNumber"):
            self._numbers[entity, number.lower()].pop(obj["Id"], None)
        self.balances[party_of(obj)] -= signed_balance(entity, obj)


def namespace(entity: str) -> str:
    """Within what a name must be unique."""
    return "people" if entity in PEOPLE else entity


def name_of(entity: str, obj: Json) -> str:
    """The unique name of a list object; empty for a transaction."""
    if entity in PEOPLE or entity == "TaxAgency":
        return str(obj.get("DisplayName", ""))
    return str(obj.get("Name", "")) if entity in LISTS else ""


def party_of(obj: Json) -> str:
    """Id of the customer or vendor of a transaction; empty if it has none."""
    reference = obj.get("CustomerRef") or obj.get("VendorRef") or {}
    return str(reference.get("value", ""))


def signed_balance(entity: str, obj: Json) -> Decimal:
    """What this transaction adds to the open balance of its party."""
    if entity in {"Invoice", "Bill", "Purchase"}:
        return Decimal(str(obj.get("Balance", 0)))
    if entity in {"CreditMemo", "VendorCredit", "Deposit"}:
        return -Decimal(str(obj.get("Balance", 0)))
    return -Decimal(str(obj.get("UnappliedAmt", 0))) if entity == "Payment" else Decimal(0)
