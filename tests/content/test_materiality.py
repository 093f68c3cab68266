import pytest
from hypothesis import given
from hypothesis import strategies as st

from livefeed.content.bbcode import parse
from livefeed.content.materiality import Materiality, weigh
from livefeed.content.tokens import tokenize

from .texts import texts

LONG = "The office will be open as usual and the canteen serves lunch for everybody who signed up for it "


def weight(old, new):
    return weigh(tokenize(parse(old)), tokenize(parse(new)))


@given(texts, st.data())
def test_a_changed_digit_is_never_less_than_material(text, data):
    places = [at for at, char in enumerate(text) if char.isdigit() and char.isascii()]
    text = text if places else f"{text} 14 "
    at = data.draw(st.sampled_from(places or [len(text) - 2]))
    other = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != text[at]]))
    changed = text[:at] + other + text[at + 1 :]
    if "[size=" in text[:at].lower() and "]" in text[at:]:
        return  # the size of letters is markup
    assert weight(text, changed) in {Materiality.MATERIAL} or tokenize(parse(text)) == tokenize(
        parse(changed)
    )


@given(texts)
def test_a_text_against_itself_weighs_nothing(text):
    assert weight(text, text) is Materiality.NONE


@given(texts)
def test_bold_and_spaces_around_a_text_are_never_more_than_cosmetic(text):
    if "[" not in text:
        assert weight(text, f"  [b]{text}[/b]\n") in {Materiality.NONE, Materiality.COSMETIC}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("from 1 to 14 June", "from 3 to 14 June"),
        ("pay 12", "pay 1 2"),
        ("pay 1.5", "pay 15"),
        ("pay 5 €", "pay 5 $"),
        ("off 5", "off 5%"),
        ("Ann gets 5, Bob gets 7", "Ann gets 7, Bob gets 5"),
    ],
)
def test_numbers_are_material(old, new):
    assert weight(LONG + old, LONG + new) is Materiality.MATERIAL


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("June", "July"), ("on Monday", "on Tuesday"), ("в июне", "в июле"), ("два дня", "три дня"),
        ("is allowed", "is not allowed"), ("можно", "нельзя"), ("возможно", "невозможно"),
        ("you can", "you can't"),
        ("https://x.example/a", "https://x.example/b"),
        ("[url=https://a.example]a[/url]", "[url=https://b.example]a[/url]"),
        ("[USER=5]Anna[/USER]", "[USER=6]Anna[/USER]"), ("x", "x [DISK FILE ID=n5]"), ("x", "x a@b.example"),
    ],
)  # what belongs together in a line # fmt: skip
def test_dates_negations_links_mentions_and_files_are_material(old, new):
    assert weight(LONG + old, LONG + new) is Materiality.MATERIAL


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Hello, world", "hello world!"), ('say "yes"', "say «yes»"), ("a  b", "a\nb"),
        ("a b", "[b]a[/b] [color=red]b[/color]"),
        ("ёлка", "Елка"), ("[size=10]a[/size]", "[size=12]a[/size]"), ("caf\u00e9", "Cafe\u0301"),
    ],
)  # what belongs together in a line # fmt: skip
def test_markup_space_punctuation_and_case_are_cosmetic(old, new):
    assert weight(LONG + old, LONG + new) in {Materiality.COSMETIC, Materiality.NONE}


def test_a_few_plain_words_of_a_long_text_are_minor():
    assert weight(LONG, LONG.replace("usual", "always")) is Materiality.MINOR


def test_many_words_or_a_large_share_of_a_short_text_are_material():
    assert weight(LONG, LONG + "and please bring your own cup") is Materiality.MATERIAL
    assert weight("Meeting in Rome", "Meeting in Milan") is Materiality.MATERIAL
