"""The tests of the report and its formats."""
