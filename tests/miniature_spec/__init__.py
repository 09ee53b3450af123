"""A tiny specification, so that the harness can be tested without the real one."""
