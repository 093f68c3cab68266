"""Handling: from a leased run of the inbox to the outcome of its handlers."""
