"""Serving with one process or several, which do everything or one part of it."""
