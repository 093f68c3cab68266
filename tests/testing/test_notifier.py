"""The whole notifier on a portal where everything goes wrong: in the end, everybody is told the same."""

from collections.abc import Callable
from typing import Any

import pytest

from livefeed.notifier.application import build
from livefeed.settings import AppSettings
from livefeed.testing.portal import LocalPortal

MakePortal = Callable[..., LocalPortal]
Told = set[tuple[int, str]]


def told(portal: LocalPortal, seed: int | None) -> tuple[Told, Any]:
    """Let an automation edit every post; who is told of which, once, and what has struck on the way."""
    portal.serve_app(build(AppSettings()), scope="log,user,im,placement", quiet_s=60.0)
    portal.settle()
    faults = portal.faults(seed or 0)
    if seed is not None:
        faults.drop(before=0.3, after=0.2).duplicate(0.2).reorder(0.2).delay(0.1, seconds=90)
        faults.html_error_page(0.1).connection_reset(0.1).operation_time_limit(share=0.1).expired_token(0.2)
    with faults:
        for number, post in enumerate(portal.posts):
            post.edit(f"{post.text} At 1{number}:00.", by=portal.automation)
        portal.settle()
    notices = [(person.id, one.tag) for person in portal.people for one in portal.notifications(person)]
    assert len(notices) == len(set(notices))
    return set(notices), faults.struck


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Told:
    with LocalPortal(tmp_path_factory.mktemp("portal")) as portal:
        return told(portal, None)[0]


@pytest.mark.parametrize("seed", range(3))
def test_whoever_is_told_on_a_calm_day_is_told_once_whatever_goes_wrong(
    make_portal: MakePortal, calm: Told, seed: int
):
    found, struck = told(make_portal(), seed)

    assert len(calm) > 20
    assert calm == found
    assert len(struck) > 6, struck
