"""Every method of the portal is called by a real SDK, and its case fails when the method is taken away."""

import re

import pytest
from tests.clients.cases import CASES, Case
from tests.clients.sdks import Sdks

from livefeed.portal.server import method_table

METHODS = [pytest.param(case, id=case.method) for case in sorted(CASES.values(), key=lambda one: one.method)]


def test_every_method_of_the_portal_has_a_case():
    assert method_table().names() == sorted(CASES)


@pytest.mark.parametrize("case", METHODS)
def test_an_sdk_gets_the_right_answer(case: Case, sdks: Sdks):
    case.run(sdks)


@pytest.mark.parametrize("case", METHODS)
def test_the_case_fails_without_the_method(case: Case, sdks: Sdks):
    with sdks.world.without(case.method), pytest.raises(Exception) as caught:
        case.run(sdks)

    assert re.search("method not found|Not Found", str(caught.value), re.IGNORECASE), caught.value
