"""Benchmarks of a whole house: portal, application and receivers as processes of their own."""
