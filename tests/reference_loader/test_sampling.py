"""The orders, against lists that were written down once and hold without torch's loader."""

from collections.abc import Iterator
from itertools import islice

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_loader import sampling
from reference_loader.sampling import (
    Sequential,
    Shuffled,
    pass_over_permutation,
    permutation,
    shuffled,
)
from reference_loader.seeding import draw_seed


def seeded(seed: int = 42) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def next_draws(generator: torch.Generator) -> list[int]:
    return torch.randint(1000, (5,), generator=generator).tolist()


def epoch(generator: torch.Generator) -> list[int]:
    draw_seed(generator)
    return list(shuffled(10, generator))


@pytest.fixture
def default_generator() -> Iterator[torch.Generator]:
    state = torch.get_rng_state()
    torch.manual_seed(42)
    yield torch.default_generator
    torch.set_rng_state(state)


def test_two_epochs_of_seed_42_are_these() -> None:
    generator = seeded()
    assert epoch(generator) == [6, 5, 4, 0, 8, 9, 2, 1, 3, 7]
    assert epoch(generator) == [3, 6, 5, 8, 9, 4, 2, 0, 7, 1]
    assert next_draws(generator) == [186, 822, 577, 519, 707]


def test_two_epochs_of_the_default_generator_are_these(default_generator: torch.Generator) -> None:
    orders = []
    for _ in range(2):
        draw_seed(None)
        orders.append(list(shuffled(10)))
    assert orders == [[8, 0, 9, 1, 4, 5, 6, 3, 2, 7], [4, 6, 9, 3, 7, 5, 2, 0, 1, 8]]
    assert next_draws(default_generator) == [950, 113, 378, 14, 210]


def test_nothing_is_drawn_before_the_first_index_is_asked_for() -> None:
    generator = seeded()
    before = generator.get_state()
    shuffled(10, generator)
    assert generator.get_state().equal(before)


def test_an_order_read_to_its_end_draws_two_permutations_and_one_left_early_draws_one() -> None:
    generator, control = seeded(), seeded()
    list(islice(shuffled(10, generator), 10))
    torch.randperm(10, generator=control)
    assert generator.get_state().equal(control.get_state())
    list(shuffled(10, generator))
    torch.randperm(10, generator=control)
    torch.randperm(10, generator=control)
    assert generator.get_state().equal(control.get_state())


def test_a_generator_of_ones_own_leaves_the_default_one_alone(
    default_generator: torch.Generator,
) -> None:
    before = default_generator.get_state()
    list(shuffled(10, seeded()))
    assert default_generator.get_state().equal(before)


@pytest.mark.parametrize("kind", [Sequential, Shuffled])
def test_an_order_follows_the_length_of_its_source(kind: type[Sequential | Shuffled]) -> None:
    source: list[int] = []
    order = kind(source)
    assert (len(order), list(order)) == (0, [])
    source += [7, 7, 7]
    assert (len(order), sorted(order)) == (3, [0, 1, 2])


def test_a_default_device_set_by_the_user_does_not_reach_the_order() -> None:
    expected = list(shuffled(10, seeded()))
    with torch.device("meta"):
        assert list(shuffled(10, seeded())) == expected


def states_after(size: int, seed: int) -> list[torch.Tensor]:
    """Return the generator's state after torch's permutation, after ours, and after none."""
    ours, theirs, none = seeded(seed), seeded(seed), seeded(seed)
    expected = torch.randperm(size, generator=theirs)
    assert permutation(size, ours).tolist() == expected.tolist()
    pass_over_permutation(size, none)
    return [each.get_state() for each in (theirs, ours, none)]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(size=st.integers(0, 3000), seed=st.integers(0, 2**32))
def test_a_permutation_is_torchs_and_is_passed_over_as_if_it_were_made(
    size: int, seed: int
) -> None:
    """The order, and the generator after it or after passing over it, equal torch's."""
    theirs, ours, none = states_after(size, seed)
    assert ours.equal(theirs)
    assert none.equal(theirs)


@pytest.mark.parametrize("size", [0, 1, 2, 624, 625, 65_537, 300_001])
def test_sizes_at_the_edges_of_a_generators_state_and_of_buffers(size: int) -> None:
    theirs, ours, none = states_after(size, 5)
    assert ours.equal(theirs)
    assert none.equal(theirs)


def test_longer_permutations_are_made_as_torch_makes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the length up to which the draws are known, nothing is taken for granted."""
    monkeypatch.setattr(sampling, "_TWO_WORDS", 10)
    monkeypatch.setattr(sampling, "pass_over", None)
    theirs, ours, none = states_after(10, 5)
    assert ours.equal(theirs)
    assert none.equal(theirs)
    assert permutation(10, seeded()).dtype is torch.int64
    assert permutation(9, seeded()).dtype is torch.int32
