"""The specification: what a DataLoader promises, as requirements that can be executed.

Each module is a chapter. It imports torch, Hypothesis and the words of `conformance`, and neither
a loader nor the harness.
"""
