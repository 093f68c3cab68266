"""Keeping: what must not be dropped or erased, because somebody has to be able to produce it."""
