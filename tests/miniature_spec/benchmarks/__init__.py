"""Tiny benchmarks, so that what measures can be tested without the real ones."""
