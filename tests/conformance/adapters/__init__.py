"""The tests of the adapters; each needs its library, and says so where it is missing."""
