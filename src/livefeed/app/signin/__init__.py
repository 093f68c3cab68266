"""Signing in by OAuth: a person leaves for his portal, comes back with a code, and his pair is kept."""
