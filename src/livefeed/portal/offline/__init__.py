"""Offline events: an application fetches what has changed, instead of being told."""
