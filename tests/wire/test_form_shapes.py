"""What a known shape reads, the strict reading takes as well, and with the same values."""

from hypothesis import given
from hypothesis import strategies as st
from tests.app.bodies import event_body

from livefeed.errors import WireError
from livefeed.wire.form import DOOR_LIMITS, Shapes, decode, encode
from livefeed.wire.headings import learn, read_heading, read_known

PATHS = (("a",), ("b", "c"), ("b", "d", "e"))


def value_at(form, path):
    for part in path:
        form = form.get(part) if isinstance(form, dict) else None
    return form if isinstance(form, str) else ""


def strictly(body):
    try:
        form = decode(body, strict=True)
    except WireError:
        return None
    return tuple(value_at(form, path) for path in PATHS)


keys = st.sampled_from(
    [
        b"a",
        b"b[c]",
        b"b%5Bc%5D",
        b"b[d][e]",
        b"b%5bd%5d%5Be%5D",
        b"x",
        b"x[]",
        b"x[1]",
        b"%61",
        b"a[c]",
        b"b",
        b"y+z",
    ]
)
pieces = st.sampled_from(
    [
        b"1",
        b"abc",
        b"%41",
        b"%2F",
        b"%00",
        b"\0",
        b"%zz",
        b"%4",
        b"%",
        b"+",
        b"=",
        b"%C3%A9",
        b"%C3",
        b"\xc3\xa9",
        b"[",
        b"%7f",
    ]
)
values = st.lists(pieces, max_size=3).map(b"".join)
forms = st.lists(st.tuples(keys, values), min_size=1, max_size=6)


def body_of(pairs):
    return b"&".join(key + b"=" + value for key, value in pairs)


@given(taught=forms, other=st.lists(values, min_size=6, max_size=6))
def test_a_shape_reads_what_the_strict_reading_reads(taught, other):
    shapes = Shapes(*PATHS)
    if strictly(body_of(taught)) is not None:
        shapes.learn(body_of(taught))
        shapes.learn(body_of(taught))
    for body in (
        body_of(taught),
        body_of([(key, value) for (key, _), value in zip(taught, other, strict=False)]),
    ):
        found = shapes.read(body)
        assert found is None or found == strictly(body)


@given(taught=forms, body=st.lists(keys | pieces | st.just(b"&"), max_size=12).map(b"".join))
def test_a_shape_never_reads_what_is_no_form(taught, body):
    shapes = Shapes(*PATHS)
    if strictly(body_of(taught)) is not None:
        shapes.learn(body_of(taught))
        shapes.learn(body_of(taught))

    found = shapes.read(body)

    assert found is None or found == strictly(body)


def test_keys_that_came_once_are_not_known_and_those_that_came_twice_are():
    shapes = Shapes(("a",), ("b", "c"))
    for _ in range(2):
        assert shapes.read(b"a=%31&b[c]=2") is None
        shapes.learn(b"a=%31&b[c]=2")

    assert shapes.read(b"a=%41+b&b[c]=") == ("A b", "")
    assert shapes.read(b"b[c]=2&a=1") is None


def test_escapes_where_there_were_none_are_learned_once_for_all_values():
    shapes = Shapes(("a",), ("b",))
    for body in (b"a=1&b=2", b"a=%41&b=2"):
        for _ in range(2):
            assert shapes.read(body) is None
            shapes.learn(body)

    assert shapes.read(b"a=1&b=%42") == ("1", "B")


def test_values_that_no_pattern_reads_teach_nothing():
    shapes = Shapes(("a",), ("b",))
    for _ in range(3):
        shapes.learn(b"a=%C3%A9&b=2")

    assert shapes.read(b"a=1&b=2") is None


def test_a_body_longer_than_the_door_takes_is_not_read():
    shapes = Shapes(("a",), ("b",))
    for _ in range(2):
        shapes.learn(b"a=1&b=2")

    assert shapes.read(b"a=" + b"x" * (DOOR_LIMITS.max_bytes - 6) + b"&b=2") is not None
    assert shapes.read(b"a=" + b"x" * DOOR_LIMITS.max_bytes + b"&b=2") is None


def test_the_shapes_kept_are_the_last_ones():
    shapes = Shapes(("a",), ("b",))
    bodies = [encode({"a": "1", **{f"k{n}": "" for n in range(count)}}) for count in range(40)]
    for body in bodies:
        shapes.learn(body)
        shapes.learn(body)

    assert [shapes.read(body) is not None for body in bodies] == [False] * 32 + [True] * 8


@given(
    event=st.sampled_from(["OnLiveFeedPostUpdate", "ONAPPTEST", ""]),
    post=st.sampled_from([205, "0", "0205", "", "9" * 19, "x"]),
    token=st.text(max_size=5).filter(lambda text: "\0" not in text),
    member=st.sampled_from(["m", "", "a b", "%"]),
)
def test_a_known_heading_is_the_heading(event, post, token, member):
    learn(event_body())
    learn(event_body())
    body = event_body(
        event=event, post=post, application_token=token.encode("utf-8", "ignore"), member_id=member
    )

    known = read_known(body)

    assert known is None or known == read_heading(decode(body, strict=True))
