"""A requirement whose check is itself broken."""

from collections.abc import Iterable
from typing import Any

from conformance import Identity, LoaderRequest, Subject, epoch, requirement


@requirement(claims=["D1-004"])
def the_check_is_broken(subject: Subject) -> None:
    """A loader MUST be judged by a check that works.

    This one looks for what is not there.
    """
    with subject.open(Identity(2)) as loader:
        found = {"epoch": epoch(loader)}
    assert found["epochs"]


@the_check_is_broken.mutant
def does_nothing_wrong(request: LoaderRequest, batches: Iterable[Any]) -> Iterable[Any]:
    return batches
