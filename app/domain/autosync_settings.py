"""The settings of AutoSync: what, when, how. On and off is none of them: that asks for checks (services/autosync)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from app.domain import clock_words
from app.domain.schedule import Schedule
from app.domain.setting import Setting, SettingKind
from app.domain.setting_forms import number, switch
from app.domain.states import RecordKind

PREFIX = "autosync."
SHORTEST, LONGEST = 15, 1440
#: Days around a month's end that can be left out, on either side.
MOST_QUIET = 15
NAME_FIELDS = ("company", "kind", "date", "time")
PATTERN = "[company] AutoSyncModule [kind]"


AUTOSYNC = (
    switch("autosync.invoices", "Invoices", "Posts unposted invoices and credit memos.", "yes"),
    switch("autosync.expenses", "Expenses", "Posts unposted expenses."),
    switch("autosync.inventory", "Inventory", "Posts received purchases, adjustments and transfers."),
    switch("autosync.payments", "Payments", "Brings payments from QuickBooks to ConnectWise, as Payment Sync does."),
    Setting(
        "autosync.when",
        "How often",
        "In the company’s time zone. A run begins only when the one before has ended.",
        SettingKind.CHOICE,
        (("interval", "At intervals"), ("times", "At times of day")),
        "interval",
    ),
    number(
        "autosync.interval",
        "Interval in minutes",
        "15 to 1,440. A run that takes longer is followed by one run, not by several.",
        120, SHORTEST, LONGEST,
    ),
    Setting(
        "autosync.begins", "Intervals begin at", "The first run of a day.", SettingKind.TIME, default="00:00"
    ),
    Setting(
        "autosync.ends",
        "Intervals end at",
        "No run begins later. The same as the beginning: all day long. Earlier: over midnight.",
        SettingKind.TIME,
        default="00:00",
    ),
    Setting(
        "autosync.times",
        "Times of day",
        "Like 08:00, 17:30.",
        SettingKind.TIMES,
        default="06:00",
    ),
    Setting(
        "autosync.weekdays",
        "Weekdays",
        "On other days nothing is due.",
        SettingKind.WEEKDAYS,
        default=clock_words.written_weekdays(range(7)),
    ),
    number(
        "autosync.quiet_last",
        "Quiet days at a month’s end",
        "So many last days of each month without a run, for whoever closes the month by hand. 0: none.",
        0, 0, MOST_QUIET,
    ),
    number(
        "autosync.quiet_first",
        "Quiet days at a month’s beginning",
        "So many first days of each month without a run. 0: none.",
        0, 0, MOST_QUIET,
    ),
    Setting(
        "autosync.through",
        "Through date",
        "Later dated records wait for a later run.",
        SettingKind.CHOICE,
        (("today", "Today"), ("yesterday", "Yesterday"), ("last_month", "End of last month")),
        "today",
    ),
    Setting("autosync.location", "Location", "Only this location’s records. Empty: all.", SettingKind.SOURCE_REF),
    Setting(
        "autosync.summary",
        "Summary level",
        "How much of an invoice’s detail the PSA’s export gives.",
        SettingKind.CHOICE,
        (("", "As the company’s Sales tab says"), ("default", "Default"), ("condensed", "Condensed"),
         ("detailed", "Detailed")),
    ),
    switch(
        "autosync.accept",
        "Take exact names, create what is missing",
        "Of customers, vendors, items and terms. No: a document that needs one is held until a person links it.",
    ),
    Setting(
        "autosync.approval",
        "Approval of its batches",
        "Matters where the Company tab wants batches approved: switching AutoSync on can count as a standing order.",
        SettingKind.CHOICE,
        (("", "As the Company tab says"), ("no", "None: it posts at once")),
    ),
    Setting(
        "autosync.mail_to",
        "Failures are mailed to these too",
        "Up to five addresses with commas: people without a log-in. Of every batch of the company, by hand too; users"
        " choose under their own name.",
        SettingKind.ADDRESSES,
    ),
    Setting(
        "autosync.name",
        "Names of batches",
        "Fields: [company], [kind], [date], [time]. A name that is taken gets -1, -2 … at its end.",
        SettingKind.PATTERN,
        default=PATTERN,
        fields=NAME_FIELDS,
    ),
)  # fmt: skip


def kinds(values: Mapping[str, str]) -> list[RecordKind]:
    """What is to be posted."""
    return [kind for kind in RecordKind if values[f"{PREFIX}{kind}"] == "yes"]


def payments(values: Mapping[str, str]) -> bool:
    """Whether payments are brought back, after everything else."""
    return values["autosync.payments"] == "yes"


def schedule(values: Mapping[str, str], zone: str) -> Schedule:
    """When it is due."""
    at_times = values["autosync.when"] == "times"
    begins, ends = (clock_words.times(values[f"{PREFIX}{name}"])[0] for name in ("begins", "ends"))
    return Schedule(
        zone,
        minutes=0 if at_times else int(values["autosync.interval"]),
        times=clock_words.times(values["autosync.times"]),
        weekdays=clock_words.weekdays(values["autosync.weekdays"]),
        begins=begins,
        ends=ends,
        quiet_last=int(values["autosync.quiet_last"]),
        quiet_first=int(values["autosync.quiet_first"]),
    )


def through(rule: str, today: dt.date) -> dt.date:
    """The last date that is taken."""
    if rule == "last_month":
        return today.replace(day=1) - dt.timedelta(days=1)
    return today - dt.timedelta(days=1) if rule == "yesterday" else today
