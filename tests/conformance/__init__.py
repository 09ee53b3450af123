"""The tests of the harness. They use the miniature specification, not the real one."""
