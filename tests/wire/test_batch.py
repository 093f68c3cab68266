"""A batch runs fifty calls at most, in order, with earlier results put into later ones."""

import json

import msgspec
import pytest

from livefeed.errors import Fault, TooLarge, WireError
from livefeed.wire.batch import (
    MAX_COMMANDS,
    Command,
    Outcome,
    build_batch,
    compose_answer,
    read_batch,
    read_commands,
    substitute,
)
from livefeed.wire.calls import Answer, Timing
from livefeed.wire.faults import BatchLengthExceeded, BatchMethodNotAllowed, InsufficientScope
from livefeed.wire.form import REST_LIMITS, decode
from livefeed.wire.params import Params
from wire.documented import answer

RESULTS = {
    "get_user": {"ID": "1", "ACTIVE": True, "UF_DEPARTMENT": [1, 7]},
    "posts": [{"ID": "217"}],
    "n": 5,
    "nothing": None,
}


def untimed(answer: Answer | Fault) -> Answer:
    assert isinstance(answer, Answer)
    assert answer.took is not None
    return msgspec.structs.replace(answer, took=None)


def test_documented_commands_are_read():
    params = Params(
        {
            "halt": 0,
            "cmd": {
                "get_user": "user.current",
                "dep": "department.get?ID=$result[get_user][UF_DEPARTMENT][0]",
            },
        }
    )

    assert read_commands(params) == [
        Command(name="get_user", method="user.current"),
        Command(name="dep", method="department.get", query="ID=$result[get_user][UF_DEPARTMENT][0]"),
    ]


@pytest.mark.parametrize("cmd", [["user.current", "profile"], {"0": "user.current", "1": "profile"}])
def test_commands_without_names_are_numbered(cmd: object):
    assert [(one.name, one.method) for one in read_commands(Params({"cmd": cmd}))] == [
        ("0", "user.current"),
        ("1", "profile"),
    ]


def test_a_command_in_a_query_is_encoded_twice():
    form = decode(
        b"cmd[0]=crm.lead.add%3Ffields%5BTITLE%5D%3DJohn%2526Martin", limits=REST_LIMITS, strict=False
    )
    (command,) = read_commands(Params(form))

    assert command.method == "crm.lead.add"
    assert command.params({}).mapping("fields") == {"TITLE": "John&Martin"}


@pytest.mark.parametrize("cmd", [None, "", "x", [], {}])
def test_a_batch_without_commands_has_none(cmd: object):
    assert read_commands(Params({"cmd": cmd})) == []


def test_a_command_that_is_no_text_has_no_method():
    assert read_commands(Params({"cmd": {"a": ["x"], "b": "Profile.json"}})) == [
        Command(name="a", method=""),
        Command(name="b", method="profile"),
    ]


def test_the_fifty_first_and_the_nested_are_refused():
    command, nested = Command(name="a", method="profile"), Command(name="b", method="batch")

    assert command.refusal(MAX_COMMANDS - 1) is None
    assert isinstance(command.refusal(MAX_COMMANDS), BatchLengthExceeded)
    assert isinstance(nested.refusal(0), BatchMethodNotAllowed)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("$result[get_user][ID]", "1"),
        ("$result[get_user][UF_DEPARTMENT][1]", 7),
        ("$result[get_user][UF_DEPARTMENT]", [1, 7]),
        ("$result[posts][0][ID]", "217"),
        ("$result[n]", 5),
        ("U$result[get_user][ID], D$result[get_user][UF_DEPARTMENT][0]", "U1, D1"),
        ("$result[get_user][ACTIVE]!", "1!"),
        ("$result[nothing]", ""),
        ("$result[absent][0]", ""),
        ("x$result[absent]y", "xy"),
        ("$result[posts][9]", ""),
        ("$result[posts][-1]", ""),
        ("$result[n][0]", ""),
        ("$result[posts]!", "!"),
        ("$result", "$result"),
        ("$result[", "$result["),
        ("$resultx[n]", "$resultx[n]"),
        ("$result[posts][99999999999999999999]", ""),
        ({"a": ["$result[n]"]}, {"a": ["$result[n]"]}),
        ({"a": {"b": "$result[n]"}}, {"a": {"b": 5}}),
    ],
)
def test_references_are_replaced(value: object, expected: object):
    assert substitute(value, RESULTS) == expected


@pytest.mark.parametrize("query", ["ID=$result[get_user][ID]", "ID=%24result%5Bget_user%5D%5BID%5D"])
def test_a_reference_is_found_encoded_or_not(query: str):
    assert Command(name="x", method="m", query=query).params(RESULTS).text("ID") == "1"


def test_a_result_cannot_bring_in_a_parameter():
    results = {"evil": "1&USER_ID=2"}
    params = Command(name="x", method="m", query="TEXT=$result[evil]").params(results)

    assert list(params.names()) == ["TEXT"]
    assert params.text("TEXT") == "1&USER_ID=2"


def test_a_result_that_looks_like_a_reference_is_not_followed():
    assert substitute("$result[a]", {"a": "$result[b]", "b": "secret"}) == "$result[b]"


TIMING = Timing(start_s=1724916859.46156, finish_s=1724916859.464775)


def test_a_batch_answers_in_five_maps():
    composed = compose_answer(
        [
            Outcome(name="user", answer=Answer(result={"ID": "1"}), timing=TIMING),
            Outcome(name="posts", answer=Answer(result=[], total=120, next=50), timing=TIMING),
            Outcome(name="bad", answer=InsufficientScope("")),
        ]
    )
    wire = json.loads(msgspec.json.encode(composed.result))

    assert list(wire) == list(answer("batch")["result"])
    assert wire["result"] == {"user": {"ID": "1"}, "posts": []}
    assert wire["result_error"] == {"bad": {"error": "insufficient_scope", "error_description": ""}}
    assert (wire["result_total"], wire["result_next"]) == ({"posts": 120}, {"posts": 50})
    assert list(wire["result_time"]["user"]) == list(answer("batch")["result"]["result_time"]["get_user"])


def test_empty_maps_are_empty_lists():
    refused = compose_answer(
        [Outcome(name=name, answer=InsufficientScope("")) for name in ("get_user", "get_department")]
    )

    assert json.loads(msgspec.json.encode(refused.result)) == answer("batch_failed")["result"]


def test_maps_of_counted_commands_are_lists():
    wire = compose_answer(
        [Outcome(name=str(number), answer=Answer(result=number)) for number in range(3)]
    ).result

    assert json.loads(msgspec.json.encode(wire))["result"] == [0, 1, 2]


def test_a_gap_in_the_count_makes_a_map():
    outcomes = [Outcome(name="0", answer=InsufficientScope("")), Outcome(name="1", answer=Answer(result=1))]

    assert json.loads(msgspec.json.encode(compose_answer(outcomes).result))["result"] == {"1": 1}


def test_what_is_composed_is_read_again():
    outcomes = {
        "a": Answer(result=[1], total=1),
        "b": Answer(result={"x": None}, total=60, next=50),
        "c": InsufficientScope(""),
    }
    composed = compose_answer(
        [Outcome(name=name, answer=one, timing=TIMING) for name, one in outcomes.items()]
    )
    read = read_batch(composed)

    assert [untimed(read["a"]), untimed(read["b"])] == [outcomes["a"], outcomes["b"]]
    assert isinstance(read["c"], InsufficientScope)


@pytest.mark.parametrize("names", [["0", "1", "2"], ["x", "y"], ["1"], []])
def test_lists_and_maps_are_read_alike(names: list[str]):
    composed = compose_answer([Outcome(name=name, answer=Answer(result=name)) for name in names])

    assert read_batch(composed) == {name: Answer(result=name) for name in names}


def test_the_documented_answer_is_read():
    wire = answer("batch")["result"]
    read = read_batch(Answer(result=wire))

    assert untimed(read["get_department"]) == Answer(result=wire["result"]["get_department"], total=1)


def test_an_answer_of_something_else_is_a_wire_error():
    with pytest.raises(WireError):
        read_batch(Answer(result=[1]))


def test_built_commands_are_read_again():
    params = build_batch(
        {
            "get_user": ("user.current", {}),
            "add": ("log.blogpost.add", {"POST_MESSAGE": "a & b = ё?", "DEST": ["U1", "SG2"], "N": True}),
            "dep": ("department.get", {"ID": "$result[get_user][UF_DEPARTMENT][0]"}),
        },
        halt=True,
    )
    first, second, third = read_commands(params)

    assert params.flag("halt")
    assert first == Command(name="get_user", method="user.current")
    assert second.params({}).text("POST_MESSAGE") == "a & b = ё?"
    assert second.params({}).texts("DEST") == ["U1", "SG2"]
    assert third.query == "ID=$result[get_user][UF_DEPARTMENT][0]"


def test_more_than_fifty_commands_cannot_be_built():
    with pytest.raises(WireError, match="50"):
        build_batch({str(number): ("profile", {}) for number in range(51)})


def test_what_references_put_in_is_bounded_like_a_body():
    results = {"a": "x" * 1_000_000}
    few = Command(name="b", method="m", query="t=" + "$result[a]" * 30 + "&u=$result[a]")
    assert 30_000_000 == len(few.params(results).text("t"))

    for query in ("t=" + "$result[a]" * 1_000_000, "&".join(f"t{n}=$result[a]" for n in range(40))):
        with pytest.raises(TooLarge, match="references"):
            Command(name="b", method="m", query=query).params(results)
