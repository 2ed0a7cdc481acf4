"""The modules there are, and their hooks applied. A fault of a module is data beside the document, never an exception.

Installed modules are found once in a process, by the entry point group ``crossfoot.modules``. Those that ship with
Crossfoot come first, the others in the order of their keys.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from app.domain.documents import Document
from app.domain.links import Rules
from app.domain.modules import Context, Module, Notice
from app.domain.problems import Problem
from app.domain.setting import Setting, SettingKind
from app.domain.tax_modules import OWN

T = TypeVar("T")

GROUP = "crossfoot.modules"
PREFIX = "modules."
OFF = ("", "no")
KEY = re.compile(r"[a-z][a-z0-9_]{1,39}")
#: Seconds that one call of a hook may take; and for how long a module that took longer is not called again.
BUDGET, NOTIFY_BUDGET, PAUSE = 2.0, 10.0, 60.0
#: What a document hook must leave as it is.
KEPT = ("kind", "records", "currency", "total", "signed_total", "modules", "faults")
#: The longest text that a line may have.
LONGEST = 20_000


@dataclass(frozen=True, slots=True)
class Unusable:
    """An installed module that could not be loaded, and why."""

    key: str
    package: str
    why: str


@dataclass(frozen=True, slots=True)
class Installed:
    """What the process has found. ``packages`` says where a module comes from, as ``name version``."""

    modules: Mapping[str, Module]
    unusable: Mapping[str, Unusable]
    packages: Mapping[str, str]


@cache
def installed() -> Installed:
    """Every module there is."""
    modules, unusable, packages = {module.key: module for module in OWN}, dict[str, Unusable](), dict[str, str]()
    for entry in sorted(entry_points(group=GROUP), key=lambda one: one.name):
        package = f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.value
        try:
            module = _loaded(entry, modules)
        except BaseException as error:  # noqa: BLE001 - somebody else's code: whatever it raises is its fault alone
            unusable[entry.name] = Unusable(entry.name, package, f"{type(error).__name__}: {error}"[:300])
        else:
            modules[module.key], packages[module.key] = module, package
    return Installed(modules, unusable, packages)


def forget() -> None:
    """Look for modules anew, when one was installed while the process runs."""
    installed.cache_clear()
    _paused.clear()


def _loaded(entry: EntryPoint, known: Mapping[str, Module]) -> Module:
    module = entry.load()
    if not isinstance(module, Module):
        raise TypeError(f"“{entry.value}” is not a Module")
    if not KEY.fullmatch(module.key) or module.key in known:
        raise ValueError(f"“{module.key}” is no key, or another module has it")
    if not module.choices or module.choices[0][0] != "no":
        raise ValueError("the first choice must be “no”")
    return replace(module, own=False)


# ── settings ─────────────────────────────────────────────────────────────────────────────────────────────────────


def setting(key: str) -> Setting | None:
    """The setting that switches a module on; also of one that is no longer there, so that it can be switched off."""
    if not key.startswith(PREFIX) or not KEY.fullmatch(key.removeprefix(PREFIX)):
        return None
    module = installed().modules.get(key.removeprefix(PREFIX))
    if module is None:
        name = key.removeprefix(PREFIX)
        return Setting(key, name, "It is not installed (any more).", SettingKind.CHOICE, (("no", "Off"),), "no")
    return Setting(key, module.name, module.summary, SettingKind.CHOICE, module.choices, "no")


def settings() -> dict[str, Setting]:
    """Of every module there is."""
    return {PREFIX + key: own for key in installed().modules if (own := setting(PREFIX + key))}


def enabled(rules: Rules) -> Iterator[tuple[str, str]]:
    """Key and choice of those that are on, in the order in which they are applied."""
    on = {k.removeprefix(PREFIX): v for k, v in rules.settings.items() if k.startswith(PREFIX) and v not in OFF}
    order = list(installed().modules)
    yield from sorted(on.items(), key=lambda item: order.index(item[0]) if item[0] in order else len(order))


def versions(rules: Rules) -> list[tuple[str, str, str]]:
    """Of those that are on: another version may make another document."""
    there = installed()
    return [
        (key, option, there.packages.get(key, "") + (there.modules[key].version if key in there.modules else ""))
        for key, option in enabled(rules)
    ]


# ── documents ────────────────────────────────────────────────────────────────────────────────────────────────────


def built(document: Document, rules: Rules) -> Document:
    """The document after the hooks of every module that is on. Says in ``modules`` and ``faults`` whose they were."""
    for key, option in enabled(rules):
        module = installed().modules.get(key)
        if module is None:
            document = _with_fault(document, key, _absent(key))
            continue
        for step in (_document_step, _line_step):
            document = _taken(step, module, document, Context(option, rules))
    return document


def _taken(
    step: Callable[[Module, Document, Context], Document], module: Module, document: Document, context: Context
) -> Document:
    try:
        changed = step(module, document, context)
    except Fault as fault:
        return _with_fault(document, module.name, fault.what)
    if changed == document:
        return document
    return replace(changed, modules=tuple(dict.fromkeys((*document.modules, module.name))))


def _with_fault(document: Document, name: str, what: str) -> Document:
    return replace(document, faults=(*document.faults, f"{name} {what}"))


def _absent(key: str) -> str:
    broken = installed().unusable.get(key)
    return f"could not be loaded ({broken.why})" if broken else "is switched on here, but not installed"


def _document_step(module: Module, document: Document, context: Context) -> Document:
    hook = module.document
    if hook is None:
        return document
    found = within(module, BUDGET, lambda: hook(document, context))
    if not isinstance(found, Document):
        raise Fault(f"gave a {type(found).__name__} where a document is expected")
    lost = [name for name in KEPT if getattr(found, name) != getattr(document, name)]
    if lost:
        raise Fault(f"changed {' and '.join(name.replace('_', ' ') for name in lost)}, which no module may")
    if found.difference != document.difference:
        raise Fault(f"left a document that does not add up: {found.difference.amount:,.2f} is missing")
    return found


def _line_step(module: Module, document: Document, context: Context) -> Document:
    hook = module.line_text
    if hook is None:
        return document
    texts = within(module, BUDGET, lambda: [hook(line.description, line, document, context) for line in document.lines])
    wrong = next((text for text in texts if not isinstance(text, str) or len(text) > LONGEST), "")
    if wrong:
        raise Fault("gave something else than a text for a line")
    return replace(
        document,
        lines=tuple(replace(line, description=text) for line, text in zip(document.lines, texts, strict=True)),
    )


def problems(document: Document, rules: Rules) -> list[Problem]:
    """Faults of modules, and what their hooks say before the document is posted."""
    found = [_fault(what) for what in document.faults]
    for key, option in enabled(rules):
        module = installed().modules.get(key)
        if module is not None and (hook := module.before_post):
            try:
                told = within(module, BUDGET, partial(_all, hook, document, Context(option, rules)))
                found += [_named(module, problem) for problem in told]
            except Fault as fault:
                found.append(_fault(f"{module.name} {fault.what}"))
    return found


def _all(hook: Callable[..., Iterable[Any]], *given: object) -> list[Any]:
    """What a hook gives, to its end: that counts for its budget, too."""
    return list(hook(*given))


def _fault(what: str) -> Problem:
    return Problem(
        "module_failed",
        f"Module {what}.",
        "Switch it off under Settings ▸ QuickBooks companies ▸ Modules, or have it mended; nothing was sent.",
        subject="modules",
    )


def _named(module: Module, problem: object) -> Problem:
    if not isinstance(problem, Problem):
        raise Fault(f"gave a {type(problem).__name__} where a problem is expected")
    said = f"{problem.message} ({module.name})"
    return replace(problem, message=said, technical={**problem.technical, "module": module.key})


def tell(notice: Notice, rules: Rules) -> list[str]:
    """Call the notification hooks; answers what went wrong, in a sentence each."""
    wrong = []
    for key, option in enabled(rules):
        module = installed().modules.get(key)
        if module is not None and (hook := module.notify):
            try:
                within(module, NOTIFY_BUDGET, partial(hook, notice, Context(option, rules)))
            except Fault as fault:
                wrong.append(f"Module {module.name} {fault.what}; the batch is not affected.")
    return wrong


# ── calls with a time budget ─────────────────────────────────────────────────────────────────────────────────────


class Fault(Exception):  # noqa: N818 - what the field calls it
    """A module did what it may not. ``what`` goes on after its name."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


_paused: dict[str, float] = {}


def within(module: Module, seconds: float, work: Callable[[], T]) -> T:
    """Call it in a thread of its own and wait so long. Raises Fault.

    A thread cannot be ended from outside: one that hangs is left behind, and its module is not called for a minute.
    """
    if module.own:
        return work()
    if _paused.get(module.key, 0.0) > time.monotonic():
        raise Fault("took too long a moment ago, and is left alone for a minute")
    done: list[tuple[Any, BaseException | None]] = []

    def call() -> None:
        try:
            done.append((work(), None))
        except BaseException as error:  # noqa: BLE001 - somebody else's code
            done.append((None, error))

    thread = threading.Thread(target=call, name=f"module {module.key}", daemon=True)
    thread.start()
    thread.join(seconds)
    if not done:
        _paused[module.key] = time.monotonic() + PAUSE
        raise Fault(f"took longer than {seconds:g} s")
    value, error = done[0]
    if error is not None:
        raise Fault(f"failed: {type(error).__name__}: {error}"[:300])
    return value  # type: ignore[no-any-return]  # as work() gave it
