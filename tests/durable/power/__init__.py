"""Power loss: what a program wrote is recorded write by write, and any moment of it can be built again."""
