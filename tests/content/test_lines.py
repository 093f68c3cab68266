from hypothesis import given
from hypothesis import strategies as st

from livefeed.content.bbcode import parse
from livefeed.content.lines import in_one_column, side_by_side
from livefeed.content.short import Side
from livefeed.content.tokens import text_of, tokenize


def tokens(text: str):
    return tokenize(parse(text))


def column(old: str, new: str) -> str:
    marks = {Side.SAME: "{}", Side.GONE: "[-{}-]", Side.CAME: "{{+{}+}}"}
    return "".join(
        piece.before + marks[piece.side].format(piece.text)
        for piece in in_one_column(tokens(old), tokens(new))
    )


def rows(old: str, new: str) -> list[tuple[str | None, str | None]]:
    def line(pieces):
        return None if pieces is None else "".join(piece.before + piece.text for piece in pieces)

    return [(line(row.left), line(row.right)) for row in side_by_side(tokens(old), tokens(new))]


def test_what_came_stands_behind_what_is_gone():
    assert "from [-1-] {+3+} to 14 June" == column("from 1 to 14 June", "from 3 to 14 June")


def test_words_around_a_deletion_do_not_grow_together():
    assert "[-first-] last" == column("first last", "last")
    assert "first [-middle-] last" == column("first middle last", "first last")


def test_line_breaks_stay_where_they_are():
    assert "one\n{+two+}\nthree" == column("one\nthree", "one\ntwo\nthree")


def test_equal_texts_are_one_piece():
    (piece,) = in_one_column(tokens("the same"), tokens("the [b]same[/b]"))

    assert (Side.SAME, "the same") == (piece.side, piece.text)


def test_nothing_against_something_is_all_new():
    assert "{+all new+}" == column("", "all new")
    assert "[-all gone-]" == column("all gone", "")
    assert "" == column("", "")


def test_an_edited_line_stands_beside_what_it_was():
    old = "Agenda\nLunch at 12:00 in the canteen\nEnd"
    new = "Agenda\nPlease be on time\nLunch at 12:30 in the canteen\nEnd"

    expected = [
        ("Agenda", "Agenda"),
        (None, "Please be on time"),
        ("Lunch at 12:00 in the canteen", "Lunch at 12:30 in the canteen"),
        ("End", "End"),
    ]
    assert expected == rows(old, new)


def test_lines_that_have_nothing_in_common_stand_alone():
    assert [("wholly other words", None), (None, "one two three")] == rows(
        "wholly other words", "one two three"
    )


def test_only_changed_rows_say_that_they_differ():
    assert [True, False] == [row.is_same for row in side_by_side(tokens("a\nb c d e"), tokens("a\nb c d f"))]


def test_a_thousand_changed_lines_are_paired_in_a_moment():
    old = "\n".join(f"line {number} was so" for number in range(1000))
    new = "\n".join(f"row {number} is other" for number in range(1000))

    assert 1000 == len(rows(old, new))


LINES = st.lists(st.sampled_from(["a b c", "a b d", "x y", "from 1 to 14", "от 1 до 3", ""]), max_size=8)


@given(LINES, LINES)
def test_both_views_hold_all_words_of_both_texts(old_lines, new_lines):
    old, new = tokens("\n".join(old_lines)), tokens("\n".join(new_lines))
    column = in_one_column(old, new)
    table = side_by_side(old, new)

    def words(pieces, side):
        return " ".join(piece.text for piece in pieces if piece.side in {Side.SAME, side}).split()

    left = [piece for row in table for piece in row.left or ()]
    right = [piece for row in table for piece in row.right or ()]
    assert text_of(old).split() == words(column, Side.GONE) == words(left, Side.GONE)
    assert text_of(new).split() == words(column, Side.CAME) == words(right, Side.CAME)
