"""Routing: which handlers an event has, how each is called, and with what; decided at registration."""
