"""Calls out: OAuth tokens kept sealed, and the REST client that uses them."""
