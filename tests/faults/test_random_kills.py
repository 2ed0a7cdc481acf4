"""Ten kills at random moments; most of them must hit a document on its way, and the suite tells how many did."""

from __future__ import annotations

import random
import time
from functools import partial

from app.domain.states import SectionKey
from app.settings import Waits
from tests.faults.counting import wrongs
from tests.faults.rig import Rig
from tests.kills import Kills

KILLS = 10
#: Seconds that QuickBooks takes for a call with documents; everything else is quick.
SLOW = 1.2
#: So many of the kills are counted from the moment at which a document has left.
MOST = 0.8


def test_ten_random_kills_double_nothing_and_lose_nothing(rig: Rig, kills: Kills) -> None:
    kills.random = True
    rig.engine.waits = Waits(running=SLOW + 0.5, between=0.1, lease=0.6)
    for path in ("batch", "invoice"):
        rig.engine.company.faults.add("slow", path=path, method="POST", times=0, seconds=SLOW)
    chance = random.Random(4417)  # the same moments every time, as far as the machine allows
    numbers: list[str] = []
    for _ in range(KILLS):
        fresh = rig.close_more(2)
        batch = rig.engine.submit(*fresh)
        worker = rig.worker(batch)
        rig.wait_until(partial(rig.has_begun, batch, SectionKey.DOCUMENTS))
        if chance.random() < MOST:  # on a busy machine much of the stage goes by before anything leaves
            rig.wait_until(lambda: rig.sending() > 0)
        time.sleep(chance.uniform(0, SLOW))
        worker.kill()
        kills.killed(rig.sending())
        rig.take_over(batch)
        numbers += fresh
        assert rig.count() == dict.fromkeys(numbers, 1)
        rig.assert_ours(*fresh)
    rig.engine.assert_exactly_once()
    assert wrongs(rig.engine) == []
    assert kills.sending >= 0.6 * kills.count
