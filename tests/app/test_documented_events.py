"""The door takes every event body that is documented, however it is written.

To each is added what proves it here: member_id and application_token of this portal.
"""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from livefeed.wire.form import encode

from .bodies import APPLICATION_TOKEN, MEMBER
from .conftest import House

EXAMPLES = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "fixtures" / "wire" / "every_event.jsonl")
    .read_text()
    .splitlines()
]
PROOF = {"member_id": MEMBER, "application_token": APPLICATION_TOKEN}


WITHOUT_A_TOKEN = {"ONAPPPAYMENT"}
"""Documented with a member_id and nothing that proves it (contract A-08)."""


async def test_a_payment_as_it_is_documented_proves_nothing_and_is_refused(house: House):
    (example,) = (one for one in EXAMPLES if one["value"]["event"] in WITHOUT_A_TOKEN)
    assert example["value"]["auth"]["member_id"] == MEMBER
    assert "application_token" not in example["value"]["auth"]
    asked = len(house.portal.calls)

    answer = await house.post("/events", encode(example["value"]))

    assert (answer.status, json.loads(answer.body)["error"]) == (403, "invalid_application_token")
    assert len(house.portal.calls) == asked, "whoever knows a member_id makes us ask nobody"


def proved(document: dict[str, Any]) -> dict[str, Any]:
    """The same from our portal; where the documentation shows no tokens, with what proves it."""
    shown = document.get("auth")
    return {**document, "auth": {**(shown if isinstance(shown, dict) else {}), **PROOF}}


def less(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """It without each key that may be missing."""
    for key in ("event_handler_id", "ts"):
        if key in document:
            yield {name: value for name, value in document.items() if name != key}
    for key in document["auth"].keys() - PROOF.keys():
        yield {**document, "auth": {name: value for name, value in document["auth"].items() if name != key}}


def written(document: dict[str, Any]) -> Iterator[bytes]:
    """It with brackets of both styles, in the order shown, backwards, and in three drawn ones."""
    pairs = encode(document).split(b"&")
    draw = random.Random(1)
    for order in (pairs, pairs[::-1], *(draw.sample(pairs, len(pairs)) for _ in range(3))):
        body = b"&".join(order)
        yield body
        yield body.replace(b"%5B", b"[").replace(b"%5D", b"]")


async def installed_again(house: House) -> bool:
    """Whether it goes on after a while: what the portal had may be erased at that moment (503)."""
    for _ in range(100):
        status = (await house.install()).status
        if status != 503:
            return status == 200
    return False


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"{example['value']['event']}")
async def test_every_documented_event_is_accepted_and_kept(house: House, example: dict[str, Any]):
    document = proved(example["value"])
    bodies = [
        *written(document),
        *(body for shorter in less(document) for body in list(written(shorter))[:2]),
    ]
    assert len(bodies) >= 10

    for body in bodies:
        if document["event"] == "ONAPPUNINSTALL":
            assert await installed_again(house), "each of them ends an installation"
        assert (await house.post("/events", body)).status == 200, body

    kinds = {row.event for row in await house.inbox()} - {"ONAPPINSTALL"}
    assert kinds <= {document["event"].upper()}
    if document["event"] not in {"ONAPPINSTALL", "ONAPPUNINSTALL"}:
        assert len(await house.inbox()) == len(bodies) + 1, (
            "each is an event, after the one of the installation"
        )
