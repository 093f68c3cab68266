"""25 kills over all roles while events and edits come in: nothing acknowledged is lost, nothing overtakes."""

from pathlib import Path

import pytest
from tests.engines import database
from tools.soaking.kill_round import Plan, run_round

pytestmark = pytest.mark.system
KILLS = 25


def test_25_kills_over_all_roles_under_load_lose_nothing(engine: str, tmp_path: Path):
    plan = Plan(
        engine=engine, kills=KILLS, rate=600.0 if engine == "sqlite" else 200.0, seed=25, longest_pause_s=0.4
    )

    result = run_round(plan, tmp_path, lambda name: database(tmp_path, name, engine=engine))

    assert (0, 0) == (result.lost, result.reordered)
    assert KILLS == sum(result.kills.values())
    assert 3_000 < result.acked <= result.received
    assert set(result.answers) <= {"200", "503", "cut", "refused"}, "and nothing else"
