"""What a benchmark is, and which there are."""

from typing import Any

import numpy as np
import pytest
import torch

from conformance.benchmark.declaration import (
    Work,
    benchmark,
    cases,
    chosen,
    collected,
    exhaust,
    same,
)
from conformance.errors import UsageError
from conformance.request import LoaderRequest
from tests.conformance.conftest import SPECIFICATION

NAMES = [
    "lists.epochs[batch_size=1]",
    "lists.epochs[batch_size=4]",
    "lists.first_batch",
    "lists.slowly",
]


def work(**more: Any) -> Work:
    """Return a work of one batch."""
    request = LoaderRequest([0])
    return Work(request=request, batches=1, receipt=None, check=lambda _: True, **more)


def test_the_folder_is_the_registry_and_a_grid_makes_cases() -> None:
    found = cases(SPECIFICATION)
    assert list(found) == NAMES
    assert found[NAMES[0]].benchmark.question == "What does a batch of integers cost?"
    assert found[NAMES[1]].work().request == found[NAMES[3]].work().request
    assert [case.benchmark.clock for case in found.values()] == ["cpu", "cpu", "wall", "cpu"]


def test_what_shows_how_the_cost_grows_stands_apart() -> None:
    assert list(cases(SPECIFICATION, scale=True)) == [
        "lists.holding[megabytes=40]", "lists.holding[megabytes=80]", "lists.idling"
    ]  # fmt: skip


def test_the_project_s_own_costs_grow_with_the_last_parameter() -> None:
    grown = cases("specs", scale=True)
    assert not set(grown) & set(cases("specs"))
    found = {(case.benchmark.name, *list(case.parameters)[-1:]) for case in grown.values()}
    growing = {parameter for _, parameter in found}
    assert growing == {"samples", "batch_size", "tensors", "workers", "megabytes"}
    for case in grown.values():
        values = list(case.benchmark.grid.values())[-1]
        assert list(values) == sorted(values)


def test_a_specification_may_have_no_benchmarks() -> None:
    assert cases("tests.reference_loader") == {}
    assert cases("tests.reference_loader", scale=True) == {}


def test_the_project_s_own_benchmarks_ask_questions_and_have_names_of_their_own() -> None:
    found = cases("specs")
    assert len(found) >= 25
    assert {name.partition(".")[0] for name in found} >= {
        "overhead", "transport", "first_batch", "indices", "padding", "epoch", "shutdown"
    }  # fmt: skip


def test_a_docstring_must_ask() -> None:
    def silent() -> Work:
        """Measure something."""
        return work(consume=exhaust)

    with pytest.raises(ValueError, match="of silent must open with the question that it answers"):
        benchmark()(silent)


def test_a_work_is_consumed_or_has_stages() -> None:
    with pytest.raises(ValueError, match="give exactly one of them"):
        work()
    with pytest.raises(ValueError, match="give exactly one of them"):
        work(consume=exhaust, stages=lambda _: iter(()))


def test_words_choose() -> None:
    assert chosen(NAMES, []) == NAMES
    assert chosen(NAMES, ["slow", "=1"]) == [NAMES[0], NAMES[3]]
    with pytest.raises(UsageError) as raised:
        chosen(NAMES, ["epoch_"])
    assert str(raised.value).startswith(
        "no benchmark has 'epoch_' in its name; did you mean lists.epochs[batch_size="
    )


def test_all_batches_are_compared_and_nothing_may_be_missing_or_left() -> None:
    check = collected([torch.tensor([1, 2]), torch.tensor([3])])
    assert check([torch.tensor([1, 2]), torch.tensor([3])])
    assert not check([torch.tensor([1, 2])])
    assert not check([torch.tensor([1, 2]), torch.tensor([3]), torch.tensor([3])])
    assert not check([torch.tensor([1, 9]), torch.tensor([3])])
    assert not check([])


@pytest.mark.parametrize(
    ("came", "wanted", "equal"),
    [
        (torch.tensor([1]), torch.tensor([1]), True),
        (torch.tensor([1.0]), torch.tensor([1]), False),
        (torch.tensor([[1]]), torch.tensor([1]), False),
        (np.array([1]), torch.tensor([1]), True),
        (np.array([1.0]), torch.tensor([1]), False),
        ([1], torch.tensor([1]), False),
        (np.array([1]), np.array([1]), True),
        ([torch.tensor([1]), 2], (torch.tensor([1]), 2), True),
        ([torch.tensor([1])], (torch.tensor([1]), 2), False),
        (True, 1, False),
        (1, 1, True),
        (None, 1, False),
    ],
)
def test_what_is_the_same(came: Any, wanted: Any, equal: bool) -> None:
    assert same(came, wanted) is equal


def test_exhausting_counts_and_keeps_the_last() -> None:
    assert exhaust([5, 6]) == (2, 6)
    assert exhaust([]) == (0, None)
