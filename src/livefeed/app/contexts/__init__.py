"""Contexts: what a call of a handler has at hand, and what it leaves behind."""
