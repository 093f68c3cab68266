"""``db``: commands on a whole database, whichever half it belongs to."""
