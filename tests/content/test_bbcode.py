from itertools import pairwise

from hypothesis import given

from livefeed.content.bbcode import MAX_DEPTH, Element, Text, emit, parse

from .texts import texts


def shape(tree):
    return [
        node.text if isinstance(node, Text) else (node.tag, node.argument, shape(node.children))
        for node in tree
    ]


@given(texts)
def test_emitting_a_parsed_text_gives_the_same_text(text):
    assert emit(parse(text)) == text


@given(texts)
def test_neighbouring_text_is_one_node(text):
    def check(nodes):
        for one, other in pairwise(nodes):
            assert not (isinstance(one, Text) and isinstance(other, Text))
        for node in nodes:
            if isinstance(node, Element):
                check(node.children)

    check(parse(text))


def test_tags_are_read_in_any_case_and_with_their_argument():
    expected = [
        ("user", "5", ["Anna"]),
        " ",
        ("b", "", ["see ", ("url", "https://x.example/?a=1", ["here"])]),
    ]
    assert shape(parse("[USER=5]Anna[/user] [B]see [url=https://x.example/?a=1]here[/URL][/b]")) == expected


def test_lists_and_attachments_hold_no_closing_tag():
    expected = [("list", "1", [("*", "", []), "one", ("*", "", []), "two"]), ("disk", "FILE ID=n12", [])]
    assert shape(parse("[LIST=1][*]one[*]two[/LIST][DISK FILE ID=n12]")) == expected


def test_code_holds_its_inside_literally():
    assert shape(parse("[CODE][b]x[/b] [USER=1]a[/USER][/CODE]!")) == [
        ("code", "", ["[b]x[/b] [USER=1]a[/USER]"]),
        "!",
    ]


def test_unknown_unclosed_and_crossed_tags_stay_literal():
    assert shape(parse("[SEND=hi]x[/SEND]")) == ["[SEND=hi]x[/SEND]"]
    assert shape(parse("a [b] c")) == ["a [b] c"]
    assert shape(parse("[b][i]x[/b][/i]")) == [("b", "", ["[i]x"]), "[/i]"]
    assert shape(parse("[i think so] array[0] [/b]")) == ["[i think so] array[0] [/b]"]


def test_nesting_stops_at_the_depth_bound():
    def depth(nodes):
        return max((1 + depth(node.children) for node in nodes if isinstance(node, Element)), default=0)

    assert depth(parse("[quote]" * 500 + "[/quote]" * 500)) == MAX_DEPTH
