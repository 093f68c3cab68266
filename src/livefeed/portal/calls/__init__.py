"""Calls on their way through the database: who makes them, and the units that answer them."""
