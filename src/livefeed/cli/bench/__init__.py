"""Benchmarks: each prints its figure beside baselines of the same run."""
