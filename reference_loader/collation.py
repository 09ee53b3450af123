"""From samples to a batch: the default `collate_fn` with batching, and the one without.

Which rule applies is decided by the first sample alone, by the table `_RULES`. Results and their
types are those of torch's default collation, except where that would lose or change data without a
word: there is an error instead, or the right result. Each such place says so.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reference_loader.containers import is_namedtuple, mapping_like, sequence_like
from reference_loader.numbers import WORTHWHILE, float64_of, int64_of
from reference_loader.room import stacked

Rule = Callable[[Sequence[Any]], Any]


def default_collate(batch: Sequence[Any]) -> Any:
    """Make one batch of a list of samples (D1 collate_fn, D2's second §1).

    - tensors and arrays of one shape S: a tensor of shape (n, *S), dtype kept
    - floats: float64 of shape (n,); bools: bool; ints: int64; numpy's numbers: their dtype
    - str and bytes: the list as it is
    - mappings: a mapping of the same type, each value collated; every sample needs the same keys
    - named tuples, lists and other sequences: the same type, each place collated; tuples: a list

    Raises RuntimeError for samples of different shapes or lengths and for sparse or nested tensors,
    KeyError for mappings whose keys differ, TypeError for anything else that cannot be put into a
    tensor without a loss, ValueError for an empty batch or an int beyond 64 bits.
    """
    # Nearly always it is a list, and asking an abstract class takes longer than collating a number.
    if type(batch) is not list and not isinstance(batch, Sequence):
        raise TypeError(
            f"default_collate needs a list of samples, got {_name(batch)}; "
            "give a collate_fn for what this dataset's __getitems__ returns"
        )
    if len(batch) == 0:
        raise ValueError(
            "default_collate needs at least 1 sample, got 0; let the batch_sampler leave out "
            "empty batches"
        )
    return _collate(batch)


def default_convert(sample: Any) -> Any:
    """Turn the arrays in one sample into tensors that share their memory; keep all the rest.

    This stands in for collation where batching is off. Mappings and sequences are rebuilt with
    their type, a tuple becomes a list as it does in a batch. Arrays that a tensor cannot represent
    (text, dates, objects, masked ones) stay arrays. Raises ValueError for an array whose strides
    are negative or whose bytes are in foreign order.
    """
    if isinstance(sample, np.ndarray | np.generic):
        representable = _is_numeric(sample) and not isinstance(sample, np.ma.MaskedArray)
        return torch.as_tensor(sample) if representable else sample
    if isinstance(sample, Tensor | str | bytes):
        return sample
    if isinstance(sample, Mapping):
        return mapping_like(sample, {key: default_convert(item) for key, item in sample.items()})
    if isinstance(sample, Sequence):
        return _sequence_of(sample, [default_convert(item) for item in sample])
    return sample


def _collate(batch: Sequence[Any]) -> Any:
    kind: Any = type(batch[0])
    return _rule_for(kind)(batch)


def _tensors(batch: Sequence[Any]) -> Tensor:
    if batch[0].layout is not torch.strided or batch[0].is_nested:
        raise RuntimeError(
            f"default_collate needs dense tensors, got layout {batch[0].layout}; "
            "convert them in the dataset or give a collate_fn"
        )
    try:
        return stacked(batch)
    except RuntimeError as error:
        shapes = list(dict.fromkeys(tuple(tensor.shape) for tensor in batch))
        if len(shapes) == 1:
            raise
        raise RuntimeError(
            f"default_collate needs tensors of one shape, got {', '.join(map(str, shapes))}; "
            "give a collate_fn that pads them, such as pad_collate"
        ) from error


def _arrays(batch: Sequence[Any]) -> Tensor:
    # torch would take a masked array and forget its mask.
    if any(issubclass(kind, np.ma.MaskedArray) for kind in set(map(type, batch))):
        raise TypeError(
            "default_collate needs arrays without a mask, got MaskedArray; "
            "return array.filled(value), or data and mask apart"
        )
    try:
        return _tensors([torch.as_tensor(array) for array in batch])
    except TypeError as error:
        dtypes = dict.fromkeys(str(getattr(array, "dtype", _name(array))) for array in batch)
        raise TypeError(
            f"default_collate needs numeric arrays, got dtype {', '.join(dtypes)}; "
            "return a list of the elements or give a collate_fn"
        ) from error


def _numbers(batch: Sequence[Any]) -> Tensor:
    try:
        return torch.as_tensor(batch)
    except (TypeError, RuntimeError) as error:
        raise _not_all_numbers(batch) from error


def _integers(batch: Sequence[Any]) -> Tensor:
    known = int64_of(batch) if len(batch) >= WORTHWHILE else None
    return _numbers(batch) if known is None else _owned(known)


def _owned(known: Tensor) -> Tensor:
    # On the device that the user may have made the default one, and in memory that can be resized,
    # as that of any batch and not that of an array.
    return torch.as_tensor(known).clone()


def _floats(batch: Sequence[Any]) -> Tensor:
    # Python's float has 64 bits, whatever the default dtype is.
    known = float64_of(batch) if len(batch) >= WORTHWHILE else None
    if known is not None:
        return _owned(known)
    try:
        return torch.tensor(batch, dtype=torch.float64)
    except (TypeError, RuntimeError) as error:
        raise _not_all_numbers(batch) from error


def _unchanged(batch: Sequence[Any]) -> Any:
    return batch


# A check of every sample costs as much as the batch itself if it is written out, so the ones below
# count in one go what is usual, and look closer only where something is not.


def _mappings(batch: Sequence[Any]) -> Any:
    _require_kind(Mapping, batch)
    first = batch[0]
    invents_values = any(hasattr(kind, "__missing__") for kind in set(map(type, batch)))
    if invents_values or len(set(map(len, batch))) > 1:
        _require_same_keys(batch)
    try:
        columns = {key: [sample[key] for sample in batch] for key in first}
    except KeyError:
        _require_same_keys(batch)
        raise
    return mapping_like(first, {key: _collate(column) for key, column in columns.items()})


def _sequences(batch: Sequence[Any]) -> Any:
    _require_kind(Sequence, batch)
    first = batch[0]
    if len(set(map(len, batch))) > 1:
        place = next(place for place, sample in enumerate(batch) if len(sample) != len(first))
        raise RuntimeError(
            f"default_collate needs sequences of one length, got {len(first)} (sample 0) and "
            f"{len(batch[place])} (sample {place}); give a collate_fn that pads them"
        )
    return _sequence_of(first, [_collate(column) for column in zip(*batch, strict=True)])


def _sequence_of(model: Sequence[Any], values: list[Any]) -> Any:
    # torch's rule: a tuple stands for a row of fields, and these are handed on in a list.
    if isinstance(model, tuple) and not is_namedtuple(type(model)):
        return values
    return sequence_like(model, values)


_RULES: tuple[tuple[tuple[type, ...], Rule], ...] = (
    ((Tensor,), _tensors),
    ((np.ndarray,), _arrays),
    ((np.bool_, np.number), _numbers),  # before float: np.float64 is one
    ((float,), _floats),
    ((int,), _integers),
    ((str, bytes), _unchanged),
    ((Mapping,), _mappings),
    ((Sequence,), _sequences),
)


@lru_cache(maxsize=256)
def _rule_for(kind: Any) -> Rule:
    for kinds, rule in _RULES:
        if issubclass(kind, kinds):
            return rule
    raise TypeError(
        "default_collate needs tensors, arrays, numbers, str, bytes, mappings or sequences, "
        f"got {kind.__name__}; convert it in the dataset or give a collate_fn"
    )


def _is_numeric(array: "np.ndarray[Any, Any] | np.generic") -> bool:
    return array.dtype.kind in "biufc"


def _not_all_numbers(batch: Sequence[Any]) -> TypeError:
    kinds = ", ".join(dict.fromkeys(map(_name, batch)))
    return TypeError(
        f"default_collate needs numbers of one kind, got {kinds}; "
        "convert them in the dataset or give a collate_fn"
    )


def _require_same_keys(batch: Sequence[Mapping[Any, Any]]) -> None:
    first = batch[0]
    for place, sample in enumerate(batch):
        # torch would drop a key that the first sample lacks.
        if sample.keys() != first.keys():
            raise KeyError(
                "default_collate needs the same keys in every sample, "
                f"got {list(first)} (sample 0) and {list(sample)} (sample {place}); "
                "complete them in the dataset or give a collate_fn"
            )


def _require_kind(kind: type, batch: Sequence[Any]) -> None:
    if len(set(map(type, batch))) == 1:
        return
    for place, sample in enumerate(batch):
        if not isinstance(sample, kind):
            raise TypeError(
                f"default_collate needs samples of one kind, got {_name(batch[0])} (sample 0) and "
                f"{_name(sample)} (sample {place}); convert them in the dataset or give a "
                "collate_fn"
            )


def _name(value: Any) -> str:
    return type(value).__name__
