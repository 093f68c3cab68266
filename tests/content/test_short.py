import re

from hypothesis import given

from livefeed.content.bbcode import parse
from livefeed.content.diff import diff
from livefeed.content.render import BELL_TAGS, excerpt, safe_bbcode
from livefeed.content.short import MOST_FRAGMENTS, as_tree, plain, shorten
from livefeed.content.tokens import tokenize

from .texts import texts


def short(old, new):
    old, new = tokenize(parse(old)), tokenize(parse(new))
    return shorten(new, diff(old, new))


def told(old, new):
    line = short(old, new)
    return plain(line), safe_bbcode(as_tree(line))


def test_one_changed_number_is_told_with_its_context():
    expected = ("from [-1-]{+3+} to 14 June", "from [s]1[/s] [b]3[/b] to 14 June")
    assert told("Holidays:\nfrom 1 to 14 June", "Holidays:\nfrom 3 to 14 June") == expected


def test_added_and_removed_words_keep_their_spaces():
    assert told("come on Friday", "please come on Friday")[0] == "{+please+} come on Friday"
    assert told("come on Friday, please", "come on Friday")[0] == "come on Friday[-, please-]"
    assert told("come Friday", "come on Friday")[0] == "come {+on+} Friday"


def test_at_most_three_fragments_are_told_and_the_rest_is_counted():
    old = [f"line {word} has some plain words that never change at all" for word in "abcdef"]
    new = [line.replace("plain", "other") for line in old]
    line = short("\n".join(old), "\n".join(new))
    assert (len(line.fragments), line.more) == (MOST_FRAGMENTS, 3)


def test_a_number_is_told_before_words_and_words_before_commas():
    old = [
        "one, two and so on for ever",
        "some plain words here",
        "more plain words here",
        "again plain words here",
        "at 10:30",
    ]
    new = [line.replace("plain", "other").replace(",", "").replace("10:30", "11:30") for line in old]
    text = plain(short("\n".join(old), "\n".join(new)))
    assert "[-10:30-]{+11:30+}" in text
    assert "[-,-]" not in text


def test_a_rewritten_text_is_cut():
    line = plain(short("word " * 500, "other " * 500))
    assert len(line) < 400
    assert "(+488)" in line


def test_buttons_and_links_of_a_post_are_dead_in_a_notice():
    _, bell = told(
        "hello",
        "hello [SEND=yes]vote[/SEND] [PUT=x]y[/PUT] [URL=https://evil.example]gift[/URL] [CALL=1]c[/CALL]",
    )
    assert re.findall(r"\[/?(\w+)", bell) == ["b", "b"]


@given(texts, texts)
def test_only_allowed_tags_are_alive_and_they_are_balanced(old, new):
    _, bell = told(old, new)
    alive = re.findall(r"\[(/?)([^\[\]]*)\]", bell)
    assert {tag for _, tag in alive} <= BELL_TAGS
    assert bell.count("[") == bell.count("]") == len(alive)
    assert sum(1 if slash else -1 for slash, _ in alive) == 0


@given(texts, texts)
def test_a_difference_is_never_told_as_nothing(old, new):
    old, new = tokenize(parse(old)), tokenize(parse(new))
    changes = diff(old, new)
    assert bool(plain(shorten(new, changes))) == bool(changes)


def test_safe_bbcode_keeps_allowed_tags_and_the_words_of_others():
    assert (
        safe_bbcode(parse("[b]a[/b] [url=https://x.example]b[/url] [foo] [i][/i]")) == "[b]a[/b] b ［foo］ "
    )


def test_an_excerpt_is_one_line_cut_between_words():
    assert excerpt("Holidays\nin  June", 40) == "Holidays in June"
    assert excerpt("The office will be closed, as usual", 27) == "The office will be closed…"
    assert excerpt("x" * 100, 10) == "x" * 9 + "…"
