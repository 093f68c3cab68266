import pytest

from livefeed.ui.diff import Labels, beside, inline, raw

RUSSIAN = Labels(removed="удалено:", added="добавлено:", before="Было", after="Стало")


def test_a_change_is_marked_and_said_in_words():
    assert inline("from 1 to 14", "from 3 to 14") == (
        '<div class="diff inline">from <del><span class="hidden">removed: </span>1</del>'
        ' <ins><span class="hidden">added: </span>3</ins> to 14</div>'
    )


def test_the_words_are_those_of_the_reader():
    html = beside("from 1", "from 3", RUSSIAN)

    assert all(word in html for word in ("удалено: ", "добавлено: ", ">Было<", ">Стало<"))


def test_a_line_that_is_only_new_has_an_empty_cell_beside_it():
    assert '<tr class="differs"><td class="none"></td><td><ins>' in beside("one", "one\nquite another line")


def test_the_bare_text_shows_markup_and_line_breaks():
    html = raw("[b]one[/b] two", "[i]one[/i]\ntwo")

    assert html.startswith('<pre class="diff raw">[')
    assert "</span>b</del>" in html
    assert "</span>↵\n</ins>" in html


@pytest.mark.parametrize("render", [inline, beside, raw])
@pytest.mark.parametrize(
    "evil",
    [
        "<script>alert(1)</script>",
        "[b]<img src=x onerror=alert(1)>[/b]",
        "[url=javascript:alert(1)]x[/url]",
        '"><svg onload=alert(1)>',
        "{{7*7}}{%raw%}",
        "&lt;script&gt;",
    ],
)
def test_no_text_of_a_post_becomes_markup(render, evil: str):
    for html in (render(evil, "new"), render("old", evil), render(evil, evil + " x")):
        assert "<script" not in html
        assert "<img" not in html
        assert "<svg" not in html
        assert "<a " not in html
