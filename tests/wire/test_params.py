"""Parameters are read alike from forms and JSON, in any case, and say what is wrong by a fault."""

import pytest

from livefeed.wire.faults import ArgumentError, UserIdEmpty
from livefeed.wire.params import Params, as_form_values


@pytest.mark.parametrize("name", ["POST_ID", "post_id", "Post_Id"])
def test_a_name_is_found_in_any_case(name: str):
    params = Params({"Post_ID": "5"})

    assert params.has(name)
    assert params.integer(name) == 5


@pytest.mark.parametrize(
    ("value", "expected"),
    [("5", 5), (5, 5), (" 7 ", 7), ("-3", -3), (-3, -3), ("007", 7), ("0", 0), ("000", 0), ("-0", 0)],
)
def test_a_number_is_read(value: str | int, expected: int):
    assert Params({"n": value}).integer("n", fault=ArgumentError()) == expected


@pytest.mark.parametrize(
    "value",
    ["", "x", "5x", "1.5", 1.5, True, None, [], {"a": "1"}, "9" * 19, 10**18, "--1", "-", "٣", "²", "+1"],
)
def test_a_number_that_is_none_raises_the_callers_fault(value: object):
    params = Params({"USER_ID": value})

    assert params.maybe_integer("USER_ID") is None
    assert params.integer("USER_ID", 9) == 9
    with pytest.raises(UserIdEmpty):
        params.integer("USER_ID", fault=UserIdEmpty())


@pytest.mark.parametrize(
    ("value", "expected"), [("x", "x"), (5, "5"), (True, "1"), (False, "0"), (1.5, "1.5"), ("", "")]
)
def test_a_scalar_counts_as_text(value: object, expected: str):
    assert Params({"t": value}).text("t", fault=ArgumentError()) == expected


@pytest.mark.parametrize("value", [None, ["x"], {"a": "x"}])
def test_what_is_no_text_raises_the_callers_fault(value: object):
    assert Params({"t": value}).text("t", "default") == "default"
    with pytest.raises(ArgumentError):
        Params({"t": value}).text("t", fault=ArgumentError())


@pytest.mark.parametrize("value", ["Y", "y", "1", 1, True, "true"])
def test_a_flag_is_set(value: object):
    assert Params({"f": value}).flag("f")


@pytest.mark.parametrize("value", ["N", "n", "0", 0, False, "false"])
def test_a_flag_is_not_set(value: object):
    assert not Params({"f": value}).flag("f", default=True)


@pytest.mark.parametrize("value", ["", "maybe", None, [], 2])
def test_a_flag_that_is_none_takes_the_default_or_the_fault(value: object):
    assert Params({"f": value}).flag("f", default=True)
    with pytest.raises(ArgumentError):
        Params({"f": value}).flag("f", fault=ArgumentError())


@pytest.mark.parametrize("value", [["U1", "U2"], {"0": "U1", "1": "U2"}, ["U1", {"x": "y"}, "U2", None]])
def test_a_list_comes_in_several_shapes(value: object):
    assert Params({"DEST": value}).texts("DEST") == ["U1", "U2"]


def test_one_value_is_a_list_of_one():
    assert Params({"DEST": "UA", "EMPTY": ""}).texts("dest") == ["UA"]
    assert Params({"DEST": "UA", "EMPTY": ""}).texts("EMPTY") == []


def test_an_empty_list_raises_the_callers_fault():
    with pytest.raises(ArgumentError):
        Params({"DEST": []}).texts("DEST", fault=ArgumentError())
    with pytest.raises(ArgumentError):
        Params({"IDS": ["x"]}).integers("IDS", fault=ArgumentError())


def test_numbers_in_a_list_are_read():
    assert Params({"IDS": ["1", 2, "x", True]}).integers("IDS") == [1, 2]


def test_a_mapping_may_come_as_a_list():
    params = Params({"cmd": ["a", "b"], "filter": {">ID": "5"}, "x": "y"})

    assert params.mapping("CMD") == {"0": "a", "1": "b"}
    assert params.mapping("filter") == {">ID": "5"}
    assert params.mapping("x") == params.mapping("absent") == {}


def test_parameters_are_left_out_in_any_case():
    assert Params({"AUTH": "x", "a": "1"}).without("auth").to_wire() == {"a": "1"}


def test_values_do_not_show_in_a_repr():
    assert repr(Params({"auth": "s3cret"})) == "Params(AUTH)"


def test_the_same_name_in_two_cases_is_the_later_one():
    assert Params({"start": "1", "START": "2"}).integer("Start") == 2


def test_fractions_become_text_in_a_form():
    assert as_form_values({"a": 1.5, "b": [2.5, {"c": None}]}) == {"a": "1.5", "b": ["2.5", {"c": None}]}
