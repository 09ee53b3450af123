"""Sequences of different lengths in one batch: what fails without padding, and what pads them.

The padding functions of both documents are judged through the loader, on random lengths.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from hypothesis import strategies as st
from torch.nn.utils.rnn import pad_sequence

from conformance import Honest, LoaderRequest, Samples, Subject, cut, epoch, given, requirement

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


@requirement(claims=["D1-034", "D2-039", "D1-039"])
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
    batches = [longest_first(group) for group in cut(sequences(lengths), batch_size)]
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
    batches = cut(samples, batch_size)
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
