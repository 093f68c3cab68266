"""Numbered migrations of the app half, one chain per engine."""
