"""What persistent workers keep, and what of it goes along with a copy."""

import copy

import torch

from reference_loader import DataLoader
from reference_loader.standing import Standing


def test_the_seed_is_drawn_once() -> None:
    generator = torch.Generator().manual_seed(42)
    standing = Standing()
    assert standing.base_seed(generator) == 6909045637428952499
    state = generator.get_state()
    assert standing.base_seed(generator) == 6909045637428952499
    assert generator.get_state().equal(state)


def test_a_copy_has_the_seed_and_no_crew() -> None:
    loader: DataLoader[int] = DataLoader(range(3), None, num_workers=1, persistent_workers=True)
    list(loader)
    assert loader._standing.usable_crew() is not None
    twin = copy.deepcopy(loader)
    assert twin._standing.usable_crew() is None
    assert twin._standing.base_seed(None) == loader._standing.base_seed(None)
    assert list(twin) == [0, 1, 2]
    assert list(loader) == [0, 1, 2]


def test_without_an_epoch_there_is_none_to_end() -> None:
    Standing().end_epoch()
