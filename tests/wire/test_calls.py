"""Addresses, parameters and answers of calls have their documented form."""

import json

import pytest

from livefeed.errors import TooLarge, WireError
from livefeed.wire.calls import (
    Answer,
    RestPath,
    Timing,
    Took,
    answer_body,
    fault_body,
    page_of,
    parse_rest_path,
    read_answer,
    read_request,
    request_of,
)
from livefeed.wire.faults import EmptyTitle, ExpiredToken, UnexpectedAnswer, UnknownFault
from livefeed.wire.form import Limits
from livefeed.wire.ids import UserId
from wire.documented import answer


@pytest.mark.parametrize(
    "path",
    [
        "/rest/log.blogpost.get",
        "/rest/log.blogpost.get.json",
        "/rest/log.blogpost.get/",
        "/rest/Log.BlogPost.Get.json/",
        "/rest//log.blogpost.get",
    ],
)
def test_a_path_with_a_token(path: str):
    assert parse_rest_path(path) == RestPath(method="log.blogpost.get")


@pytest.mark.parametrize("suffix", ["", ".json", "/", ".json/"])
def test_a_path_of_a_webhook(suffix: str):
    assert parse_rest_path(f"/rest/1/8g9l071eismy9q2l/log.blogpost.get{suffix}") == RestPath(
        user_id=UserId(1), code="8g9l071eismy9q2l", method="log.blogpost.get"
    )


def test_a_path_that_asks_for_xml_says_so():
    path = parse_rest_path("/rest/profile.xml")

    assert path == RestPath(method="profile", transport="xml")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/rest",
        "/rest/1/profile",
        "/rest/x/code/profile",
        "/rest/1/2/3/profile",
        "/other/profile",
        "/rest/0/c/m",
        "/rest/1//m",
    ],
)
def test_a_path_of_another_form_is_none(path: str):
    assert parse_rest_path(path) is None


def test_the_code_of_a_webhook_does_not_show():
    assert "8g9l07" not in repr(parse_rest_path("/rest/1/8g9l071eismy9q2l/profile"))


PATH = RestPath(method="log.blogpost.get")


@pytest.mark.parametrize(
    ("query", "content_type", "body"),
    [
        (b"POST_ID=217&DEST[0]=UA&auth=token", "", b""),
        (b"", "application/x-www-form-urlencoded", b"POST_ID=217&DEST%5B%5D=UA&auth=token"),
        (b"", "application/json", b'{"POST_ID":217,"DEST":["UA"],"auth":"token"}'),
        (b"auth=token", "application/json; charset=utf-8", b'{"POST_ID":217,"DEST":["UA"]}'),
        (b"post_id=1&AUTH=token", "application/x-www-form-urlencoded", b"POST_ID=217&DEST=UA"),
    ],
)
def test_a_call_is_the_same_in_every_format(query: bytes, content_type: str, body: bytes):
    request = read_request(PATH, query=query, content_type=content_type, body=body)

    assert request.auth == "token"
    assert not request.params.has("auth")
    assert request.params.integer("POST_ID") == 217
    assert request.params.texts("DEST") == ["UA"]


def test_a_call_without_anything_is_a_call():
    request = read_request(PATH)

    assert request.auth is None
    assert request.params.to_wire() == {}


def test_the_body_wins_over_the_query_in_any_case():
    request = request_of(PATH, {"start": "0", "a": "1"}, {"START": "50"})

    assert request.params.to_wire() == {"a": "1", "START": "50"}


def test_a_token_does_not_show():
    assert "token" not in repr(read_request(PATH, query=b"auth=token"))


@pytest.mark.parametrize("body", [b"{", b"1", b'"x"', b"\xff", b'{"a":"\\u0000"}'])
def test_a_json_body_that_is_no_object_is_a_wire_error(body: bytes):
    with pytest.raises(WireError):
        read_request(PATH, content_type="application/json", body=body)


@pytest.mark.parametrize("body", [b"", b"  ", b"[]", b"{}"])
def test_an_empty_json_body_is_an_empty_object(body: bytes):
    assert read_request(PATH, content_type="application/json", body=body).params.to_wire() == {}


def test_a_long_body_is_refused():
    limits = Limits(max_bytes=10, max_keys=10, max_depth=3)
    for content_type in ("application/json", ""):
        with pytest.raises(TooLarge):
            read_request(PATH, content_type=content_type, body=b'{"a":"0123456789"}', limits=limits)


def test_an_answer_has_its_documented_time():
    timing = Timing(start_s=1773750554.0, finish_s=1773750555.955794, processing_s=1.0, operating_s=0.99)

    wire = json.loads(answer_body(Answer(result=217), timing))

    documented = answer("post_added")
    assert list(wire) == list(documented)
    assert list(wire["time"]) == list(documented["time"])
    assert wire["time"] == {
        "start": 1773750554.0,
        "finish": 1773750555.955794,
        "duration": pytest.approx(1.955794),
        "processing": 1.0,
        "date_start": "2026-03-17T12:29:14+00:00",
        "date_finish": "2026-03-17T12:29:15+00:00",
        "operating_reset_at": 1773751154,
        "operating": 0.99,
    }


def test_total_and_next_stand_between_result_and_time():
    wire = json.loads(answer_body(Answer(result=[], total=120, next=50), Timing(start_s=1.0, finish_s=1.0)))

    assert list(wire) == ["result", "total", "next", "time"]


@pytest.mark.parametrize(
    ("start", "total", "following"), [(0, 120, 50), (50, 120, 100), (70, 120, None), (0, 50, None)]
)
def test_a_page_names_the_next_one_unless_it_is_the_last(start: int, total: int, following: int | None):
    assert page_of([{"ID": "1"}] * 50, start=start, total=total) == Answer(
        result=[{"ID": "1"}] * 50, total=total, next=following
    )


def test_an_uncounted_page_has_total_0_and_no_next():
    assert page_of(["x"] * 50, start=-1, total=120) == Answer(result=["x"] * 50, total=0)


def test_a_page_behind_the_end_names_no_next_one():
    assert page_of([], start=500, total=120) == Answer(result=[], total=120)


def test_an_error_has_two_keys_and_no_time():
    assert (
        fault_body(EmptyTitle())
        == b'{"error":"EMPTY_TITLE","error_description":"Message title is not specified."}'
    )


@pytest.mark.parametrize("name", ["post_get", "user_get", "post_added", "notify_get", "profile", "batch"])
def test_documented_answers_are_read(name: str):
    wire = answer(name)

    assert read_answer(200, json.dumps(wire).encode()) == Answer(
        result=wire["result"],
        total=wire.get("total"),
        took=Took(
            duration_s=wire["time"]["duration"],
            finished_s=wire["time"]["finish"],
            operating_s=wire["time"].get("operating"),
            reset_at=wire["time"].get("operating_reset_at"),
        ),
    )


def test_an_error_is_raised_as_its_class():
    with pytest.raises(ExpiredToken) as caught:
        read_answer(
            401, b'{"error":"expired_token","error_description":"The access token provided has expired"}'
        )

    assert caught.value.status == 401


def test_an_error_with_status_200_is_an_error():
    with pytest.raises(ExpiredToken):
        read_answer(200, b'{"error":"expired_token","error_description":""}')


@pytest.mark.parametrize("body", [b"<html>", b"", b"[]", b"{}", b"null", b"\xff", b"[" * 5_000])
def test_a_server_error_that_is_not_rest_can_be_tried_again(body: bytes):
    with pytest.raises(UnexpectedAnswer) as caught:
        read_answer(502, body)

    assert caught.value.retryable
    assert caught.value.status == 502


def test_a_page_instead_of_an_answer_is_an_unknown_fault():
    with pytest.raises(UnknownFault) as caught:
        read_answer(404, b"<html>")

    assert not caught.value.retryable


def test_an_error_of_rest_3_is_read():
    with pytest.raises(UnknownFault) as caught:
        read_answer(400, b'{"error":{"code":"BITRIX_REST_V3_EXCEPTION_X","message":"m"}}')

    assert (caught.value.code, caught.value.description) == ("BITRIX_REST_V3_EXCEPTION_X", "m")
