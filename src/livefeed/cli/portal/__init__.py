"""Commands of the portal half."""
