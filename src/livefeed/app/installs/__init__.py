"""Installations: how a portal becomes known, what it is known by, and how it leaves."""
