"""Settings of a Book's reconciliation."""

from __future__ import annotations

from app.domain.setting import Setting, SettingKind
from app.domain.setting_forms import number

RECONCILE = (
    Setting(
        "reconcile.daily",
        "Look at both systems every day",
        "Compares what was posted with what QuickBooks and ConnectWise hold now. It only reads.",
        SettingKind.CHOICE,
        (("yes", "Yes"), ("no", "No: only when somebody asks")),
        "yes",
    ),
    number("reconcile.hour", "Hour of the daily look", "From 0 to 23, in the company’s time zone.", 5, 0, 23),
    number(
        "reconcile.months",
        "Months that are looked at",
        "Documents dated earlier are not compared any more. A thousand documents cost a few calls more a look.",
        13, 1, 36,
    ),
    number(
        "reconcile.pennies",
        "Cents that count as rounding",
        "A document whose total and tax differ by no more is listed as rounding, not as edited. 0: none is.",
        5, 0, 100,
    ),
)  # fmt: skip
