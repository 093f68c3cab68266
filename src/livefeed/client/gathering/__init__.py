"""Calls that are made at the same time, gathered into batches."""
