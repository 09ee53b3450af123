"""Benchmarks: what a loader costs, a question a file, as a ratio to a baseline.

Each module imports torch and the words of `conformance`, and neither a loader nor what measures.
"""
