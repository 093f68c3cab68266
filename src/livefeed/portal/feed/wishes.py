"""What callers ask for, read against what there is: recipients, moments."""

from datetime import UTC, datetime

from livefeed.clock import at_utc
from livefeed.durable.store import Tx
from livefeed.portal.access import Viewer, addressable
from livefeed.portal.call import Call
from livefeed.wire.faults import ArgumentError, Fault
from livefeed.wire.feed import Destination, destination_code


def audience_of(
    tx: Tx, call: Call, wanted: tuple[Destination, ...], author: Viewer, fault: Fault
) -> tuple[str, ...]:
    """The destinations that exist for the author or the caller.

    Raises:
        Fault: ``fault``, when none is left.
    """
    writer = call.principal.viewer if call.principal.is_admin else author
    codes = addressable(tx, call.portal.member_id, [destination_code(one) for one in wanted], writer)
    if not codes:
        raise fault
    return codes


def moment(text: str, name: str) -> int | None:
    """Milliseconds of an ISO 8601 date or time; without an offset it is UTC, the server's own zone.

    Raises:
        ArgumentError: The text is something else.
    """
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text.strip())
        ms = round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
        at_utc(ms)  # an offset may lead out of the years there are; whoever shows it later could not tell it
    except (ValueError, OverflowError) as exc:
        raise ArgumentError(f"{name} is not a date of ISO 8601, such as 2026-03-17T15:29:15+01:00") from exc
    return ms
