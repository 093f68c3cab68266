import random
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.growth import assert_linear

from livefeed.content.bbcode import emit, parse
from livefeed.content.diff import diff, diff_keys, patch
from livefeed.content.materiality import weigh
from livefeed.content.mentions import mentions
from livefeed.content.short import shorten
from livefeed.content.tokens import tokenize

from .texts import texts


def keys(tokens):
    return [token.key for token in tokens]


@given(texts, texts)
def test_the_diff_applied_to_the_old_text_gives_the_new_one(old, new):
    old, new = tokenize(parse(old)), tokenize(parse(new))
    assert keys(patch(old, diff(old, new))) == keys(new)


@given(st.lists(st.integers(0, 3), max_size=60), st.lists(st.integers(0, 3), max_size=60))
def test_spans_are_in_order_apart_and_turn_old_into_new(old, new):
    result, at_old, at_new = [], 0, 0
    for a, b, c, d in diff_keys(old, new):
        assert (a, c) >= (at_old, at_new)
        assert (b - a) + (d - c) > 0
        assert old[at_old:a] == new[at_new:c]
        result += old[at_old:a] + new[c:d]
        at_old, at_new = b, d
    assert result + old[at_old:] == new


@given(texts)
def test_a_text_does_not_differ_from_itself(text):
    tokens = tokenize(parse(text))
    assert diff(tokens, tokens) == ()


def test_one_changed_word_is_one_change():
    old, new = tokenize(parse("Holidays from 1 to 14 June")), tokenize(parse("Holidays from 3 to 14 June"))
    ((old_at, new_at, gone, came),) = diff(old, new)
    assert (old_at, new_at, [token.text for token in gone], [token.text for token in came]) == (
        2,
        2,
        ["1"],
        ["3"],
    )


PATHOLOGICAL = {
    "deep nesting": lambda n: ("[b]" * (33 * n), "[quote]" * (7 * n) + "[/quote]" * (7 * n - 100)),
    "crossed tags": lambda n: ("[b][i][u][s]" * (8 * n), "[/s][b]" * (12 * n)),
    "brackets": lambda n: ("[" * (100 * n), "]" * (100 * n)),
    "open arguments": lambda n: ("[url=" * (20 * n), "[b=1" * (25 * n)),
    "open code": lambda n: ("[code]" * (16 * n), "[code]" * (16 * n) + "[/code]"),
    "almost addresses": lambda n: ("a." * (50 * n), "a@" * (50 * n)),
    "digits": lambda n: ("1." * (50 * n), "1-" * (50 * n)),
    "two words": lambda n: ("ab " * (33 * n), "ba " * (33 * n)),
    "combining marks": lambda n: ("e\u0301" * (50 * n), "\u0301" * (100 * n)),
    "invisible": lambda n: ("\u200b" * (100 * n), "\u00ad \u200b" * (33 * n)),
}


@pytest.mark.parametrize("name", PATHOLOGICAL)
def test_the_work_for_a_hostile_post_of_100_kb_grows_with_its_length_alone(name):
    def compared(texts):
        old, new = (parse(text) for text in texts)
        assert (emit(old), emit(new)) == texts
        mentions(old)
        old, new = tokenize(old), tokenize(new)
        changes = diff(old, new)
        weigh(old, new)
        shorten(new, changes)

    assert_linear(lambda kb: partial(compared, PATHOLOGICAL[name](kb * 10)), 100)


def test_the_work_for_a_shuffled_text_of_20_000_words_grows_with_its_length_alone():
    draw = random.Random(1)

    def shuffled(count):
        words = [f"w{draw.randrange(3_000)}" for _ in range(count)]
        old = tokenize(parse(" ".join(words)))
        new = tokenize(parse(" ".join(draw.sample(words, len(words)))))
        return partial(patched, old, new)

    def patched(old, new):
        assert keys(patch(old, diff(old, new))) == keys(new)

    assert_linear(shuffled, 20_000)
