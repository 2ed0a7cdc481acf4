"""Faults that a stand-in commits on request, so that tests can rehearse what a vendor does on a bad day.

A queue of rules; the first one that matches a call and still has `times` left is spent on it. What each kind means is
up to the server, but the words are the same for every vendor:

| kind | what happens |
|---|---|
| `lose_answer` | the work is done and kept, then the connection closes without an answer |
| `drop_before` | the connection closes before anything is done |
| `cut_answer` | the work is done, half of the answer's body arrives |
| `429` `401` `503` `500_before` | refused before anything is done |
| `500_after` | the work is done and kept, the answer says 500 |
| `slow:S` `slow_after:S` | S seconds pass before, or after, the work is done |
| `missing_items` | a batch is done, but its answer lacks items |
| `refuse` | the service refuses one document with `code` and `detail`, alone or inside a batch, and does nothing |
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

REFUSE = frozenset({"refuse"})
CALL_KINDS = frozenset(
    {"lose_answer", "drop_before", "cut_answer", "429", "401", "503", "500_before", "500_after"}
    | {"slow", "slow_after", "missing_items"}
)
KINDS = CALL_KINDS | REFUSE
WIRE_FAULT = "X-Sandbox-Wire-Fault"  # header by which an app tells `sandbox.wire` to drop or cut the answer


class UnknownFaultError(ValueError):
    """The kind of a fault is not one of `KINDS`."""


_SETTABLE = {"path", "method", "entity", "times", "skip", "seconds", "code", "detail"}


@dataclass
class Fault:
    """One rule: which calls it waits for, and what it does to them."""

    kind: str
    path: str = ""  # the request's path starts with it, or (without a leading slash) contains it; empty = every path
    method: str = ""  # empty = every method
    entity: str = ""  # a kind of document, or "batch"; empty = every one
    times: int = 1  # how many calls are hit; 0 = every one from now on
    skip: int = 0  # how many matching calls go through unharmed first
    seconds: float = 0.0
    code: int = 6000  # of `refuse`
    detail: str = "ordered by a test"  # of `refuse`
    hits: int = 0

    @property
    def spent(self) -> bool:
        return 0 < self.times <= self.hits

    @property
    def comes_after(self) -> bool:
        """Whether the work is done and kept before this fault shows."""
        return self.kind in {"lose_answer", "cut_answer", "500_after", "slow_after", "missing_items"}

    @property
    def named(self) -> bool:
        return bool(self.path or self.entity)

    def matches(self, method: str, path: str, entities: Iterable[str]) -> bool:
        here = path.startswith(self.path) if self.path.startswith("/") else self.path.lower() in path.lower()
        methods = not self.method or self.method.upper() == method.upper()
        return here and methods and (not self.entity or self.entity.lower() in {entity.lower() for entity in entities})


class Faults:
    """The rules that are waiting, in the order in which they were added. Safe to use from several threads."""

    def __init__(self) -> None:
        self._rules: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, kind: str, *, seconds: float = 0.0, **where: Any) -> Fault:
        """Queue a fault; `kind` may carry its seconds (`slow:2.5`), `where` is as in `Fault`.

        Raises:
            UnknownFaultError: for a kind that no server commits.
        """
        name, _, given = kind.partition(":")
        if name not in KINDS:
            raise UnknownFaultError(f"There is no fault “{kind}”. Known: {', '.join(sorted(KINDS))}.")
        rule = Fault(kind=name, seconds=float(given or seconds), **where)
        with self._lock:
            self._rules.append(rule)
        return rule

    def add_json(self, body: Mapping[str, Any]) -> Fault:
        """Queue what `POST /_faults` carries: `kind` and any field of `Fault` but `hits`."""
        known = {key: value for key, value in body.items() if key in _SETTABLE}
        return self.add(str(body.get("kind", "")), **known)

    def take(
        self,
        method: str,
        path: str,
        entities: Iterable[str] = (),
        *,
        kinds: Collection[str] = CALL_KINDS,
        named_only: bool = False,
    ) -> Fault | None:
        """The fault that hits this call, if one does; it is spent by that.

        With `named_only` a rule for every path and entity doesn't count: logins are spared unless they are meant.
        """
        names = list(entities)
        with self._lock:
            for rule in self._rules:
                if rule.spent or rule.kind not in kinds or (named_only and not rule.named):
                    continue
                if not rule.matches(method, path, names):
                    continue
                if rule.skip:
                    rule.skip -= 1
                    continue
                rule.hits += 1
                return rule
        return None

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()

    def listing(self) -> list[dict[str, Any]]:
        """Every rule with its hits, for `GET /_faults`."""
        with self._lock:
            return [asdict(rule) for rule in self._rules]
