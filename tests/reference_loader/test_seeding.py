"""Seeds, against numbers that were written down once."""

import random

import numpy as np
import pytest
import torch
from torch.utils.data._utils import worker as torch_worker

from reference_loader.seeding import BUFFER, draw_seed, pass_over, private_generator, seed_process


def test_the_first_seed_of_42_is_this() -> None:
    assert draw_seed(torch.Generator().manual_seed(42)) == 6909045637428952499


def test_without_a_generator_the_default_one_is_drawn_from() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(42)
        assert draw_seed(None) == 6909045637428952499


def test_a_default_device_set_by_the_user_does_not_matter() -> None:
    with torch.device("meta"):
        assert draw_seed(torch.Generator().manual_seed(42)) == 6909045637428952499


def test_a_private_generator_is_like_any_other_of_its_seed() -> None:
    expected = torch.Generator().manual_seed(3).get_state()
    assert private_generator(3).get_state().equal(expected)


def _numbers() -> tuple[float, float, float]:
    return random.random(), float(torch.rand(())), float(np.random.rand())


@pytest.mark.parametrize("base_seed", [0, 1, 2**32 - 1, 2**32, 2**63 - 1, 6909045637428952499])
@pytest.mark.parametrize("worker", [0, 1, 63])
def test_a_worker_is_seeded_as_torch_seeds_it(base_seed: int, worker: int) -> None:
    states = random.getstate(), np.random.get_state()
    with torch.random.fork_rng():
        seed = seed_process(base_seed, worker)
        drawn = _numbers()
        random.seed(base_seed + worker)
        torch.manual_seed(base_seed + worker)
        np.random.seed(torch_worker._generate_state(base_seed, worker))  # type: ignore[no-untyped-call]
        expected = _numbers()
    random.setstate(states[0])
    np.random.set_state(states[1])
    assert seed == base_seed + worker
    assert drawn == expected


@pytest.mark.parametrize("used", [0, 1, 623, 624])
@pytest.mark.parametrize(
    "words", [0, 1, 2, 3, 623, 624, 625, 1249, 2 * BUFFER, 2 * BUFFER + 1, 6 * BUFFER - 1]
)
def test_passing_over_words_is_like_drawing_them(words: int, used: int) -> None:
    generator, control = (torch.Generator().manual_seed(used) for _ in range(2))
    for each in (generator, control):
        torch.empty(used, dtype=torch.int32).random_(generator=each)
    pass_over(words, generator)
    torch.empty(words, dtype=torch.int32).random_(generator=control)
    assert generator.get_state().equal(control.get_state())
