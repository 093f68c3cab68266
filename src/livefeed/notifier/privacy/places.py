"""Every place in which something of a person may be kept; a house test compares it with the schema."""

from typing import Final

from livefeed.notifier.privacy import archived, received

PLACES: Final = (*received.PLACES, *archived.PLACES)
"""In the order in which a person is erased: first his tokens, so that nobody goes on with them."""
