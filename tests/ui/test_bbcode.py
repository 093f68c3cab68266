"""BBCode as HTML: what is meant is shown, and nothing foreign comes through."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from livefeed.content.bbcode import parse
from livefeed.ui import bbcode
from livefeed.ui.bbcode import as_html

TAGS = [
    "b",
    "i",
    "u",
    "s",
    "quote",
    "code",
    "url",
    "user",
    "list",
    "table",
    "tr",
    "td",
    "img",
    "video",
    "spoiler",
]
LETTERS = st.sampled_from([*"ab<>&\"'=[]/ \n", "javascript:", "onerror=", "https://a.b", "[*]", "[br]"])
PIECES = st.lists(
    st.one_of(
        LETTERS,
        st.sampled_from([f"[{tag}]" for tag in TAGS] + [f"[/{tag}]" for tag in TAGS]),
        st.sampled_from(
            ['[url="x"y]', "[url=javascript:a]", '[user=5" onclick=a]', "[color=red]", "[spoiler=<b>]"]
        ),
    ),
    max_size=30,
).map("".join)


def html(text: str) -> str:
    return str(as_html(parse(text)))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[b]a[/b] [i]b[/i] [u]c[/u] [s]d[/s]", "<strong>a</strong> <em>b</em> <u>c</u> <del>d</del>"),
        ("a < b & c", "a &lt; b &amp; c"),
        ("[USER=5]Anna[/USER]", '<span class="mention">Anna</span>'),
        (
            "[url=https://a.b/?x=1&y=2]go[/url]",
            '<a href="https://a.b/?x=1&amp;y=2" rel="nofollow noopener noreferrer">go</a>',
        ),
        (
            "[url]https://a.b[/url]",
            '<a href="https://a.b" rel="nofollow noopener noreferrer">https://a.b</a>',
        ),
        ("[url=javascript:alert(1)]go[/url]", "go"),
        ("[url=data:text/html,x]go[/url]", "go"),
        ("[url= JavaScript:x]go[/url]", "go"),
        ("[list]\n[*]one\n[*]two [b]2[/b]\n[/list]", "<ul><li>one</li><li>two <strong>2</strong></li></ul>"),
        ("[list=1][*]one[/list]", "<ol><li>one</li></ol>"),
        ("[quote]a[/quote]", "<blockquote>a</blockquote>"),
        ("[code][b]<x>[/b][/code]", "<pre><code>[b]&lt;x&gt;[/b]</code></pre>"),
        (
            "[table]\n[tr][td]1[/td]\n[td]2[/td][/tr]\n[/table]",
            '<div class="wide"><table><tr><td>1</td><td>2</td></tr></table></div>',
        ),
        ("[center]a[/center]", '<div class="center">a</div>'),
        ("[color=red]a[/color]", "a"),
        ("[nothing]a[/nothing]", "[nothing]a[/nothing]"),
        ("[b]unclosed", "[b]unclosed"),
        ("[img]javascript:x[/img]", "javascript:x"),
        ("one\n\n[quote]two[/quote]\n\nthree", "one<blockquote>two</blockquote>three"),
    ],
)
def test_a_tag_becomes_what_it_means(text: str, shown: str):
    assert html(text) == shown


class Balance(HTMLParser):
    """Fails on elements that are not closed in order, and collects names, attributes and text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag, attrs):
        self.attributes += attrs
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@given(PIECES)
def test_any_text_gives_balanced_html_with_known_attributes_only(text: str):
    reader = Balance()
    reader.feed(html(text))
    reader.close()
    assert reader.open == []
    for name, value in reader.attributes:
        assert name in ("href", "rel", "class", "aria-hidden")
        if name == "href":
            assert re.match(r"(https?://|mailto:)", value or "", re.IGNORECASE)


@pytest.mark.parametrize(
    "text",
    [
        "[b]\"a\" & 'b' < c[/b]\u00a0d",
        "[table][tr][td]a[/td][th]b[/th][/tr][/table]",
        "[list][*]a[*]b[/list]",
        "[url=mailto:a@b.c]a[/url] [url=https://a.b/?x=1&y=<2>]c[/url]",
        "[quote]a[/quote][code]<b>[/code][spoiler=x]y[/spoiler][center]z[/center][disk file id=n1]",
    ],
)
def test_the_second_wall_lets_what_is_well_made_pass_as_it_is(text: str):
    assert html(text) == str(bbcode._all(parse(text)))


@pytest.mark.parametrize(
    ("made", "left"),
    [
        ("<b onclick=x>a</b>", "a"),
        ("<script>alert(1)</script>a", "a"),
        ('<a href="javascript:x">a</a>', "<a>a</a>"),
        ('<span class="mention skip" style="x">a</span>', '<span class="mention">a</span>'),
        (
            "<details><summary>a</summary><iframe src=x></iframe></details>",
            "<details><summary>a</summary></details>",
        ),
    ],
)
def test_the_second_wall_stops_what_the_first_one_never_writes(made: str, left: str):
    assert bbcode._walled(Markup(made)) == left


def test_what_a_browser_would_read_differently_comes_out_as_it_reads_it():
    assert html("[url=http://a]x[url=http://b]y[/url][/url]").count("</a><a ") == 1


def test_long_texts_are_made_anew_and_fill_no_memory():
    long, before = "[B]x[/B] " * 2_000, bbcode._walled_before.cache_info().currsize
    first = as_html(parse(long))

    assert first == as_html(parse(long))
    assert before == bbcode._walled_before.cache_info().currsize
