"""Batches of sequences of different lengths: padded, with what tells data from padding.

The default collation cannot stack such samples; padding them to the longest of their batch is the
remedy that D1 collate_fn and D2's second §1 describe.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence


@dataclass(frozen=True)
class PadCollate:
    """A `collate_fn` for samples of shape (length, *features), which differ in length only.

    Samples are tensors, or anything that `torch.as_tensor` takes, such as lists of ints. The call
    returns a pair. First the padded batch, of the samples' dtype and the shape (batch, longest,
    *features), or (longest, batch, *features) with `batch_first=False`; every sequence starts at 0
    and is followed by `padding_value`. Second, as `returns` says, the "lengths", int64 of shape
    (batch,), or a bool "mask" of the first two dimensions of the batch, True where there is data.

    With `sort` the longest sequence comes first, and equally long ones keep their order, as
    `torch.nn.utils.rnn.pack_padded_sequence` wants it by default.

    Raises ValueError for an empty batch, for samples that are scalars or differ in their features,
    and for a fractional padding value in whole numbers; TypeError for samples of several dtypes.
    """

    batch_first: bool = True
    padding_value: float = 0.0
    sort: bool = True
    returns: Literal["lengths", "mask"] = "lengths"

    def __post_init__(self) -> None:
        if self.returns not in ("lengths", "mask"):
            raise ValueError(
                f"returns must be 'lengths' or 'mask', got {self.returns!r}; "
                "use returns='lengths' for what pack_padded_sequence takes"
            )

    def __call__(self, samples: Sequence[Any]) -> tuple[Tensor, Tensor]:
        """Pad the samples of one batch."""
        sequences = _of_one_dtype(_tensors(samples))
        lengths = _lengths(sequences)
        self._check_padding(sequences[0].dtype)
        if self.sort:  # a stable sort
            order = sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True)
            sequences = [sequences[place] for place in order]
            lengths = [lengths[place] for place in order]
        padded = pad_sequence(sequences, self.batch_first, self.padding_value)
        ends = torch.tensor(lengths)
        return padded, ends if self.returns == "lengths" else self._mask(ends)

    def _check_padding(self, dtype: torch.dtype) -> None:
        whole = float(self.padding_value).is_integer()
        if not whole and not (dtype.is_floating_point or dtype.is_complex):
            raise ValueError(
                f"padding_value must be whole for samples of {dtype}, got {self.padding_value}; "
                "use a whole number or samples of a floating point dtype"
            )

    def _mask(self, lengths: Tensor) -> Tensor:
        places = torch.arange(int(lengths.max()))
        mask = places < lengths.unsqueeze(1)
        return mask if self.batch_first else mask.T


pad_collate = PadCollate()


def _tensors(samples: Sequence[Any]) -> list[Tensor]:
    if not len(samples):
        raise ValueError("a batch must hold at least 1 sample, got 0; leave out empty batches")
    if all(type(sample) is Tensor for sample in samples):
        return list(samples)
    return [torch.as_tensor(sample) for sample in samples]


def _lengths(sequences: Sequence[Tensor]) -> list[int]:
    """Return how long each is; raise ValueError where they differ in anything else."""
    shapes = [sequence.shape for sequence in sequences]
    features = shapes[0][1:]
    for place, shape in enumerate(shapes):
        if not shape:
            raise ValueError(
                f"samples must have a length to be padded, got a scalar as sample {place}; "
                "use default_collate for numbers"
            )
        if shape[1:] != features:
            raise ValueError(
                "samples may differ in their first dimension only, "
                f"got shapes {tuple(shapes[0])} (sample 0) and {tuple(shape)} (sample {place}); "
                "make the other dimensions equal"
            )
    return [shape[0] for shape in shapes]


def _of_one_dtype(sequences: list[Tensor]) -> list[Tensor]:
    first = sequences[0].dtype
    if all(sequence.dtype is first for sequence in sequences):
        return sequences
    # An empty list becomes a float tensor, which says nothing about the batch.
    dtypes = {sequence.dtype: None for sequence in sequences if sequence.numel()}
    if len(dtypes) > 1:
        raise TypeError(
            f"samples must have one dtype, got {', '.join(map(str, dtypes))}; "
            "convert them in the dataset"
        )
    dtype = next(iter(dtypes), first)
    return [sequence.to(dtype) for sequence in sequences]
