"""The tests of the harness, of the specification and of the reference loader."""
