"""The padding collate that a loader's library may offer as `pad_collate`.

It is a factory with the keywords `batch_first`, `padding_value`, `sort` and `returns`, which is
"lengths" or "mask"; what it makes is judged as the `collate_fn` of the loader.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from hypothesis import strategies as st

from conformance import Honest, LoaderRequest, Samples, Subject, cut, epoch, given, requirement

PAD_SEQUENCE = "https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.rnn.pad_sequence.html"
PACK_PADDED = (
    "https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.rnn.pack_padded_sequence.html"
)
ATTENTION = "https://docs.pytorch.org/docs/stable/generated/torch.nn.MultiheadAttention.html"


lengths_of_samples = st.lists(st.integers(1, 6), min_size=1, max_size=12)
batch_sizes = st.integers(1, 5)


def sequences(lengths: list[int]) -> list[list[list[int]]]:
    """Return a sequence of two features for each length, the one at n holding nothing but n + 1."""
    return [[[n + 1, n + 1]] * length for n, length in enumerate(lengths)]


def tensors(lengths: list[int]) -> Samples:
    """Return the sequences as a dataset of tensors."""
    return Samples([torch.tensor(sequence) for sequence in sequences(lengths)])


def longest_first(group: list[Any]) -> list[Any]:
    """Return the sequences by falling length, equal ones in their order."""
    return sorted(group, key=lambda sequence: -len(sequence))


def filled(group: list[Any], padding: Any) -> list[Any]:
    """Return the sequences, each followed by as much padding as the longest of them needs."""
    longest = max(map(len, group))
    return [sequence + [padding] * (longest - len(sequence)) for sequence in group]


def field(batch: Any, place: int) -> Any:
    """Return one of the two fields of a batch, or whatever came in their place."""
    return batch[place] if isinstance(batch, tuple | list) and len(batch) == 2 else batch


@requirement(evidence=[PAD_SEQUENCE])
@given(
    lengths=lengths_of_samples,
    batch_size=batch_sizes,
    batch_first=st.booleans(),
    padding=st.integers(-2, 2),
)
def an_offered_pad_collate_pads_behind_each_sequence(
    subject: Subject, lengths: list[int], batch_size: int, batch_first: bool, padding: int
) -> None:
    """Where a library offers a padding collate it MUST keep each sequence and fill up behind it.

    It takes the place of a function that users write themselves, so it has to agree with
    pad_sequence on layout, padding value and place, and to report the lengths before padding.
    """
    pad_collate = subject.offer("pad_collate")
    collate_fn = pad_collate(batch_first=batch_first, padding_value=padding, sort=False)
    with subject.open(tensors(lengths), batch_size=batch_size, collate_fn=collate_fn) as loader:
        delivered = epoch(loader)
    expected = []
    for batch in cut(sequences(lengths), batch_size):
        rows = filled(batch, [padding, padding])
        steps = [list(step) for step in zip(*rows, strict=True)]
        expected.append((rows if batch_first else steps, [len(sequence) for sequence in batch]))
    assert delivered == expected


@an_offered_pad_collate_pads_behind_each_sequence.mutant
def has_the_other_layout(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    for padded, lengths in batches:
        yield padded.transpose(0, 1), lengths


@an_offered_pad_collate_pads_behind_each_sequence.mutant
def pads_with_nothing_below_0(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    for padded, lengths in batches:
        yield padded.clamp(min=0), lengths


@an_offered_pad_collate_pads_behind_each_sequence.mutant
def gives_every_length_as_the_longest(
    request: LoaderRequest, batches: Iterable[Any]
) -> Iterator[Any]:
    for padded, lengths in batches:
        yield padded, torch.full_like(lengths, int(lengths.max()))


@requirement(evidence=[PACK_PADDED])
@given(lengths=lengths_of_samples, batch_size=batch_sizes)
def an_offered_pad_collate_sorts_when_asked(
    subject: Subject, lengths: list[int], batch_size: int
) -> None:
    """Where a padding collate sorts, it MUST put longer sequences first and keep equals in order.

    pack_padded_sequence refuses any other order by default, and one that moves equals about makes
    results depend on the sorting algorithm.
    """
    collate_fn = subject.offer("pad_collate")(batch_first=True, sort=True)
    with subject.open(tensors(lengths), batch_size=batch_size, collate_fn=collate_fn) as loader:
        delivered = epoch(loader)
    batches = [longest_first(group) for group in cut(sequences(lengths), batch_size)]
    assert delivered == [(filled(batch, [0, 0]), [len(s) for s in batch]) for batch in batches]


@an_offered_pad_collate_sorts_when_asked.mutant_loader
def moves_equals_about(request: LoaderRequest, honest: Honest) -> Any:
    collate_fn = request.collate_fn or list
    return honest(request.but(collate_fn=lambda samples: collate_fn(samples[::-1])))


@an_offered_pad_collate_sorts_when_asked.mutant
def puts_the_shortest_first(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    for padded, lengths in batches:
        yield padded.flip(0), lengths.flip(0)


@an_offered_pad_collate_sorts_when_asked.mutant
def sorts_the_lengths_only(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    for padded, lengths in batches:
        yield padded[padded[:, 0, 0].argsort()], lengths


@requirement(evidence=[ATTENTION])
@given(lengths=lengths_of_samples, batch_size=batch_sizes, batch_first=st.booleans())
def an_offered_pad_collate_tells_data_from_padding(
    subject: Subject, lengths: list[int], batch_size: int, batch_first: bool
) -> None:
    """Where a padding collate returns a mask, it MUST be True at data and False at padding.

    Padding cannot be told by its value where data may hold the same; attention over a wrong mask
    learns from padding and shows no error.
    """
    collate_fn = subject.offer("pad_collate")(batch_first=batch_first, sort=False, returns="mask")
    with subject.open(tensors(lengths), batch_size=batch_size, collate_fn=collate_fn) as loader:
        delivered = epoch(loader)
    masks = [field(batch, 1) for batch in delivered]
    expected = []
    for group in cut(lengths, batch_size):
        rows = filled([[True] * length for length in group], False)
        expected.append(rows if batch_first else [list(step) for step in zip(*rows, strict=True)])
    assert masks == expected


@an_offered_pad_collate_tells_data_from_padding.mutant
def has_it_the_other_way_round(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    for padded, mask in batches:
        yield padded, ~mask


@an_offered_pad_collate_tells_data_from_padding.mutant
def masks_batch_first_only(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    for padded, mask in batches:
        yield padded, mask if bool(mask[:, 0].all()) else mask.T


@requirement(evidence=[PAD_SEQUENCE])
@given(dtype=st.sampled_from(["uint8", "int64", "float16", "float32", "float64"]))
def an_offered_pad_collate_keeps_the_dtype(subject: Subject, dtype: str) -> None:
    """Where a library offers a padding collate it MUST deliver the dtype of the samples.

    An embedding takes whole numbers only, and a batch gone from float32 to float64 fails at the
    first layer or doubles the memory.
    """
    collate_fn = subject.offer("pad_collate")(batch_first=True)
    samples = [torch.ones(length, dtype=getattr(torch, dtype)) for length in (1, 3)]
    with subject.open(Samples(samples), batch_size=2, collate_fn=collate_fn) as loader:
        padded = [field(batch, 0) for batch in loader]
    dtypes = [str(getattr(tensor, "dtype", None)) for tensor in padded]
    assert dtypes == [f"torch.{dtype}"]


@an_offered_pad_collate_keeps_the_dtype.mutant
def has_floats_for_ints(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    for padded, lengths in batches:
        yield padded if padded.is_floating_point() else padded.float(), lengths


@an_offered_pad_collate_keeps_the_dtype.mutant
def has_one_kind_of_float(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    for padded, lengths in batches:
        yield padded.float() if padded.is_floating_point() else padded, lengths
