"""Places: tables that hold sealed values, and one slice of work after the other to seal them anew."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from livefeed.durable.store import Store, Tx
from livefeed.failpoints import failpoint
from livefeed.secrets import KeyRing

SLICE: Final = 100
"""How many values a unit seals anew: well under the time that a unit may take."""

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
