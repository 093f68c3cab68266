"""Suggestions make an edit of whatever the post says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livefeed.content.bbcode import parse
from livefeed.content.materiality import Materiality, weigh
from livefeed.content.tokens import tokenize
from livefeed.portal.web.scene.suggestions import SUGGESTIONS, Newcomer, counted_up, offered, texts

NEW = Newcomer(id=6, name="Grace")
HOLIDAYS = "Closed from 1 to 14 June; [USER=3]Olga[/USER] plans."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from 1 to 14", "from 2 to 14"),
        ("from 9 to 14", "from 1 to 14"),
        ("[USER=3]Olga[/USER] has 40 days", "[USER=3]Olga[/USER] has 41 days"),
        ("no number", "no number 1"),
    ],
)
def test_the_first_number_of_the_text_is_counted_up(text: str, expected: str):
    assert counted_up(text) == expected


def test_three_edits_in_a_row_are_three_different_texts():
    assert ["from 2", "from 3", "from 4"] == texts("burst", "from 1", NEW)


def test_what_is_taken_back_ends_as_it_began():
    assert texts("revert", HOLIDAYS, NEW)[-1] == HOLIDAYS


def test_nobody_new_is_mentioned_where_everybody_takes_part():
    assert [] == texts("mention", HOLIDAYS, None)
    assert "mention" not in [one.name for one in offered(HOLIDAYS, None)]
    assert len(SUGGESTIONS) == len(offered(HOLIDAYS, NEW))


@given(st.text(alphabet="ab 19.!,[]/\n", min_size=1))
def test_only_punctuation_is_really_only_that(text: str):
    (changed,) = texts("cosmetic", text, NEW)
    assert changed != text
    weight = weigh(tokenize(parse(text)), tokenize(parse(changed)))
    assert weight in {Materiality.NONE, Materiality.COSMETIC}
