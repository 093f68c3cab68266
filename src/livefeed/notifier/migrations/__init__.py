"""Numbered migrations of the notifier, one chain per engine."""
