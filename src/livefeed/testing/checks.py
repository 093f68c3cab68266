"""Checks: what was delivered, called, refreshed and notified; a failure says what there was."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TypeVar

from livefeed.durable.store import Tx
from livefeed.portal.apps import registry
from livefeed.portal.events import handlers
from livefeed.portal.events.why import why
from livefeed.portal.im.notifications import newest
from livefeed.testing.company import InstalledApp, Person, Post, id_of
from livefeed.testing.seen import Called, Delivery, Notification, Refreshed, Seen, listed
from livefeed.ui.languages import told
from livefeed.wire.ids import MemberId, UserId

T = TypeVar("T")

_BELL = 1_000


class Checks(ABC):
    """What a test asks of its portal when something was done."""

    member_id: str

    @abstractmethod
    def read(self, query: Callable[[Tx], T]) -> T:
        """Run ``query`` on the portal's database."""

    @abstractmethod
    def now_ms(self) -> int:
        """What the portal's clock says."""

    @abstractmethod
    def seen(self) -> Sequence[Seen]:
        """Everything that was delivered, called and refreshed, in the order in which it ended."""

    @property
    def deliveries(self) -> list[Delivery]:
        """Every try to deliver an event, each try of its own, in the order in which they ended."""
        return [one for one in self.seen() if isinstance(one, Delivery)]

    @property
    def calls(self) -> list[Called]:
        """Every REST call, in the order of the answers; a batch counts once."""
        return [one for one in self.seen() if isinstance(one, Called)]

    def refreshes(self, app: InstalledApp | str | None = None) -> list[Refreshed]:
        """Every request to refresh a pair of tokens, of one application or of all, refused ones too."""
        client_id = app.client_id if isinstance(app, InstalledApp) else app
        asked = [one for one in self.seen() if isinstance(one, Refreshed)]
        return [one for one in asked if client_id is None or one.client_id == client_id]

    def notifications(self, person: Person | int) -> list[Notification]:
        """What a person's bell holds, oldest first; a notice with a TAG has replaced those before it."""
        number = UserId(id_of(person))
        rows = self.read(lambda tx: newest(tx, MemberId(self.member_id), number, count=_BELL))
        return [
            Notification(
                person=number,
                text=row.text,
                tag=row.tag.split("|", 2)[-1],
                at_ms=row.created_at,
                is_read=row.read_at is not None,
            )
            for row in reversed(rows)
        ]

    def assert_delivered(
        self,
        event: str = "",
        *,
        post: Post | int | None = None,
        to: InstalledApp | str | None = None,
        times: int | None = None,
    ) -> list[Delivery]:
        """Check that a handler took an event with a 2xx.

        Args:
            event: ``OnLiveFeedPostUpdate``, in any case of letters; empty: any.
            post: About this one.
            to: To this application, or to this URL.
            times: Exactly so often; None: at least once.

        Returns:
            The deliveries that are meant.

        Raises:
            AssertionError: It was not so; the message lists what was delivered, and why not more.
        """
        wanted = [one for one in self._deliveries_of(event, post, to) if one.is_good]
        if wanted if times is None else len(wanted) == times:
            return wanted
        often = "" if times is None else f" {times} times, but {len(wanted)}"
        told_of = f"{event or 'an event'}{'' if post is None else f' of post {int(post)}'}"
        lines = [f"{told_of} was not delivered{often}", listed("deliveries", self.deliveries)]
        raise AssertionError("\n".join((*lines, *self._reasons(event, post, to))))

    def assert_not_delivered(
        self, event: str = "", *, post: Post | int | None = None, to: InstalledApp | str | None = None
    ) -> None:
        """Check that no handler took such an event; see `assert_delivered`.

        Raises:
            AssertionError: One did.
        """
        found = [one for one in self._deliveries_of(event, post, to) if one.is_good]
        if found:
            raise AssertionError(listed("delivered all the same", found))

    def assert_notified(
        self, person: Person | int, containing: str = "", *, times: int | None = None
    ) -> list[Notification]:
        """Check that a person's bell holds a notice, and return those that are meant.

        Args:
            person: Whose bell.
            containing: What stands in it.
            times: Exactly so many; None: at least one.

        Raises:
            AssertionError: It holds others; the message lists them, and the calls that came in.
        """
        bell = self.notifications(person)
        wanted = [one for one in bell if containing in one.text]
        if wanted if times is None else len(wanted) == times:
            return wanted
        lines = [f"{containing!r} was found {len(wanted)} times on the bell of person {id_of(person)}"]
        raise AssertionError("\n".join((*lines, listed("the bell", bell), listed("calls", self.calls))))

    def assert_refreshed(self, app: InstalledApp | str | None = None, *, times: int | None = None) -> None:
        """Check that a pair of tokens was refreshed, exactly ``times`` or at least once.

        Raises:
            AssertionError: It was not so; the message lists the requests.
        """
        tries = self.refreshes(app)
        good = [one for one in tries if not one.error and one.status == 200]
        if not (good if times is None else len(good) == times):
            raise AssertionError(f"refreshed {len(good)} times\n{listed('requests', tries)}")

    def _deliveries_of(
        self, event: str, post: Post | int | None, to: InstalledApp | str | None
    ) -> list[Delivery]:
        return [
            one
            for one in self.deliveries
            if (not event or one.event == event.upper())
            and (post is None or one.post == int(post))
            and (to is None or to in (one.url, one.client_id) or _is_of(one, to))
        ]

    def _reasons(self, event: str, post: Post | int | None, to: InstalledApp | str | None) -> list[str]:
        """What the portal itself says: one sentence for each handler that is meant."""

        def query(tx: Tx) -> list[str]:
            portal, now_ms = MemberId(self.member_id), self.now_ms()
            client_id = to.client_id if isinstance(to, InstalledApp) else to
            app = registry.find_by_client_id(tx, client_id) if client_id else None
            reasons: list[str] = []
            for one in handlers.every(tx, portal):
                is_its = not to or one.url == to or (app is not None and one.app == app.id)
                if not is_its or (event and one.event != event.upper()):
                    continue
                if post is None:
                    reasons.append(f"handler {one.id} of {one.event} at {one.url} is {one.state}")
                else:
                    words = why(tx, portal=portal, post=int(post), handler=one.id, now_ms=now_ms)
                    reasons.append(f"handler {one.id} at {one.url}: {told(words, 'en')}")
            return reasons

        hint = "no handler is bound to it: bind one with event.bind, or app.bind(event, url)"
        return self.read(query) or ([] if self._deliveries_of(event, post, to) else [hint])

    def _check_settled(self, is_settled: bool, hours: float, before: int) -> None:
        if not is_settled:
            made = listed("deliveries", self.deliveries[before:][-20:])
            raise AssertionError(f"after {hours:g} hours of the portal's clock more is still due\n{made}")


def _is_of(delivery: Delivery, to: InstalledApp | str) -> bool:
    return isinstance(to, InstalledApp) and delivery.client_id == to.client_id
