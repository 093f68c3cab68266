"""Numbered migrations of the token vault, one chain per engine."""
