"""Places: tables that hold sealed values, and one slice of work after the other to seal them anew."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from livefeed.durable.store import Store, Tx
from livefeed.errors import SettingsError
from livefeed.failpoints import failpoint
from livefeed.secrets import KeyRing

SLICE: Final = 100
"""How many values a unit seals anew: well under the time that a unit may take."""

KEY_CHECK: Final = "key check"
"""The place of the word that every rotation seals first where several machines share a database."""

Counts: TypeAlias = Mapping[bytes, int]
"""Key id → how many values are sealed with that key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One table.

    Attributes:
        name: For people.
        count: How many of its values hang on each of these keys.
        reseal: Seals a slice anew that is not sealed as it is to be; returns how many values. None: they go
            with their retention.
        is_on_ring: Whether its values are to be sealed with the newest key of the key file itself.
    """

    name: str
    count: Callable[[Tx, Sequence[bytes]], Counts]
    reseal: Callable[[Tx, KeyRing], int] | None = None
    is_on_ring: bool = False


def hanging(tx: Tx, places: Sequence[Place], ids: Sequence[bytes]) -> dict[bytes, dict[str, int]]:
    """How many values hang on each key, by place; places without any are left out."""
    counts: dict[bytes, dict[str, int]] = {one: {} for one in ids}
    for place in places:
        for key_id, count in place.count(tx, ids).items():
            if key_id in counts and count:
                counts[key_id][place.name] = count
    return counts


def check_ring(tx: Tx, places: Sequence[Place], ring: KeyRing) -> None:
    """Fail at the start, not at the first call, when the key file lacks a key with which something is sealed.

    Raises:
        SettingsError: It does; the message says which one.
    """
    missing: dict[bytes, list[str]] = {}
    for place in places:
        found = place.count(tx, ring.ids).items() if place.is_on_ring else ()
        for key_id, count in found:
            if count and not ring.knows(key_id):
                missing.setdefault(key_id, []).append(f"{place.name}: {count}")
    if missing:
        told = " and ".join(f"key {key_id.hex()} ({', '.join(hangs)})" for key_id, hangs in missing.items())
        raise SettingsError(
            f"the key file lacks {told}: this database was sealed with another key; set LIVEFEED_KEY_FILE to "
            "the right one, or copy it from the machine where the keys were rotated"
        )


async def reseal(
    store: Store, keys: KeyRing, places: Sequence[Place], told: Callable[[str, int], None] | None = None
) -> int:
    """Seal everything anew that is not sealed as it is to be; other work goes on between its units.

    Raises:
        SettingsError: Something is sealed with a key that is not there.
        StoreError: It cannot be committed now; what is done is done.
    """
    total = 0
    for place in places:
        unit = place.reseal
        while unit is not None and (count := await store.write(lambda tx, unit=unit: unit(tx, keys))):
            failpoint("keys.slice.sealed")
            total += count
            if told is not None:
                told(place.name, count)
    return total
