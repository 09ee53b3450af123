"""Rows in order are copied as a slice; a range that a user gives is as good as a list."""

from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader as TorchDataLoader
from torch.utils.data import Subset, TensorDataset

from reference_loader import DataLoader, room, tables
from tests.reference_loader.comparing import collapsed, steps

ROWS = 7
RANGES = {
    "in order": [range(3), range(3, 7)],
    "backwards": [range(6, 2, -1)],
    "with gaps": [range(0, 7, 3)],
    "from the end": [range(-2, 2), range(-3, -1)],
    "beyond the end": [range(5, 9), range(2)],
    "far beyond it": [range(2**40), range(2)],
    "beyond any number of rows": [range(2**65, 2**65 + 3), range(2)],
}


@pytest.mark.parametrize("kind", RANGES)
@pytest.mark.parametrize("subset", [False, True])
@pytest.mark.parametrize("width", [3, room.LARGE // 4])
def test_a_batch_may_be_a_range_of_the_users(kind: str, subset: bool, width: int) -> None:
    table = TensorDataset(torch.arange(ROWS), torch.rand(ROWS, width))
    dataset: Any = Subset(table, [3, 1, 4, 0, 5, 2, 6]) if subset else table
    arguments = {"dataset": dataset, "batch_sampler": RANGES[kind]}
    expected = collapsed(steps(TorchDataLoader, None, **arguments))
    assert collapsed(steps(DataLoader, None, **arguments)) == expected


def test_an_empty_range_is_an_empty_batch() -> None:
    with pytest.raises(ValueError, match="needs at least 1 sample, got 0"):
        next(iter(DataLoader(TensorDataset(torch.arange(5)), batch_sampler=[range(3, 3)])))


@pytest.mark.parametrize("width", [1, room.LARGE // 4, room.PAGES // 4])
@pytest.mark.parametrize("threads", [1, 2])
def test_rows_in_order_are_not_looked_up_one_by_one(
    width: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    table = torch.arange(4.0).view(4, 1).repeat(1, width)
    for name in ("default_collate", "int64_of"):  # nor the last batch, a shorter one
        monkeypatch.setattr(tables, name, None)
    batches = list(DataLoader(TensorDataset(table), 3))
    assert [[row[0].item() for row in rows] for (rows,) in batches] == [[0, 1, 2], [3]]
    assert all(rows.stride() == (width, 1) for (rows,) in batches)
