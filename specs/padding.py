"""Sequences of different lengths in one batch: what fails without padding, and what pads them.

D1's and D2's own padding functions are judged through the loader, on random lengths; then the
padding collate that a loader's library may offer as `pad_collate`: a factory with the keywords
`batch_first`, `padding_value`, `sort` and `returns`.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from hypothesis import strategies as st
from torch.nn.utils.rnn import pad_sequence

from conformance import LoaderRequest, Samples, Subject, epoch, given, requirement

PAD_SEQUENCE = "https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.rnn.pad_sequence.html"
PACK_PADDED = (
    "https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.rnn.pack_padded_sequence.html"
)
ATTENTION = "https://docs.pytorch.org/docs/stable/generated/torch.nn.MultiheadAttention.html"

Honest = Callable[[LoaderRequest], Any]

lengths_of_samples = st.lists(st.integers(1, 6), min_size=1, max_size=12)
batch_sizes = st.integers(1, 5)


def sequences(lengths: list[int]) -> list[list[list[int]]]:
    """Return a sequence of two features for each length, the one at n holding nothing but n + 1."""
    return [[[n + 1, n + 1]] * length for n, length in enumerate(lengths)]


def tensors(lengths: list[int]) -> Samples:
    """Return the sequences as a dataset of tensors."""
    return Samples([torch.tensor(sequence) for sequence in sequences(lengths)])


def groups(items: list[Any], batch_size: int) -> list[list[Any]]:
    """Return the items of each batch, the last one short if need be."""
    return [items[start : start + batch_size] for start in range(0, len(items), batch_size)]


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


def pad_as_in_d1(samples: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Collate as D1 does."""
    samples.sort(key=len, reverse=True)
    lengths = torch.tensor([len(sample) for sample in samples])
    return pad_sequence(samples, batch_first=True), lengths


def pad_as_in_d2(batch: list[tuple[list[int], int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Collate as D2 does."""
    texts, labels = zip(*batch, strict=True)
    max_len = max(len(t) for t in texts)
    padded = [t + [0] * (max_len - len(t)) for t in texts]
    return torch.tensor(padded), torch.tensor(labels)


@requirement(claims=["D1-034", "D2-039"])
def tensors_of_different_lengths_need_a_collate_fn(subject: Subject) -> None:
    """Without a collate_fn a loader MUST raise RuntimeError for a batch of different lengths.

    Padding or cutting by guess would train on data nobody asked for. Alone in its batch each of
    them fits: it is their being different that fails (D1 §collate_fn, "indispensable", put right).
    """
    with subject.open(tensors([3, 5, 2])) as loader:
        alone = epoch(loader)
    try:
        with subject.open(tensors([3, 5, 2]), batch_size=3) as loader:
            together = epoch(loader)
    except RuntimeError:
        together = ["RuntimeError"]
    assert (alone, together) == ([[s] for s in sequences([3, 5, 2])], ["RuntimeError"])


@tensors_of_different_lengths_need_a_collate_fn.mutant_loader
def pads_without_being_asked(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(collate_fn=lambda samples: pad_sequence(samples, batch_first=True)))


@tensors_of_different_lengths_need_a_collate_fn.mutant_loader
def delivers_a_list_instead(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(collate_fn=lambda s: torch.stack(s) if len(s) == 1 else s))


@tensors_of_different_lengths_need_a_collate_fn.mutant
def cannot_take_single_ones(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    for batch in batches:
        yield batch.squeeze(0)


@requirement(claims=["D1-030", "D1-031", "D1-032", "D1-033", "D1-035", "D1-037"])
@given(lengths=lengths_of_samples, batch_size=batch_sizes)
def a_sorting_collate_fn_pads_each_batch_by_itself(
    subject: Subject, lengths: list[int], batch_size: int
) -> None:
    """With D1's collate_fn a loader MUST deliver (batch, longest, features) padded with 0 behind.

    Longest first and with the true lengths beside it is what pack_padded_sequence takes; a row at
    another place than its length makes a network read padding as data.
    """
    with subject.open(tensors(lengths), batch_size=batch_size, collate_fn=pad_as_in_d1) as loader:
        delivered = epoch(loader)
    batches = [longest_first(group) for group in groups(sequences(lengths), batch_size)]
    assert delivered == [(filled(batch, [0, 0]), [len(s) for s in batch]) for batch in batches]


@a_sorting_collate_fn_pads_each_batch_by_itself.mutant_loader
def hands_over_what_cannot_be_sorted(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(collate_fn=lambda samples: pad_as_in_d1(tuple(samples))))


@a_sorting_collate_fn_pads_each_batch_by_itself.mutant
def pads_in_front(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    for padded, lengths in batches:
        shifts = [padded.shape[1] - n for n in lengths.tolist()]
        yield torch.stack([s.roll(n, 0) for s, n in zip(padded, shifts, strict=True)]), lengths


@a_sorting_collate_fn_pads_each_batch_by_itself.mutant
def pads_with_1(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    for padded, lengths in batches:
        yield padded.masked_fill(padded == 0, 1), lengths


@a_sorting_collate_fn_pads_each_batch_by_itself.mutant
def reports_the_padded_length(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    for padded, lengths in batches:
        yield padded, torch.full_like(lengths, padded.shape[1])


@a_sorting_collate_fn_pads_each_batch_by_itself.mutant
def pads_to_the_longest_of_all(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    longest = max(len(sample) for sample in request.dataset.samples)
    for padded, lengths in batches:
        yield torch.nn.functional.pad(padded, (0, 0, 0, longest - padded.shape[1])), lengths


@requirement(claims=["D2-044", "D2-045"])
@given(lengths=lengths_of_samples, batch_size=batch_sizes)
def padded_texts_stay_in_order_beside_their_labels(
    subject: Subject, lengths: list[int], batch_size: int
) -> None:
    """With D2's collate_fn a loader MUST deliver texts padded with 0, in order, and their labels.

    Nobody sorts here, so the n-th row belongs to the n-th label; a loader that sorts by length for
    the user's good teaches the wrong labels.
    """
    samples = [([n + 1] * length, n + 1) for n, length in enumerate(lengths)]
    with subject.open(Samples(samples), batch_size=batch_size, collate_fn=pad_as_in_d2) as loader:
        delivered = epoch(loader)
    batches = groups(samples, batch_size)
    assert delivered == [
        (filled([text for text, _ in batch], 0), [label for _, label in batch]) for batch in batches
    ]


@padded_texts_stay_in_order_beside_their_labels.mutant
def sorts_the_texts_only(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    for padded, labels in batches:
        yield padded[(padded != 0).sum(1).argsort(descending=True, stable=True)], labels


@padded_texts_stay_in_order_beside_their_labels.mutant
def cuts_to_the_shortest(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    for padded, labels in batches:
        yield padded[:, : int((padded != 0).sum(1).min())], labels


@padded_texts_stay_in_order_beside_their_labels.mutant_loader
def batches_similar_lengths(request: LoaderRequest, honest: Honest) -> Any:
    samples = sorted(request.dataset.samples, key=lambda sample: len(sample[0]))
    return honest(request.but(dataset=Samples(samples)))


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
    for batch in groups(sequences(lengths), batch_size):
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
    batches = [longest_first(group) for group in groups(sequences(lengths), batch_size)]
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
    for group in groups(lengths, batch_size):
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
