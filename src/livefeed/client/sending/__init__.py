"""One request: how it is sent, when it is repeated, and how long its method may still run."""
