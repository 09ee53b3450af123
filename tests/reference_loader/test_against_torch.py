"""What torch's loader delivers and draws from its generators, ours does: compared step by step."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils.data import (
    DataLoader as TorchDataLoader,
)
from torch.utils.data import (
    IterableDataset,
    RandomSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)

from reference_loader import DataLoader

MakeLoader = Callable[..., Any]


class Plain:
    """A user's sampler that draws when it is started, not when it is asked."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __iter__(self) -> Iterator[int]:
        return iter(torch.randperm(self.size).tolist())

    def __len__(self) -> int:
        return self.size


class Drawn(IterableDataset[int]):
    """A stream that draws from the default generator, at its start and for every sample."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __iter__(self) -> Iterator[int]:
        offset = int(torch.randint(1000, ()))
        return (offset + int(torch.randint(1000, ())) for _ in range(self.size))


def record(
    make: MakeLoader, seed: int | None, cut: list[int | None], **arguments: Any
) -> list[Any]:
    """Run the epochs in `cut` (None: to the end); list the batches and generator states."""
    torch.manual_seed(7)
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    loader = make(generator=generator, **arguments)
    seen: list[Any] = []
    for limit in cut:
        batches = iter(loader)
        seen.append(_states(generator))
        while limit is None or limit > 0:
            try:
                batch = next(batches)
            except StopIteration:
                break
            seen += [batch.tolist() if isinstance(batch, Tensor) else batch, _states(generator)]
            limit = None if limit is None else limit - 1
        seen.append(_states(generator))
    return seen


def _states(generator: torch.Generator | None) -> tuple[int, int]:
    chosen = generator or torch.default_generator
    return tuple(  # type: ignore[return-value]
        hash(each.get_state().numpy().tobytes()) for each in (chosen, torch.default_generator)
    )


cuts = st.lists(st.none() | st.integers(0, 4), min_size=1, max_size=3)
seeds = st.none() | st.integers(0, 2**32)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    size=st.integers(0, 20),
    batch_size=st.none() | st.integers(1, 7),
    shuffle=st.booleans(),
    drop_last=st.booleans(),
    seed=seeds,
    cut=cuts,
)
@example(size=6, batch_size=3, shuffle=True, drop_last=True, seed=42, cut=[None, 1, None])
def test_batches_and_generators_are_those_of_torch(
    size: int,
    batch_size: int | None,
    shuffle: bool,
    drop_last: bool,
    seed: int | None,
    cut: list[int | None],
) -> None:
    """Batches and the generators' states after each step equal torch's."""
    arguments: dict[str, Any] = {
        "dataset": list(range(size)),
        "batch_size": batch_size,
        "shuffle": shuffle and size > 0,  # torch refuses to shuffle nothing
        "drop_last": drop_last and batch_size is not None,
    }
    expected = record(TorchDataLoader, seed, cut, **arguments)
    assert record(DataLoader, seed, cut, **arguments) == expected


SAMPLERS: dict[str, Callable[[int], Any]] = {
    "plain": Plain,
    "random": lambda size: RandomSampler(range(size)),
    "replacement": lambda size: RandomSampler(range(size), replacement=True, num_samples=40),
    "subset": lambda size: SubsetRandomSampler(range(0, size, 2)),
    "weighted": lambda size: WeightedRandomSampler([1.0] * size, 2 * size),
    "list": lambda size: list(range(size))[::-1],
}


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    kind=st.sampled_from(sorted(SAMPLERS)),
    batch_size=st.none() | st.integers(1, 5),
    drop_last=st.booleans(),
    seed=seeds,
    cut=cuts,
)
def test_samplers_are_read_as_torch_reads_them(
    kind: str, batch_size: int | None, drop_last: bool, seed: int | None, cut: list[int | None]
) -> None:
    """With a user's sampler batches and the generators' states equal torch's."""
    arguments: dict[str, Any] = {
        "dataset": list(range(9)),
        "sampler": SAMPLERS[kind](9),
        "batch_size": batch_size,
        "drop_last": drop_last and batch_size is not None,
    }
    expected = record(TorchDataLoader, seed, cut, **arguments)
    assert record(DataLoader, seed, cut, **arguments) == expected


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    batches=st.lists(st.lists(st.integers(0, 8), min_size=1, max_size=4), max_size=5),
    seed=seeds,
    cut=cuts,
)
def test_batch_samplers_are_read_as_torch_reads_them(
    batches: list[list[int]], seed: int | None, cut: list[int | None]
) -> None:
    """With a user's batch sampler batches and the generators' states equal torch's."""
    arguments: dict[str, Any] = {"dataset": list(range(9)), "batch_sampler": batches}
    expected = record(TorchDataLoader, seed, cut, **arguments)
    assert record(DataLoader, seed, cut, **arguments) == expected


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    size=st.integers(0, 12),
    batch_size=st.none() | st.integers(1, 5),
    drop_last=st.booleans(),
    seed=seeds,
    cut=cuts,
)
def test_streams_are_read_as_torch_reads_them(
    size: int, batch_size: int | None, drop_last: bool, seed: int | None, cut: list[int | None]
) -> None:
    """From a stream that draws by itself batches and the generators' states equal torch's."""
    arguments: dict[str, Any] = {
        "dataset": Drawn(size),
        "batch_size": batch_size,
        "drop_last": drop_last and batch_size is not None,
    }
    expected = record(TorchDataLoader, seed, cut, **arguments)
    assert record(DataLoader, seed, cut, **arguments) == expected


def test_a_shuffled_order_longer_than_one_chunk_equals_torchs() -> None:
    """An order that is handed out in several pieces is still torch's."""
    size = 150_000
    orders = []
    makers: list[MakeLoader] = [TorchDataLoader, DataLoader]
    for make in makers:
        generator = torch.Generator().manual_seed(5)
        loader = make(
            range(size), batch_size=50_000, shuffle=True, generator=generator, collate_fn=list
        )
        orders.append((list(loader), generator.get_state().tolist()))
    assert orders[0] == orders[1]
