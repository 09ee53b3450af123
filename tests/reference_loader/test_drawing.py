"""Torch's samplers drawn in blocks: the same indices, and the same generator after each of them."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch.utils.data import BatchSampler, RandomSampler, Sampler, WeightedRandomSampler

from reference_loader import drawing, sampling
from reference_loader.batching import Batches, in_blocks
from reference_loader.drawing import drawn, drawn_in_blocks
from reference_loader.sampling import Sequential, Shuffled
from tests.reference_loader.comparing import states

Make = Callable[[torch.Generator | None], Any]


def random(size: int, number: int | None = None) -> Make:
    return lambda generator: RandomSampler(range(size), num_samples=number, generator=generator)


def weighted(weights: list[float], number: int, replacement: bool = True) -> Make:
    return lambda generator: WeightedRandomSampler(weights, number, replacement, generator)


def seen(
    make: Make, seed: int | None, stops: list[int], iterate: Callable[[Any], Iterator[Any]]
) -> list[Any]:
    """List what comes between the stops and then to the end, with the generators' states."""
    torch.manual_seed(11)
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    keys = iterate(make(generator))
    noted: list[Any] = [states(generator)]
    try:
        for stop in [*stops, None]:
            noted += [list(islice(keys, stop)), states(generator)]
    except RuntimeError as error:
        noted += [str(error), states(generator)]
    return noted


def agrees(make: Make, seed: int | None, stops: list[int]) -> bool:
    kinds = {type(key) for key in drawn(make(None)) if key is not None}
    return kinds <= {int} and seen(make, seed, stops, iter) == seen(make, seed, stops, drawn)


seeds = st.none() | st.integers(0, 2**32)
stops = st.lists(st.integers(0, 9), max_size=2)
weights = st.lists(st.just(0.0) | st.floats(0, 1e300) | st.floats(0, 1), min_size=1, max_size=30)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(size=st.integers(1, 40), number=st.none() | st.integers(1, 90), seed=seeds, stops=stops)
def test_random_samplers(size: int, number: int | None, seed: int | None, stops: list[int]) -> None:
    """Permutations, whole and cut short, are those that the sampler itself brings."""
    make = random(size, number)
    assert seen(make, seed, stops, drawn) == seen(make, seed, stops, iter)


@pytest.mark.parametrize("size", [4095, 4096, 4097, 70_000])
def test_random_samplers_longer_than_a_chunk(size: int) -> None:
    assert agrees(random(size), 3, [1, 4095])
    assert agrees(random(size, 2 * size + 1), None, [size, 1])


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have draws of a few samples made a part at a time, as long ones are."""
    monkeypatch.setattr(drawing, "CHUNK", 8)


@pytest.mark.usefixtures("small_chunks")
@settings(max_examples=120, deadline=None, derandomize=True)
@given(
    weights=weights, number=st.integers(1, 60), replacement=st.booleans(), seed=seeds, stops=stops
)
@example([1.0, 0.0], 20, True, 5, [3])
@example([0.0, 0.0], 20, True, 5, [])
@example([1e300] * 30, 20, True, 5, [])
@example([1e308] * 30, 20, True, 5, [])
def test_weighted_samplers(
    weights: list[float], number: int, replacement: bool, seed: int | None, stops: list[int]
) -> None:
    """Draws, and the errors of weights that cannot be drawn from, are the sampler's own."""
    make = weighted(weights, number, replacement)
    assert seen(make, seed, stops, drawn) == seen(make, seed, stops, iter)


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("wrong", [-1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_wrong_weights_are_judged_by_torch(wrong: float, place: int) -> None:
    made = [1.0, 2.0, 3.0]
    made[place] = wrong
    make = weighted(made, 20)
    assert seen(make, 1, [], drawn) == seen(make, 1, [], iter)
    assert "multinomial" in str(seen(make, 1, [], drawn))


@pytest.mark.parametrize("categories", [3, 5000, 300_000])
def test_many_weighted_draws(categories: int) -> None:
    made = torch.rand(categories, generator=torch.Generator().manual_seed(1)).square()
    made[::3] = 0
    make = weighted(made.tolist(), 20_000)
    assert agrees(make, 9, [1, 4096, 5])
    assert agrees(make, None, [1, 4096, 5])


def test_more_categories_can_be_drawn_from_than_torch_allows() -> None:
    made = torch.zeros(2**24 + 3, dtype=torch.float64)
    made[-1] = made[5] = 1.0
    sampler = WeightedRandomSampler(made, 50)  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="categories"):
        list(sampler)
    assert set(drawn(sampler)) == {5, 2**24 + 2}


class Reversed(RandomSampler):
    def __iter__(self) -> Iterator[int]:
        return iter(list(super().__iter__())[::-1])


class Own(Sampler[int]):
    def __iter__(self) -> Iterator[int]:
        return iter([2, 0])


OTHERS = [
    Own(),
    [3, 4],
    RandomSampler(range(4), replacement=True),
    Reversed(range(4)),
    BatchSampler(range(4), 2, False),
]


@pytest.mark.parametrize("sampler", OTHERS, ids=lambda sampler: type(sampler).__name__)
def test_any_other_sampler_is_iterated(sampler: Any) -> None:
    assert drawn_in_blocks(sampler) is None


def test_a_method_replaced_in_torchs_own_class_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RandomSampler, "__iter__", lambda self: iter([1, 1]))
    assert list(drawn(RandomSampler(range(4)))) == [1, 1]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    size=st.integers(0, 30),
    number=st.integers(1, 70),
    batch_size=st.integers(1, 12),
    drop_last=st.booleans(),
    seed=seeds,
    stops=stops,
)
def test_batches_of_blocks_are_those_of_keys(
    size: int, number: int, batch_size: int, drop_last: bool, seed: int | None, stops: list[int]
) -> None:
    """Cut from blocks or a range, in one piece and as lists, batches and generators are torch's."""

    def as_lists(batches: Any) -> Iterator[list[int]]:
        return (b.tolist() if isinstance(b, torch.Tensor) else list(b) for b in batches)

    makers: list[Make] = [lambda _: Sequential(range(size)), random(size + 1, number)]
    makers.append(lambda generator: Shuffled(range(size + 1), generator))
    for place, make in enumerate(makers):
        theirs = make if place < 2 else random(size + 1)

        def batches(generator: torch.Generator | None, make: Make = make) -> Batches:
            return Batches(make(generator), batch_size, drop_last)

        def torchs(generator: torch.Generator | None, make: Make = theirs) -> Any:
            return BatchSampler(make(generator), batch_size, drop_last)

        expected = seen(torchs, seed, stops, iter)
        assert seen(batches, seed, stops, iter) == expected
        assert seen(batches, seed, stops, lambda made: as_lists(in_blocks(made))) == expected


FAULTS: dict[str, tuple[Any, str, Any, Make]] = {
    "the discarded permutation is not drawn": (
        *(drawing, "pass_over_permutation", lambda size, generator: None),
        random(9),
    ),
    "one word too few": (
        *(sampling, "pass_over", lambda words, generator: _words(max(words - 1, 0), generator)),
        random(9),
    ),
    "weighted draws are not passed over": (
        *(drawing, "pass_over", lambda words, generator: None),
        weighted([1.0, 2.0], 20),
    ),
    "one word for a number of two": (
        *(drawing, "pass_over", lambda words, generator: _words(words // 2, generator)),
        weighted([1.0, 2.0], 20),
    ),
    "a subclass is taken for the class": (
        *(drawing, "is_exactly", isinstance),
        lambda generator: Reversed(range(9), generator=generator),
    ),
}


def _words(words: int, generator: torch.Generator) -> None:
    torch.empty(words, dtype=torch.int32).random_(generator=generator)


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_noticed(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparisons above are not blind: with each of these faults they fail."""
    module, name, replacement, make = FAULTS[fault]
    assert agrees(make, 5, [3])
    monkeypatch.setattr(module, name, replacement)
    assert not agrees(make, 5, [3])
