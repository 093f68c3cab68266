"""People of a portal, their departments and groups."""
