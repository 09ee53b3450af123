"""Benchmarks: how a loader's cost compares with another's, and what became of it over time."""
