"""Whole batches out of the tensors of a `TensorDataset`, without its samples one by one.

Sample i of it is row i of each tensor, and collating stacks rows: what comes of both is a row
selection, which torch makes in one call for each tensor. Where that is not known to be the same,
the samples are fetched and collated as those of any other dataset.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Subset, TensorDataset

from reference_loader.collation import default_collate
from reference_loader.exactly import is_exactly
from reference_loader.fetching import fetcher
from reference_loader.numbers import int64_of
from reference_loader.room import LARGE, PAGES, place

Load = Callable[[Any], Any]


def loads_rows(dataset: Any) -> Load | None:
    """Return what fetches and collates a batch of `dataset` by default; None if it is no table.

    `dataset` has to be exactly a `TensorDataset`, or a `Subset` of one, by any number of steps. The
    function returned takes the keys of a batch, also as a tensor or a range. All that is out of the
    ordinary goes one by one: keys that are no ints, count from the end, or do not exist, and
    tensors whose rows are not just copied.
    """
    whole = dataset
    subsets: list[Subset[Any]] = []
    while is_exactly(dataset, Subset):
        subsets.append(dataset)
        dataset = dataset.dataset
    if not is_exactly(dataset, TensorDataset):
        return None
    table: TensorDataset = dataset
    tensors = table.tensors
    if not tensors or not all(map(_is_plain, tensors)):
        return None

    fetch = fetcher(whole, batched=True, drop_last=False)
    height = len(tensors[0])
    widest = max(tensor.nbytes // max(len(tensor), 1) for tensor in tensors)  # bytes of a row
    usual = True

    def load(keys: Any) -> Any:
        nonlocal usual
        rows = _rows(keys, subsets, height) if usual else None
        if rows is not None and table.tensors is tensors:
            batch = _selected(tensors, rows, widest)
            if batch is not None:
                return batch
            usual = False  # what was out of the ordinary once will be so again in this epoch
        return default_collate(fetch(keys.tolist() if isinstance(keys, Tensor) else keys))

    return load


def as_it_is(batch: Any) -> Any:
    """Return what is a batch already: the `collate_fn` beside `loads_rows`."""
    return batch


def _is_plain(tensor: Tensor) -> bool:
    """Tell whether rows of `tensor` are stacked by copying them, nothing else."""
    return (
        type(tensor) is Tensor
        and tensor.layout is torch.strided
        and tensor.device.type == "cpu"
        and tensor.dim() > 0
        and not tensor.is_quantized
        and not tensor.is_nested
        and not tensor.is_conj()
        and not tensor.is_neg()
    )


def _rows(keys: Any, subsets: list[Subset[Any]], height: int) -> Tensor | range | None:
    """Return the row of the table for each key, or None where that takes a closer look.

    `height` is how many rows the table has. A range is returned of rows that follow one another.
    """
    if not subsets and isinstance(keys, Tensor):
        return keys
    if not subsets and isinstance(keys, range):  # a user's may be of any kind
        return keys if keys.step == 1 and 0 <= keys.start < keys.stop <= height else None
    rows = keys.tolist() if isinstance(keys, Tensor) else keys
    if type(rows) not in (list, tuple, range):
        return None  # it may be one that can be read only once
    for subset in subsets:
        indices = subset.indices
        # A sequence of the user's own may count how often it is asked.
        if type(indices) not in (list, tuple, range):
            return None
        if not isinstance(rows, range) and set(map(type, rows)) != {int}:
            return None
        try:
            rows = [indices[row] for row in rows]
        except IndexError:
            return None
    return int64_of(rows)


def _selected(
    tensors: tuple[Tensor, ...], rows: Tensor | range, widest: int
) -> list[Tensor] | None:
    """Return the rows of each tensor; None if one of them does not exist or is more than values.

    `widest` tells whether it is worth while to ask for a place; most often it is not.
    """
    # len() of a tensor takes ten times as long
    count = len(rows) if isinstance(rows, range) else rows.numel()
    size = count * widest
    # One thread copies a slice faster than it selects, while that fits its cache; several select.
    if isinstance(rows, range) and size >= (LARGE if torch.get_num_threads() > 1 else PAGES):
        rows = torch.arange(rows.start, rows.stop, device="cpu")
    batch = []
    for tensor in tensors:
        # Stacking remembers where a gradient is to go, and keeps some memory formats.
        if tensor.requires_grad or not tensor.is_contiguous():
            return None
        try:
            out = place((count, *tensor.shape[1:]), tensor.dtype) if size >= LARGE else None
            if isinstance(rows, range):
                batch.append(torch.narrow_copy(tensor, 0, rows.start, count, out=out))
            else:
                batch.append(torch.index_select(tensor, 0, rows, out=out))
        except (IndexError, RuntimeError):  # the samples themselves say what is wrong
            return None
    return batch
