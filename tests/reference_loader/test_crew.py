"""Workers are started all or none, and what keeps them from starting is said in words."""

import errno
import multiprocessing
import pickle
import threading
from multiprocessing import active_children
from typing import Any

import pytest

from reference_loader.crew import Crew
from reference_loader.worker import Job
from tests.reference_loader.workloads import as_is


class Holding:
    """A dataset that cannot be pickled."""

    def __init__(self) -> None:
        self.lock = threading.Lock()

    def __repr__(self) -> str:
        return "Holding()"


def job(**changes: Any) -> Job:
    usual: dict[str, Any] = {
        "dataset": [0, 1],
        "batched": False,
        "drop_last": False,
        "collate_fn": as_is,
        "worker_init_fn": None,
        "base_seed": 0,
        "num_workers": 2,
    }
    return Job(**(usual | changes))


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("dataset", Holding(), "Holding() (Holding): cannot pickle '_thread.lock' object"),
        ("collate_fn", lambda batch: batch, "(function): Can't pickle"),
        ("worker_init_fn", lambda worker: None, "(function): Can't pickle"),
    ],
)
def test_an_argument_that_cannot_be_pickled_is_named(
    method: str, name: str, value: Any, shown: str
) -> None:
    with pytest.raises(pickle.PicklingError) as caught:
        Crew(job(**{name: value}), multiprocessing.get_context(method))
    message = str(caught.value)
    assert message.startswith(f"{name} must be picklable to start workers by {method}, got ")
    assert shown in message
    assert message.endswith(
        "; define it at the top level of a module, or use multiprocessing_context='fork'"
    )
    assert active_children() == []


class WithoutDescriptor:
    """A dataset that needs a descriptor to be pickled, as tensors do, where there is none left."""

    def __reduce__(self) -> Any:
        raise OSError(errno.EMFILE, "Too many open files")


def test_where_descriptors_are_wanting_that_is_said() -> None:
    with pytest.raises(OSError, match="Too many open files"):
        Crew(job(dataset=WithoutDescriptor()), multiprocessing.get_context("spawn"))
    assert active_children() == []


def test_by_fork_nothing_needs_to_be_pickled() -> None:
    crew = Crew(job(dataset=Holding()), multiprocessing.get_context("fork"))
    assert crew.usable
    crew.close()


def test_if_one_cannot_start_none_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    context = multiprocessing.get_context("fork")
    start = context.Process.start

    def failing(process: Any) -> None:
        if process.name == "loader-1":
            raise OSError("no process left")
        start(process)

    monkeypatch.setattr(context.Process, "start", failing)
    with pytest.raises(OSError, match="no process left"):
        Crew(job(), context)
    assert active_children() == []


def test_a_closed_crew_is_of_no_use_and_closing_can_be_repeated() -> None:
    crew = Crew(job(), None)
    assert crew.usable
    crew.close()
    crew.close()
    assert not crew.usable
    assert active_children() == []
