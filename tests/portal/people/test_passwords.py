"""Passwords are hashed with argon2id, and a comparison tells nothing by its time."""

import math
import time

from livefeed.portal.people import passwords
from livefeed.portal.people.passwords import Credentials
from livefeed.secrets import Secret
from livefeed.wire.ids import UserId

from ..conftest import House


async def test_a_password_is_right_and_another_is_not() -> None:
    made = await passwords.hashed(Secret("correct horse"))
    stored = Credentials(person=UserId(1), hash=made.hash)
    assert made.hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.is_right(stored, Secret("correct horse"))
    for wrong in ("", "correct hors", "correct horse ", "Correct horse", "\udc80"):
        assert not await passwords.is_right(stored, Secret(wrong))


async def test_the_same_password_never_has_the_same_hash() -> None:
    secret = passwords.draw()
    assert (await passwords.hashed(secret)).hash != (await passwords.hashed(secret)).hash


async def test_a_password_is_the_same_however_its_letters_are_composed() -> None:
    made = await passwords.hashed(Secret("Zoe\u0308 wa\u0301lks"))
    assert await passwords.is_right(
        Credentials(person=UserId(1), hash=made.hash), Secret("Zo\u00eb w\u00e1lks")
    )


async def test_nobody_has_no_password_and_no_shorter_way_to_that_answer() -> None:
    made = await passwords.hashed(Secret("correct horse"))
    known = Credentials(person=UserId(1), hash=made.hash)
    spent = {"known": math.inf, "nobody": math.inf}
    for _ in range(5):
        for name, found in (("known", known), ("nobody", Credentials())):
            began = time.perf_counter()
            assert not await passwords.is_right(found, Secret("wrong"))
            spent[name] = min(spent[name], time.perf_counter() - began)
    assert 0.2 < spent["nobody"] / spent["known"] < 5


async def test_a_damaged_hash_opens_to_nobody() -> None:
    assert not await passwords.is_right(Credentials(person=UserId(1), hash="$argon2id$x"), Secret("x"))


async def test_a_drawn_password_shows_itself_nowhere() -> None:
    made = await passwords.hashed(passwords.draw())
    assert len(made.secret.reveal()) == 16
    assert made.secret.reveal() not in repr(made)
    assert made.secret.reveal() not in made.hash


async def test_who_was_dismissed_or_has_no_password_is_nobody(house: House) -> None:
    portal, made = house.portal.member_id, await passwords.hashed(Secret("correct horse"))
    assert await house.store.read(lambda tx: passwords.find(tx, portal, "james")) == Credentials()
    await house.store.write(lambda tx: passwords.keep(tx, portal, UserId(1), made.hash))
    found = await house.store.read(lambda tx: passwords.find(tx, portal, "anna"))
    assert found == Credentials(person=UserId(1), hash=made.hash)
    await house.store.write(
        lambda tx: tx.execute("UPDATE person SET is_active = 0 WHERE portal = ? AND id = 1", (portal,))
    )
    assert await house.store.read(lambda tx: passwords.find(tx, portal, "anna")) == Credentials()
