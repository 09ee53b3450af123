"""Tests of the reference loader, one file for each of its modules."""
