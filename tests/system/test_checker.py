"""The checker is proved: broken on purpose, each rule is found broken; whole, it is not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.engines import on_a_file
from tests.system.test_crash import Company, company
from tests.system.world import Seen, eventually, livefeed

pytestmark = pytest.mark.system
PROGRAM = Path(__file__).with_name("lane_program.py")

__all__ = ["company"]


def run_program(story: str, folder: Path, mutation: str) -> int:
    """Run one interleaving in a process of its own and return check-history's exit code."""
    history = folder / "history.jsonl"
    subprocess.run(
        [sys.executable, str(PROGRAM), story, str(folder / "lanes.db"), str(history)],
        env={**os.environ, "LIVEFEED_MUTATE": mutation},
        check=True,
        timeout=60,
    )
    return livefeed("check-history", str(history), check=False).returncode


@pytest.mark.parametrize(
    ("story", "mutation"), [("fence", "drop-fence"), ("subselect", "settle-by-subselect")]
)
def test_a_broken_settle_is_found(tmp_path: Path, story: str, mutation: str):
    assert 1 == run_program(story, tmp_path, mutation)


@pytest.mark.parametrize("story", ["fence", "subselect"])
def test_a_whole_settle_has_no_findings(tmp_path: Path, story: str):
    assert 0 == run_program(story, tmp_path, "")


@on_a_file
@pytest.mark.parametrize(("mutation", "expected"), [("ack-before-commit", 1), ("", 0)])
def test_an_answer_before_the_commit_is_found(company: Company, mutation: str, expected: int):
    """The app dies between proving an event genuine and committing it: only a broken one has answered 200."""
    hit, other = company.add_posts(2)
    acked: list[int] = []

    def note(seen: Seen, status: int) -> None:
        form = seen.form
        if form.get("event") == "ONLIVEFEEDPOSTUPDATE" and status == 200:
            post = int(form["data[FIELDS][POST_ID]"])
            company.history.write("acked", company.member_id, post, seq=1)
            acked.append(post)

    company.events.on_answer = note
    company.app.stop()
    company.app.start(LIVEFEED_MUTATE=mutation, LIVEFEED_FAILPOINT="app.ingest.genuine")
    company.app.wait_ready(company.app_url)
    company.edit(hit, 1)
    assert 137 == company.app.wait_dead()
    company.app.start()
    company.app.wait_ready(company.app_url)
    company.edit(other, 1)
    eventually(lambda: company.shown(other) >= 1, what="the bell tells of the other post")
    if not mutation:
        eventually(lambda: company.shown(hit) >= 1, what="the event is sent again and told")
    for post in (hit, other):
        if company.shown(post) >= 1:
            company.history.write("effect", company.member_id, post, seq=1, id=f"bell-{post}")

    code, verdict = company.history.verdict()

    assert expected == code, verdict
    assert expected == verdict["lost"]
