"""Modules: hooks applied in their order, and faults that hold a document instead of breaking a run."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest

from app.domain import book_settings, hooks, soundness
from app.domain.documents import Basis, Document, DocumentKind, Line, TaxLevel
from app.domain.hooks import Installed, Unusable
from app.domain.links import LinkKind, Rules, needs
from app.domain.modules import Context, Module, Notice
from app.domain.problems import Problem, Severity, ValidationError
from app.domain.shaping import shaped
from app.domain.tax_modules import OWN
from tests.builders import a_document, a_line, money

LEVELS = (
    TaxLevel(1, "State", money("10.00"), Decimal("5"), "2200"),
    TaxLevel(2, "City", money("4.00"), Decimal("2"), "2210"),
)
INVOICE = replace(a_document(), tax_levels=LEVELS)
BILL = replace(a_document("601", number="V-1", kind=DocumentKind.BILL), tax_levels=LEVELS, psa_type="Purchase")

Install = Callable[..., None]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Install:
    """As if these had been found beside Crossfoot's own."""

    def do(*modules: Module, **broken: str) -> None:
        there = Installed(
            MappingProxyType({module.key: module for module in (*OWN, *modules)}),
            MappingProxyType({key: Unusable(key, "pkg 1", why) for key, why in broken.items()}),
            MappingProxyType({module.key: "pkg 1" for module in modules}),
        )
        monkeypatch.setattr(hooks, "installed", lambda: there)

    monkeypatch.setattr(hooks, "_paused", {})
    return do


def rules(base: Rules | None = None, **settings: str) -> Rules:
    return book_settings.rules_from(base or Rules(), {f"modules.{key}": value for key, value in settings.items()})


def codes(document: Document, own: Rules) -> list[str]:
    return [problem.code for problem in soundness.problems(document, own)]


def module(**parts: Any) -> Module:
    return Module("mine", "Mine", "Does something.", **parts)


# ── those that ship with Crossfoot ──


def test_nothing_is_on_by_default() -> None:
    assert list(hooks.enabled(rules())) == []
    assert shaped(INVOICE, rules()).tax == INVOICE.tax


def test_taxes_become_lines_on_invoices_and_add_up() -> None:
    own = rules(taxes_as_lines="all")
    found = shaped(INVOICE, own)
    assert [(line.description, line.amount.amount, line.account) for line in found.lines[1:]] == [
        ("State", Decimal("10.00"), "2200"), ("City", Decimal("4.00"), "2210"),
    ]  # fmt: skip
    assert (found.total, found.tax.amount or found.difference.amount) == (INVOICE.total, Decimal(0))
    assert found.modules == ("Taxes as Line Items",)
    assert codes(found, own) == []
    assert LinkKind.TAX_CODES not in {need.kind for need in needs(found, rules(Rules(tax_mode="manual")))}


def test_on_purchases_only_invoices_keep_their_tax() -> None:
    own = rules(Rules(tax_mode="per_line"), taxes_as_lines="purchases")
    assert shaped(INVOICE, own) == shaped(INVOICE, rules(Rules(tax_mode="per_line")))
    lines = shaped(BILL, own).lines
    assert [(line.basis, line.account) for line in lines[1:]] == [(Basis.ACCOUNT, "2200"), (Basis.ACCOUNT, "2210")]


def test_what_avalara_computed_becomes_one_line_and_other_invoices_stay() -> None:
    own = rules(avalara="yes")
    adjusted = shaped(replace(INVOICE, tax_by="avalara"), own)
    assert [(line.description, line.amount.amount) for line in adjusted.lines[1:]] == [
        ("Sales tax (Avalara)", Decimal("14.00"))
    ]
    assert not any(line.taxable for line in adjusted.lines)
    assert shaped(INVOICE, own).tax == INVOICE.tax


def test_a_tax_without_an_account_is_held_for_it() -> None:
    own = rules(avalara="yes")
    without = replace(INVOICE, tax_by="avalara", tax_levels=())
    assert codes(shaped(without, own), own) == ["gl_account_missing"]


# ── anybody's ──


def test_hooks_change_lines_texts_and_say_what_stands_in_the_way(install: Install) -> None:
    def short(text: str, _line: Line, _document: Document, context: Context) -> str:
        return f"{text} [{context.option}]"

    def no_email(document: Document, _: Context) -> list[Problem]:
        return [] if document.memo else [Problem("no_memo", "It has no memo.", "Write one.", Severity.WARNING)]

    install(module(line_text=short, before_post=no_email, document=lambda d, _: replace(d, attention="Kim")))
    own = rules(mine="yes")
    found = shaped(a_document(), own)
    assert (found.lines[0].description, found.attention) == ("Managed services [yes]", "Kim")
    assert found.modules == ("Mine",)
    assert [(p.code, p.message) for p in soundness.problems(found, own)] == [("no_memo", "It has no memo. (Mine)")]
    assert shaped(a_document(), rules(mine="no")) == shaped(a_document(), rules())


def test_the_same_module_in_another_version_makes_other_forecasts(install: Install) -> None:
    install(module(version="1"))
    one = hooks.versions(rules(mine="yes"))
    install(module(version="2"))
    assert hooks.versions(rules(mine="yes")) != one


FAULTS: list[tuple[Any, str]] = [
    (lambda d, _: replace(d, lines=(a_line("199.00"),)), "does not add up: 1.00 is missing"),
    (lambda d, _: replace(d, total=money("1.00")), "changed total and signed total"),
    (lambda d, _: replace(d, kind=DocumentKind.CREDIT_MEMO), "changed kind"),
    (lambda *_: None, "gave a NoneType where a document is expected"),
    (lambda *_: 1 / 0, "failed: ZeroDivisionError: division by zero"),
    (lambda *_: sys.exit(), "failed: SystemExit"),
]


@pytest.mark.parametrize(("hook", "what"), FAULTS)
def test_a_fault_of_a_module_holds_the_document_as_it_was_before(install: Install, hook: Any, what: str) -> None:
    install(module(document=hook))
    own = rules(mine="yes")
    found = shaped(a_document(), own)
    assert (replace(found, faults=()), found.modules) == (shaped(a_document(), rules()), ())
    told = [p for p in soundness.problems(found, own) if p.code == "module_failed"]
    assert len(told) == 1
    assert "Module Mine" in told[0].message
    assert what in told[0].message
    assert told[0].severity is Severity.ERROR


def test_wrong_answers_of_the_other_hooks_hold_it_too(install: Install) -> None:
    install(module(line_text=lambda *_: 5))
    assert codes(shaped(a_document(), rules(mine="yes")), rules(mine="yes")) == ["module_failed"]
    install(module(before_post=lambda *_: ["no"]))
    assert codes(a_document(), rules(mine="yes")) == ["module_failed"]


def test_a_module_that_hangs_is_waited_for_once_and_then_left_alone(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "BUDGET", 0.05)
    install(module(document=lambda *_: time.sleep(0.5)))
    begun = time.monotonic()
    assert "took longer than 0.05 s" in shaped(a_document(), rules(mine="yes")).faults[0]
    for _ in range(20):
        assert "took too long a moment ago" in shaped(a_document(), rules(mine="yes")).faults[0]
    assert time.monotonic() - begun < 0.4


def test_one_that_is_on_and_not_there_holds_everything_until_it_is_switched_off(install: Install) -> None:
    install(broken="ImportError: no")
    assert "not installed" in shaped(a_document(), rules(gone="yes")).faults[0]
    assert "could not be loaded (ImportError: no)" in shaped(a_document(), rules(broken="yes")).faults[0]
    assert book_settings.setting("modules.gone").parse("no") == "no"
    with pytest.raises(ValidationError):
        book_settings.setting("modules.gone").parse("yes")


def test_a_notification_that_fails_is_told_and_changes_nothing(install: Install) -> None:
    told: list[Notice] = []
    notice = Notice("batch_ended", "Demo MSP", "B-1", "completed")
    install(module(notify=lambda notice, _: told.append(notice)))
    assert (hooks.tell(notice, rules(mine="yes")), told) == ([], [notice])
    install(module(notify=lambda *_: 1 / 0))
    assert "failed: ZeroDivisionError" in hooks.tell(notice, rules(mine="yes"))[0]
