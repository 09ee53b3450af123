"""Seeds, against numbers that were written down once."""

import torch

from reference_loader.seeding import draw_seed, private_generator


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
