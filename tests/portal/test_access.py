"""Whom a post can be addressed to: codes that exist, in the one spelling that people hold."""

import pytest

from livefeed.portal import access
from livefeed.portal.access import Viewer
from livefeed.wire.ids import UserId

from .conftest import House

pytestmark = pytest.mark.anyio

ODD = [
    "U1x",
    "U1 OR 1",
    "U",
    "U-1",
    "U1.5",
    "U 1",
    "U1\n",
    "DR1'",
    "D1;",
    "SG1e9",
    "UA2",
    "u1",
    "U99999999999999999999",
    "U٣",
]


@pytest.mark.parametrize("is_admin", [False, True])
async def test_a_code_that_only_begins_like_one_is_none(house: House, is_admin: bool):
    author = Viewer(user_id=UserId(1), is_admin=is_admin)

    found = await house.store.read(
        lambda tx: access.addressable(tx, house.portal.member_id, ["UA", *ODD, "U2", "U1"], author)
    )

    assert ("UA", "U2", "U1") == found
