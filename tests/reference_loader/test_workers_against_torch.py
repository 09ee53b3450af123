"""With worker processes: what torch's loader delivers, draws and seeds, ours does."""

import itertools
import random
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader as TorchDataLoader
from torch.utils.data import RandomSampler, WeightedRandomSampler

from reference_loader import DataLoader
from tests.reference_loader.test_against_torch import MakeLoader
from tests.reference_loader.workloads import Numbers, Shards, as_is

pytestmark = pytest.mark.filterwarnings(
    "ignore:num_workers should be at most", "ignore:This DataLoader will create"
)


def record(make: MakeLoader, seed: int | None, cut: list[int | None], **arguments: Any) -> Any:
    """Run the epochs in `cut` (None: to the end); list batches and generator states as they go."""
    torch.manual_seed(7)
    random.seed(7)
    np.random.seed(7)
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    loader = make(generator=generator, collate_fn=as_is, **arguments)
    seen: list[Any] = []
    for limit in cut:
        batches = iter(loader)
        seen.append(_states(generator))
        for batch in itertools.islice(batches, limit):
            seen += [batch, _states(generator)]
        seen.append(_states(generator))
        del batches
    return seen


def _states(generator: torch.Generator | None) -> tuple[int, ...]:
    states = [torch.default_generator, generator or torch.default_generator]
    return tuple(hash(each.get_state().numpy().tobytes()) for each in states)


def assert_same(**arguments: Any) -> None:
    assert record(DataLoader, **arguments) == record(TorchDataLoader, **arguments)


@pytest.mark.parametrize("seed", [None, 3])
@pytest.mark.parametrize("persistent", [False, True])
@pytest.mark.parametrize("workers", [1, 2, 4])
def test_batches_random_numbers_and_generators_are_those_of_torch(
    workers: int, persistent: bool, seed: int | None
) -> None:
    """Samples drawn in workers with random, numpy and torch, and what the main process draws."""
    assert_same(
        dataset=Numbers(23),
        batch_size=2,
        shuffle=True,
        num_workers=workers,
        persistent_workers=persistent,
        seed=seed,
        cut=[None, 3, None],
    )


def test_without_workers_they_are_too() -> None:
    assert_same(dataset=Numbers(9), batch_size=2, shuffle=True, seed=3, cut=[None, 2, None])


@pytest.mark.parametrize("persistent", [False, True])
@pytest.mark.parametrize("factor", [1, 3])
def test_how_far_the_sampler_is_read_ahead_is_that_of_torch(factor: int, persistent: bool) -> None:
    """A sampler that draws for every index shows how far it was read."""
    assert_same(
        dataset=Numbers(40),
        sampler=RandomSampler(range(40), replacement=True, num_samples=70),
        batch_size=4,
        num_workers=2,
        prefetch_factor=factor,
        persistent_workers=persistent,
        seed=None,
        cut=[5, None],
    )


@pytest.mark.parametrize(
    "arguments",
    [
        {"batch_size": None, "shuffle": True},
        {"batch_size": 3, "drop_last": True},
        {"batch_sampler": [[0], [1, 2], [3, 4, 5], [6]]},
        {"sampler": WeightedRandomSampler([1.0] * 9, 12), "batch_size": 5},
        {"batch_size": 20},
    ],
    ids=lambda arguments: "-".join(arguments),
)
def test_every_way_of_batching_is_that_of_torch(arguments: dict[str, Any]) -> None:
    assert_same(dataset=Numbers(9), num_workers=2, seed=5, cut=[None, None], **arguments)


@pytest.mark.parametrize("persistent", [False, True])
@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("lengths", [[7], [5, 0], [2, 9, 4], [0, 0, 3], [0, 6]], ids=str)
def test_streams_come_in_the_order_of_torch(
    lengths: list[int], drop_last: bool, persistent: bool
) -> None:
    """Uneven parts: whoever has ended is left out, batches do not mix workers, drop_last is each's.

    Their random numbers go on in persistent workers, while the stream begins anew.
    """
    assert_same(
        dataset=Shards(lengths),
        batch_size=2,
        drop_last=drop_last,
        num_workers=len(lengths),
        persistent_workers=persistent,
        seed=None,
        cut=[None, 2, None],
    )


def test_streams_without_batching_come_in_the_order_of_torch() -> None:
    assert_same(dataset=Shards([2, 5]), batch_size=None, num_workers=2, seed=1, cut=[None, None])


@pytest.mark.parametrize("method", ["forkserver", "spawn"])
def test_the_start_method_changes_nothing(method: str) -> None:
    arguments: dict[str, Any] = {
        "dataset": Numbers(7),
        "batch_size": 2,
        "shuffle": True,
        "num_workers": 2,
        "persistent_workers": True,
        "seed": 3,
        "cut": [None, None],
    }
    ours = record(DataLoader, multiprocessing_context=method, **arguments)
    assert ours == record(TorchDataLoader, multiprocessing_context="fork", **arguments)


def test_no_worker_shares_its_random_numbers_with_another_or_with_the_next_epoch() -> None:
    loader: DataLoader[Any] = DataLoader(Numbers(8), None, num_workers=2)
    samples = [*loader, *loader]
    for field in (1, 2, 3):
        assert len({sample[field] for sample in samples}) == len(samples)
