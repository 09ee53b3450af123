"""Imported by the fork server last, to do once what every process would do first.

When the first property of a process runs, Hypothesis registers its generator, for which it looks
through all objects that there are, and reads the constants in all modules of the project. That
takes longer than most requirements. Here it is done before the processes are forked.
"""

import gc

import hypothesis
from hypothesis import strategies as st


@hypothesis.seed(0)
@hypothesis.settings(database=None, deadline=None, max_examples=20)
@hypothesis.given(st.integers())
def any_property(value: int) -> None:
    """Hold for every integer."""
    del value


any_property()
# What a collection looks at is written to, so that a forked process would copy all of it.
gc.freeze()
