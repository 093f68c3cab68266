"""The scene: which plans of faults are in force, what tokens have been given out, and all that was seen."""

from collections import defaultdict
from collections.abc import Callable
from typing import Final

from livefeed.clock import Clock
from livefeed.testing.faults.plan import Faults, Kind, Rule
from livefeed.testing.seen import Given, Seen


class Occasion:
    """One delivery or one call, which the faults that are in force may strike."""

    def __init__(self, named: list[tuple[Faults, str]]) -> None:
        self._named = named
        self.struck: list[str] = []

    def strikes(self, kind: Kind, *, method: str = "") -> Rule | None:
        """The first rule that strikes; None: nothing of the kind happens."""
        for faults, name in self._named:
            rule = faults.strikes(kind, name, method=method)
            if rule is not None:
                self.struck.append(kind)
                return rule
        return None

    def rank(self) -> float:
        """Where it comes among those that are held back with it."""
        faults, name = self._named[0]
        return faults.draw(f"rank {name}")


class Scene:
    """What the portal's two ends share: the one that sends events and the one that answers REST.

    Attributes:
        seen: Every try to deliver, every REST call and every refresh, in the order in which they ended.
    """

    def __init__(self, clock: Clock, *, note: Callable[[Seen | Given], None] | None = None) -> None:
        """Nothing was seen yet; ``note`` is called with whatever is, and with what becomes of tokens."""
        self.clock: Final = clock
        self._note = note
        self.seen: list[Seen] = []
        self._active: list[Faults] = []
        self._given: defaultdict[str, set[str]] = defaultdict(set)
        self._expired: set[str] = set()

    def see(self, what: Seen) -> None:
        """Keep what has happened."""
        self.seen.append(what)
        if self._note is not None:
            self._note(what)

    def enter(self, faults: Faults) -> None:
        """From now on these faults may strike."""
        self._active = [*self._active, faults]

    def leave(self, faults: Faults) -> None:
        """They strike no more."""
        self._active = [one for one in self._active if one is not faults]

    def occasion(self, what: str) -> Occasion:
        """Something that may be struck."""
        return Occasion([(faults, faults.occasion(what)) for faults in self._active])

    def give(self, client_id: str, access_token: str) -> None:
        """An application was given this token: in an event, or by the token endpoint."""
        self._note_token(Given(client_id=client_id, access_token=access_token))

    def expire(self, client_id: str) -> None:
        """Every token that the application was given is over."""
        self._note_token(Given(client_id=client_id))

    def take(self, given: Given) -> None:
        """What became of a token, in an earlier process too."""
        if given.access_token:
            self._given[given.client_id].add(given.access_token)
            self._expired.discard(given.access_token)
        else:
            self._expired |= self._given[given.client_id]

    def is_expired(self, access_token: str) -> bool:
        """Whether a fault has let this token expire."""
        return access_token in self._expired

    def _note_token(self, given: Given) -> None:
        self.take(given)
        if self._note is not None:
            self._note(given)
