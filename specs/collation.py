"""What a user's `collate_fn` is given, how often it is called, and what becomes of its result.

At the end what stands in for it without batching, where nothing is collated.
"""

from collections.abc import Callable, Iterable, Iterator
from copy import copy
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st

from conformance import (
    Honest,
    Identity,
    LoaderRequest,
    Samples,
    Subject,
    Trace,
    Watched,
    epoch,
    given,
    requirement,
    typed,
)

TORCH_DATA = "https://docs.pytorch.org/docs/stable/data.html"


def with_its_type(given_samples: Any) -> tuple[str, Any]:
    """Collate to what was given, and its type."""
    return type(given_samples).__name__, copy(given_samples)


@dataclass
class Counting:
    """A collate_fn that records each call as a "collate" of the first sample."""

    trace: Trace

    def __call__(self, samples: list[int]) -> list[int]:
        """Collate to the samples as they are."""
        self.trace.record("collate", samples[0])
        return samples


def altered(request: LoaderRequest, honest: Honest, alter: Callable[[Any], Any]) -> Any:
    """Return a good loader but for what its collate_fn is given."""
    collate_fn = request.collate_fn or list
    return honest(request.but(collate_fn=lambda samples: collate_fn(alter(samples))))


@requirement(claims=["D1-026", "D1-030", "D2-021", "D2-037"])
@given(samples=st.lists(st.integers(0, 9), max_size=20), batch_size=st.integers(1, 6))
def a_collate_fn_gets_the_list_of_its_batch(
    subject: Subject, samples: list[int], batch_size: int
) -> None:
    """With a collate_fn a loader MUST call it with the list of a batch's samples, all and in order.

    Collate functions sort their list in place and unzip it; other samples, or another order, put
    inputs beside labels that are not theirs.
    """
    with subject.open(Samples(samples), batch_size=batch_size, collate_fn=with_its_type) as loader:
        delivered = epoch(loader)
    groups = [samples[start : start + batch_size] for start in range(0, len(samples), batch_size)]
    assert delivered == [("list", group) for group in groups]


@a_collate_fn_gets_the_list_of_its_batch.mutant_loader
def hands_over_a_tuple(request: LoaderRequest, honest: Honest) -> Any:
    return altered(request, honest, tuple)


@a_collate_fn_gets_the_list_of_its_batch.mutant_loader
def groups_equal_samples_together(request: LoaderRequest, honest: Honest) -> Any:
    return altered(request, honest, sorted)


@a_collate_fn_gets_the_list_of_its_batch.mutant_loader
def leaves_out_samples_that_are_false(request: LoaderRequest, honest: Honest) -> Any:
    return altered(request, honest, lambda samples: [sample for sample in samples if sample])


@a_collate_fn_gets_the_list_of_its_batch.mutant_loader
def fills_up_the_short_batch(request: LoaderRequest, honest: Honest) -> Any:
    size = request.batch_size or 1
    return altered(request, honest, lambda samples: (samples * size)[:size])


@requirement(claims=["D1-033", "D2-021", "D2-037"])
def the_result_of_a_collate_fn_is_delivered_itself(subject: Subject) -> None:
    """With a collate_fn a loader MUST deliver the very object that it returned, whatever it is.

    Users return packed sequences, graphs, or None for a batch to skip; a loader that interprets or
    copies the result breaks those types, or ends the epoch early.
    """
    results = [None, object(), [1, [2]], (3, "4"), {"5": {6}}, torch.ones(2), StopIteration(), ""]
    with subject.open(Identity(8), collate_fn=lambda samples: results[samples[0]]) as loader:
        delivered = list(loader)
    places = [
        [place for place, result in enumerate(results) if result is batch] for batch in delivered
    ]
    assert places == [[0], [1], [2], [3], [4], [5], [6], [7]]


@the_result_of_a_collate_fn_is_delivered_itself.mutant
def takes_none_for_no_batch(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    return (batch for batch in batches if batch is not None)


@the_result_of_a_collate_fn_is_delivered_itself.mutant
def copies_containers(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    return (copy(batch) if isinstance(batch, list | dict) else batch for batch in batches)


@the_result_of_a_collate_fn_is_delivered_itself.mutant
def detaches_tensors(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    return (batch.detach() if isinstance(batch, torch.Tensor) else batch for batch in batches)


@the_result_of_a_collate_fn_is_delivered_itself.mutant
def makes_lists_of_tuples(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    return (list(batch) if isinstance(batch, tuple) else batch for batch in batches)


@requirement(claims=["D1-026"], evidence=[TORCH_DATA])
def a_collate_fn_is_called_once_a_batch_where_the_batch_was_loaded(subject: Subject) -> None:
    """With a collate_fn a loader MUST call it once a batch, in the process that fetched the batch.

    A collate_fn may count, draw random numbers or hold an open file: an extra call shifts its
    state, and one in another process works on a copy of that state.
    """
    with Trace() as trace:
        with subject.open(Watched(5, trace), batch_size=2, collate_fn=Counting(trace)) as loader:
            delivered = epoch(loader)
        calls = sorted(trace.keys("collate"))  # several may be collated at a time
        fetched_in = {event.key: event.pid for event in trace.events("fetch")}
        at_home = [event.pid == fetched_in.get(event.key) for event in trace.events("collate")]
    assert (delivered, calls) == ([[0, 1], [2, 3], [4]], [0, 2, 4])
    assert at_home == [True, True, True]


@a_collate_fn_is_called_once_a_batch_where_the_batch_was_loaded.mutant_loader
def tries_the_collate_fn_on_a_first_sample(request: LoaderRequest, honest: Honest) -> Any:
    collate_fn = request.collate_fn or list
    collate_fn([request.dataset[0]])
    return honest(request)


@a_collate_fn_is_called_once_a_batch_where_the_batch_was_loaded.mutant_loader
def collates_in_a_process_of_its_own(request: LoaderRequest, honest: Honest) -> Any:
    collate_fn = request.collate_fn or list

    def elsewhere(samples: list[Any]) -> Any:
        with get_context("fork").Pool(1) as pool:
            return pool.apply(collate_fn, (samples,))

    return honest(request.but(collate_fn=elsewhere))


@requirement(evidence=[TORCH_DATA])
@given(samples=st.lists(st.one_of(st.integers(0, 9), st.lists(st.integers(0, 9))), max_size=6))
def without_batching_a_collate_fn_gets_the_bare_sample(
    subject: Subject, samples: list[Any]
) -> None:
    """With batch_size=None a loader MUST call the collate_fn with each sample itself.

    Datasets that make batches of their own rely on it to convert them; a list of one around the
    batch, or a collate_fn that is not called, is a wrong shape deep in the model.
    """
    with subject.open(Samples(samples), batch_size=None, collate_fn=with_its_type) as loader:
        delivered = epoch(loader)
    assert delivered == [(type(sample).__name__, sample) for sample in samples]


@without_batching_a_collate_fn_gets_the_bare_sample.mutant_loader
def puts_the_sample_into_a_list(request: LoaderRequest, honest: Honest) -> Any:
    return altered(request, honest, lambda sample: [sample])


@without_batching_a_collate_fn_gets_the_bare_sample.mutant_loader
def does_not_call_it(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(collate_fn=None))


@without_batching_a_collate_fn_gets_the_bare_sample.mutant_loader
def collates_the_elements_of_a_sample(request: LoaderRequest, honest: Honest) -> Any:
    return altered(request, honest, lambda s: torch.tensor(s) if isinstance(s, list) else s)


@requirement(evidence=[TORCH_DATA])
def without_batching_samples_are_converted_only(subject: Subject) -> None:
    """With batch_size=None a loader MUST deliver samples as they are but for arrays, made tensors.

    Who switches batching off has samples that are batches already; another dimension, or numbers
    made tensors, would be the surprise.
    """
    array = np.array([1, 2], dtype="int16")
    samples = [array, 7, 0.5, "text", None, {"a": array, "b": ["c", 3]}, torch.ones(2), (8, array)]
    with subject.open(Samples(samples), batch_size=None) as loader:
        delivered = [typed(sample) for sample in loader]
    tensor = ("torch.int16", [1, 2])
    ones = ("torch.float32", [1.0, 1.0])
    assert delivered == [
        tensor,
        7,
        0.5,
        "text",
        None,
        {"a": tensor, "b": ["c", 3]},
        ones,
        [8, tensor],
    ]


@without_batching_samples_are_converted_only.mutant
def adds_a_dimension(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    return (s.unsqueeze(0) if isinstance(s, torch.Tensor) else s for s in batches)


@without_batching_samples_are_converted_only.mutant
def makes_tensors_of_numbers(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    return (torch.tensor(s) if isinstance(s, int | float) else s for s in batches)


@without_batching_samples_are_converted_only.mutant_loader
def converts_nothing(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(collate_fn=lambda sample: sample))


@without_batching_samples_are_converted_only.mutant_loader
def converts_the_outermost_only(request: LoaderRequest, honest: Honest) -> Any:
    def convert(sample: Any) -> Any:
        return torch.as_tensor(sample) if isinstance(sample, np.ndarray) else sample

    return honest(request.but(collate_fn=convert))
