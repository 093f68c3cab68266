"""The PostgreSQL engine: each unit in a transaction of its own, beside those of other processes."""
