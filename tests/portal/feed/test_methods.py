import pytest

from ..conftest import House

pytestmark = pytest.mark.anyio


async def test_update_with_only_a_text_takes_the_title_from_the_text(house: House):
    assert (
        await house.call(1, "log.blogpost.update", POST_ID=1, POST_MESSAGE="Closed from 3 to 14 June.") == 1
    )
    (post,) = await house.call(2, "log.blogpost.get", POST_ID=1)
    assert (post["DETAIL_TEXT"], post["TITLE"], post["MICRO"]) == (
        "Closed from 3 to 14 June.",
        "Closed from 3 to 14 June.",
        "Y",
    )
