"""Rehearsals: a portal in a process of its own that goes by the clock of a test and has its faults."""
