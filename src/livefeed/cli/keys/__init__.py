"""``livefeed keys``: the keys that seal the secrets of a database."""
