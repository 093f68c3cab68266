import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livefeed.content.bbcode import emit, parse
from livefeed.content.diff import diff, diff_keys, patch
from livefeed.content.materiality import weigh
from livefeed.content.mentions import mentions
from livefeed.content.short import shorten
from livefeed.content.tokens import tokenize

from .texts import texts

GENEROUS_S = 5.0  # an order of magnitude above what the slowest of them takes


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
    "deep nesting": ("[b]" * 33_000, "[quote]" * 7_000 + "[/quote]" * 6_900),
    "crossed tags": ("[b][i][u][s]" * 8_000, "[/s][b]" * 12_000),
    "brackets": ("[" * 100_000, "]" * 100_000),
    "open arguments": ("[url=" * 20_000, "[b=1" * 25_000),
    "open code": ("[code]" * 16_000, "[code]" * 16_000 + "[/code]"),
    "almost addresses": ("a." * 50_000, "a@" * 50_000),
    "digits": ("1." * 50_000, "1-" * 50_000),
    "two words": ("ab " * 33_000, "ba " * 33_000),
    "combining marks": ("e\u0301" * 50_000, "\u0301" * 100_000),
    "invisible": ("\u200b" * 100_000, "\u00ad \u200b" * 33_000),
}


@pytest.mark.parametrize("name", PATHOLOGICAL)
def test_a_hostile_post_of_100_kb_is_compared_quickly(name):
    started = time.perf_counter()
    old, new = (parse(text) for text in PATHOLOGICAL[name])
    assert (emit(old), emit(new)) == PATHOLOGICAL[name]
    mentions(old)
    old, new = tokenize(old), tokenize(new)
    changes = diff(old, new)
    weigh(old, new)
    shorten(new, changes)
    assert time.perf_counter() - started < GENEROUS_S


def test_a_shuffled_text_of_20_000_words_is_compared_quickly():
    draw = random.Random(1)
    words = [f"w{draw.randrange(3_000)}" for _ in range(20_000)]
    old = tokenize(parse(" ".join(words)))
    new = tokenize(parse(" ".join(draw.sample(words, len(words)))))
    started = time.perf_counter()
    assert keys(patch(old, diff(old, new))) == keys(new)
    assert time.perf_counter() - started < GENEROUS_S
