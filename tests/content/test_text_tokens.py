from hypothesis import given

from livefeed.content.bbcode import parse
from livefeed.content.mentions import mentions
from livefeed.content.render import plain_text
from livefeed.content.tokens import Kind, text_of, tokenize

from .texts import texts


def pairs(text):
    return [(token.kind.value, token.text) for token in tokenize(parse(text))]


@given(texts)
def test_any_text_has_tokens_without_white_space_around_them(text):
    for token in tokenize(parse(text)):
        assert token.text
        assert token.before in {"", " ", "\n"}


def test_dates_sums_times_and_ranges_are_one_token_each():
    expected = ["14.06.2025", "10:30", "1,200.50", "10-12", "-5", "2026-03-17"]
    assert [
        text for kind, text in pairs("14.06.2025 10:30 1,200.50 10-12 -5 2026-03-17.") if kind == "number"
    ] == expected


def test_currency_per_cent_and_emoji_are_symbols_and_quotes_are_punctuation():
    assert pairs("$5 «7%» 🎉") == [
        ("symbol", "$"), ("number", "5"), ("punctuation", "«"), ("number", "7"), ("symbol", "%"),
        ("punctuation", "»"), ("symbol", "🎉"),
    ]  # what belongs together in a line # fmt: skip


def test_markup_within_a_word_does_not_split_it():
    assert pairs("re[b]open[/b]ed") == [("word", "reopened")]


def test_words_keep_apostrophes_and_hyphens():
    assert [text for _, text in pairs("don't re-open что-то it’s")] == ["don't", "re-open", "что-то", "it’s"]


def test_addresses_end_before_the_punctuation_of_the_sentence():
    assert pairs("see https://x.example/a?b=1, or a.b@x.example.") == [
        ("word", "see"), ("url", "https://x.example/a?b=1"), ("punctuation", ","),
        ("word", "or"), ("url", "a.b@x.example"), ("punctuation", "."),
    ]  # what belongs together in a line # fmt: skip


def test_a_link_shows_its_target_when_the_label_does_not():
    assert plain_text(parse("[url=https://x.example]here[/url]")) == "here (https://x.example)"
    assert plain_text(parse("[url=https://x.example]https://x.example[/url]")) == "https://x.example"


def test_a_mention_is_one_token_that_knows_the_person():
    (token,) = tokenize(parse("[USER=5]Anna Petrova[/USER]"))
    assert (token.kind, token.text, token.target) == (Kind.MENTION, "Anna Petrova", "5")


def test_attachments_and_pictures_are_files():
    tokens = tokenize(parse("[DISK FILE ID=n12] [IMG]https://x.example/a.png[/IMG]"))
    assert [(token.kind, token.target) for token in tokens] == [
        (Kind.FILE, "n12"),
        (Kind.FILE, "https://x.example/a.png"),
    ]


def test_lists_and_table_rows_break_lines_and_cells_do_not():
    assert plain_text(parse("[list][*]one[*]two[/list]")) == "one\ntwo"
    assert plain_text(parse("[table][tr][td]a[/td][td]b[/td][/tr][tr][td]c[/td][/tr][/table]")) == "a b\nc"


def test_composed_and_decomposed_letters_are_the_same():
    assert text_of(tokenize(parse("Cafe\u0301 \u00ad\u200bx"))) == "Café x"


def test_marks_are_the_tags_around_a_token():
    assert [token.marks for token in tokenize(parse("a [b]b [i]c[/i][/b]"))] == [(), ("b",), ("b", "i")]


def test_mentions_are_found_in_any_depth_but_not_in_code():
    tree = parse(
        "[quote][USER=5]A[/USER][/quote][b][user=7]B[/user][/b][code][USER=9]C[/USER][/code][USER=x]D[/USER]"
    )
    assert mentions(tree) == {5, 7}


def test_a_mention_with_an_endless_id_is_nobody():
    assert mentions(parse(f"[USER={'9' * 5000}]A[/USER]")) == frozenset()
