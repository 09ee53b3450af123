"""Probe datasets, and what makes plain values of what was delivered."""

import pickle
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch

from conformance.datasets import Gated, Identity, Samples, Watched, epoch, flat, meeting, plain
from conformance.trace import Trace


def test_the_sample_at_an_index_is_the_index() -> None:
    dataset = Identity(3)
    assert (len(dataset), [dataset[index] for index in range(3)]) == (3, [0, 1, 2])


@pytest.mark.parametrize("index", [-1, 3])
def test_there_is_no_sample_outside(index: int) -> None:
    with pytest.raises(IndexError) as caught:
        Identity(3)[index]
    assert str(caught.value) == f"no sample {index} in 3"


def test_the_given_samples_are_the_samples() -> None:
    dataset = Samples(["a", None])
    assert (len(dataset), dataset[0], dataset[1]) == (2, "a", None)


def test_a_watched_access_is_recorded() -> None:
    with Trace() as trace:
        dataset = Watched(3, trace)
        assert (len(dataset), dataset[2], dataset[0]) == (3, 2, 0)
        assert trace.keys() == [2, 0]


def test_a_gate_opens_when_what_it_waits_for_has_happened() -> None:
    with Trace() as trace:
        dataset = Gated(3, trace, {1: ("open", [7])})
        with ThreadPoolExecutor() as thread:
            sample = thread.submit(dataset.__getitem__, 1)
            trace.wait_for("begin", [1])
            before = trace.keys()
            trace.record("open", 7)
            after = (sample.result(), dataset[0], len(dataset), trace.keys(), trace.keys("in_vain"))
    assert (before, after) == ([], (1, 0, 3, [1, 0], []))


def test_a_gate_that_nothing_opens_is_waited_for_once() -> None:
    with Trace(patience=0.01) as trace:
        dataset = Gated(2, trace, {0: ("open", [7]), 1: ("open", [8])})
        assert (dataset[0], dataset[1]) == (0, 1)
        assert (trace.keys(), trace.keys("in_vain")) == ([0, 1], [0])


def test_those_who_meet_wait_for_each_other() -> None:
    with Trace() as trace:
        dataset = Gated(5, trace, meeting([0, 3]))
        with ThreadPoolExecutor() as threads:
            samples = list(threads.map(dataset.__getitem__, [0, 3]))
        assert (samples, sorted(trace.keys("begin")), trace.keys("in_vain")) == ([0, 3], [0, 3], [])


def test_probes_can_be_sent_to_a_worker() -> None:
    with Trace() as trace:
        for dataset in (Identity(3), Samples([1]), Watched(3, trace), Gated(3, trace, {})):
            copy = pickle.loads(pickle.dumps(dataset))
            assert (type(copy), copy[0]) == (type(dataset), dataset[0])
        assert trace.keys() == [0] * 4


@pytest.mark.parametrize(
    ("delivered", "value"),
    [
        (torch.tensor([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (torch.tensor(1.5), 1.5),
        (np.array([1, 2]), [1, 2]),
        (np.float64(0.5), 0.5),
        (OrderedDict(a=torch.tensor([1])), {"a": [1]}),
        ((torch.tensor([1]), "a"), ([1], "a")),
        ([np.array([1]), (None,)], [[1], (None,)]),
    ],
)
def test_what_is_delivered_becomes_plain(delivered: Any, value: Any) -> None:
    made = plain(delivered)
    assert made == value
    assert type(made) is type(value)


def test_batches_are_copied_on_arrival() -> None:
    """A loader may hand out the same buffer again."""

    def reusing() -> Any:
        buffer = torch.zeros(2)
        for _ in range(2):
            buffer += 1
            yield buffer

    assert epoch(reusing()) == [[1, 1], [2, 2]]


def test_batches_are_flattened_once() -> None:
    assert flat([[0, 1], [], [[2]], 3]) == [0, 1, [2], 3]
