"""Pinning, on machines without an accelerator: with objects that say when they are pinned."""

import math
from collections import OrderedDict, namedtuple
from typing import Any

import pytest
import torch

from reference_loader.executor import Done, Ended, Executor, Failed, Outcome
from reference_loader.pinning import Pinned, can_pin, pin
from reference_loader.plan import Task

Pair = namedtuple("Pair", ["x", "y"])


class Pinnable:
    def pin_memory(self) -> str:
        return "pinned"


class PinnableList(list[Any]):
    def pin_memory(self) -> str:
        return "pinned as a whole"


class Unpinnable:
    def pin_memory(self) -> str:
        raise RuntimeError("no memory left to lock")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Pinnable(), "pinned"),
        ([Pinnable(), 1], ["pinned", 1]),
        ((Pinnable(), "a"), ("pinned", "a")),
        (Pair(Pinnable(), b"a"), Pair("pinned", b"a")),
        (OrderedDict(x=[Pinnable()]), OrderedDict(x=["pinned"])),
        (PinnableList([Pinnable()]), "pinned as a whole"),
        ({1, 2}, {1, 2}),
        (None, None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_everything_that_can_be_pinned_is_and_containers_keep_their_type(
    value: Any, expected: Any
) -> None:
    pinned = pin(value)
    assert pinned == expected
    assert type(pinned) is type(expected)


def test_containers_are_not_changed_in_place() -> None:
    value = [Pinnable()]
    pin(value)
    assert isinstance(value[0], Pinnable)


class AtOnce:
    """An executor that has every task done when it is submitted."""

    def __init__(self, batch: Any) -> None:
        self.batch = batch
        self.done: list[Done] = []

    def submit(self, task: Task) -> None:
        self.done.append(Done(task.position, self.batch))

    def take(self, deadline: float = math.inf) -> Outcome:
        return self.done.pop(0)

    def close(self) -> None:
        """Have nothing to release."""


def outcome_of(batch: Any) -> Any:
    executor: Executor = Pinned(AtOnce(batch))
    executor.submit(Task(4, 0))
    return executor.take()


def test_a_batch_is_pinned_on_its_way() -> None:
    assert outcome_of([Pinnable()]) == Done(4, ["pinned"])


def test_how_a_batch_is_pinned_can_be_said() -> None:
    executor = Pinned(AtOnce("a batch"), lambda batch: f"{batch} pinned")
    executor.submit(Task(4, 0))
    assert executor.take() == Done(4, "a batch pinned")


def test_a_batch_that_cannot_be_pinned_has_failed() -> None:
    outcome = outcome_of(Unpinnable())
    assert isinstance(outcome, Failed)
    assert outcome.position == 4
    assert str(outcome.error) == "no memory left to lock"


def test_other_outcomes_pass_and_close_is_handed_on() -> None:
    class Inner:
        closed = False

        def submit(self, task: Task) -> None: ...

        def take(self, deadline: float = math.inf) -> Ended:
            return Ended(2)

        def close(self) -> None:
            self.closed = True

    inner = Inner()
    executor = Pinned(inner)
    assert executor.take() == Ended(2)
    executor.close()
    assert inner.closed


@pytest.mark.parametrize("found", [None, "mps"])
def test_without_an_accelerator_to_serve_there_is_a_warning(
    found: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reference_loader.pinning._accelerator", lambda: found)
    with pytest.warns(UserWarning, match="pin_memory=True") as caught:
        assert not can_pin()
    assert [str(warning.message) for warning in caught] == [
        "pin_memory=True needs an accelerator that copies from page-locked memory, got none; "
        "batches are delivered unpinned"
    ]


def test_with_an_accelerator_there_is_none(
    monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    monkeypatch.setattr("reference_loader.pinning._accelerator", lambda: "cuda")
    assert can_pin()
    assert not recwarn


@pytest.mark.skipif(not torch.cuda.is_available(), reason="page-locked memory needs CUDA here")
def test_tensors_are_page_locked() -> None:
    assert pin({"x": [torch.ones(2)]})["x"][0].is_pinned()
