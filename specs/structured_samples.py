"""The batch of samples with fields: containers kept, one tensor a field, and nothing lost.

Whether the fields of a tuple come in a list or a tuple is left open, and observed.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import torch
from hypothesis import strategies as st
from torch.utils.data import TensorDataset

from conformance import (
    Honest,
    LoaderRequest,
    Samples,
    Subject,
    cut,
    epoch,
    given,
    requirement,
    typed,
)

TORCH_DATA = "https://docs.pytorch.org/docs/stable/data.html"
ISSUES = "https://github.com/pytorch/pytorch/issues"


batch_sizes = st.integers(1, 5)
structures = st.recursive(
    st.integers(0, 9),
    lambda part: st.one_of(
        st.lists(part, min_size=1, max_size=3),
        st.lists(part, min_size=1, max_size=3).map(tuple),
        st.dictionaries(st.sampled_from("abc"), part, min_size=1),
    ),
    max_leaves=6,
)


class Point(NamedTuple):
    """A sample with named fields."""

    x: Any
    y: Any


def leaves_plus(structure: Any, number: int) -> Any:
    """Return a structure of ints with `number` added to each."""
    if isinstance(structure, dict):
        return {key: leaves_plus(part, number) for key, part in structure.items()}
    if isinstance(structure, list | tuple):
        return type(structure)(leaves_plus(part, number) for part in structure)
    return structure + number


def one_tensor_a_leaf(structure: Any, size: int) -> Any:
    """Return what `typed` makes of the batch of a structure with 0, 1, ... added to its leaves."""
    if isinstance(structure, dict):
        return {key: one_tensor_a_leaf(part, size) for key, part in structure.items()}
    if isinstance(structure, list | tuple):
        return [one_tensor_a_leaf(part, size) for part in structure]
    return "torch.int64", [structure + number for number in range(size)]


def answer_to(subject: Subject, samples: list[Any]) -> Any:
    """Return the batches of two that a loader makes of samples, or "refused"."""
    try:
        with subject.open(Samples(samples), batch_size=2) as loader:
            return epoch(loader)
    except (KeyError, RuntimeError, TypeError, ValueError):
        return "refused"


@requirement(claims=["D1-027", "D2-027"], evidence=[TORCH_DATA, f"{ISSUES}/50272"])
@given(structure=structures, size=st.integers(1, 5), batch_size=batch_sizes)
def containers_are_kept_around_one_tensor_a_leaf(
    subject: Subject, structure: Any, size: int, batch_size: int
) -> None:
    """Without a collate_fn a loader MUST keep dicts, lists and tuples, with one tensor a leaf.

    A sample is a record and the training step takes it apart by key and place; so each field of
    the batch has to be where it was in the sample, however deep.
    """
    samples = [leaves_plus(structure, number) for number in range(size)]
    with subject.open(Samples(samples), batch_size=batch_size) as loader:
        delivered = [typed(batch) for batch in loader]
    assert delivered == [
        one_tensor_a_leaf(group[0], len(group)) for group in cut(samples, batch_size)
    ]


@containers_are_kept_around_one_tensor_a_leaf.mutant
def makes_one_tensor_of_a_list(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    for batch in batches:
        is_flat = isinstance(batch, list) and all(isinstance(part, torch.Tensor) for part in batch)
        yield torch.stack(batch, 1) if is_flat else batch


@containers_are_kept_around_one_tensor_a_leaf.mutant_loader
def collates_the_outermost_only(request: LoaderRequest, honest: Honest) -> Any:
    def collate(samples: list[Any]) -> Any:
        if isinstance(samples[0], dict):
            return {key: [sample[key] for sample in samples] for key in samples[0]}
        return samples if isinstance(samples[0], list | tuple) else torch.tensor(samples)

    return honest(request.but(collate_fn=collate))


@containers_are_kept_around_one_tensor_a_leaf.mutant
def sorts_the_fields_of_a_list(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    for batch in batches:
        yield sorted(batch, key=repr) if isinstance(batch, list) else batch


@requirement(claims=["D1-027", "D2-027"])
def pairs_come_as_a_batch_of_each(subject: Subject) -> None:
    """Without a collate_fn a loader MUST make (data, label) pairs a data batch and a label batch.

    `x, y = batch` is how each training step begins: floats for the model, whole numbers for the
    loss, each label at the place of its data.
    """
    data, labels = torch.arange(6).reshape(3, 2).float(), torch.tensor([7, 8, 9])
    with subject.open(TensorDataset(data, labels), batch_size=2) as loader:
        batches = list(loader)
    delivered = [typed(batch) for batch in batches]
    assert delivered == [
        [("torch.float32", [[0.0, 1.0], [2.0, 3.0]]), ("torch.int64", [7, 8])],
        [("torch.float32", [[4.0, 5.0]]), ("torch.int64", [9])],
    ]
    subject.observe(f"delivers a pair as a {type(batches[0]).__name__}")


@pairs_come_as_a_batch_of_each.mutant
def delivers_the_pairs(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    for data, labels in batches:
        yield list(zip(data, labels, strict=True))


@pairs_come_as_a_batch_of_each.mutant
def makes_labels_floats(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    for data, labels in batches:
        yield [data, labels.to(data.dtype)]


@requirement(claims=["D2-027"], evidence=[TORCH_DATA])
def named_tuples_keep_their_names(subject: Subject) -> None:
    """Without a collate_fn a loader MUST keep named tuples, with one tensor a field.

    A step that reads `batch.x` fails on a list, and one that unpacks by place never notices that
    the fields have changed places.
    """
    with subject.open(Samples([Point(1, 0.5), Point(2, 1.5)]), batch_size=2) as loader:
        delivered = [typed(batch) for batch in loader]
    assert delivered == [Point(x=("torch.int64", [1, 2]), y=("torch.float64", [0.5, 1.5]))]


@named_tuples_keep_their_names.mutant
def forgets_the_names(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    return (tuple(batch) for batch in batches)


@named_tuples_keep_their_names.mutant
def makes_a_dict_of_it(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    return (batch._asdict() for batch in batches)


@requirement(evidence=[f"{ISSUES}/23141", f"{ISSUES}/42654"])
def lists_of_different_lengths_are_refused(subject: Subject) -> None:
    """Without a collate_fn a loader MUST raise an error for a batch of lists of different lengths.

    The shortest one would cut all the others: labels of an image go missing, and nobody is told.
    """
    even, uneven = answer_to(subject, [[1, 2], [3, 4]]), answer_to(subject, [[1], [3, 4]])
    inside = answer_to(subject, [{"a": [1, 2]}, {"a": [3]}])
    assert (even, uneven, inside) == ([[[1, 3], [2, 4]]], "refused", "refused")


@lists_of_different_lengths_are_refused.mutant_loader
def cuts_to_the_shortest(request: LoaderRequest, honest: Honest) -> Any:
    shortest = min(len(sample) for sample in request.dataset.samples)
    cut = [s[:shortest] if isinstance(s, list) else s for s in request.dataset.samples]
    return honest(request.but(dataset=Samples(cut)))


@lists_of_different_lengths_are_refused.mutant_loader
def goes_by_the_first_inside_dicts(request: LoaderRequest, honest: Honest) -> Any:
    first = request.dataset[0]
    if not isinstance(first, dict):
        return honest(request)
    cut = [{"a": (s["a"] * 2)[: len(first["a"])]} for s in request.dataset.samples]
    return honest(request.but(dataset=Samples(cut)))


@requirement(evidence=[TORCH_DATA])
def keys_of_later_samples_are_not_dropped(subject: Subject) -> None:
    """Without a collate_fn a loader SHOULD NOT drop keys that some samples of a batch lack.

    An annotation that only some samples have would be there or not as the shuffle falls, decided
    by which of them comes first.
    """
    whole, part = {"a": 1, "b": 2}, {"a": 3}
    same = answer_to(subject, [whole, whole])
    answers = [answer_to(subject, samples) for samples in ([whole, part], [part, whole])]
    assert same == [{"a": [1, 1], "b": [2, 2]}]
    assert [{"a": [1, 3]}] not in answers
    assert [{"a": [3, 1]}] not in answers


@keys_of_later_samples_are_not_dropped.mutant_loader
def takes_the_keys_of_the_first(request: LoaderRequest, honest: Honest) -> Any:
    first = request.dataset[0]
    same = [{key: s[key] for key in first if key in s} for s in request.dataset.samples]
    return honest(request.but(dataset=Samples(same)))


@keys_of_later_samples_are_not_dropped.mutant_loader
def takes_the_keys_of_all(request: LoaderRequest, honest: Honest) -> Any:
    samples = request.dataset.samples
    keys = [key for key in samples[0] if all(key in sample for sample in samples)]
    return honest(request.but(dataset=Samples([{key: s[key] for key in keys} for s in samples])))


@requirement(evidence=[TORCH_DATA])
def counters_are_batched_like_dicts(subject: Subject) -> None:
    """Without a collate_fn a loader MUST deliver the counts of Counters as they are.

    A mapping is documented to keep its keys and have its values batched; a Counter adds when it is
    updated, so a loader that fills a copy of the first sample delivers other numbers.
    """
    with subject.open(Samples([Counter("aab"), Counter("abbb")]), batch_size=2) as loader:
        delivered = epoch(loader)
    assert delivered == [{"a": [2, 1], "b": [1, 3]}]


@counters_are_batched_like_dicts.mutant
def adds_the_first_sample(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    for batch in batches:
        yield {key: counts + request.dataset[0][key] for key, counts in batch.items()}


@counters_are_batched_like_dicts.mutant
def sums_the_counts(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    for batch in batches:
        yield {key: counts.sum() for key, counts in batch.items()}


@requirement(evidence=[TORCH_DATA])
def samples_are_the_same_after_an_epoch(subject: Subject) -> None:
    """Without a collate_fn a loader MUST NOT change the samples that the dataset holds.

    Small datasets keep their samples in memory; a batch built inside its first sample spoils the
    next epoch.
    """
    samples = [{"a": [1, 2]}, {"a": [3, 4]}]
    with subject.open(Samples(samples), batch_size=2) as loader:
        epochs = [epoch(loader), epoch(loader)]
    batch = {"a": [[1, 3], [2, 4]]}
    assert (epochs, samples) == ([[batch], [batch]], [{"a": [1, 2]}, {"a": [3, 4]}])


@samples_are_the_same_after_an_epoch.mutant
def fills_the_first_sample(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    for batch in batches:
        request.dataset.samples[0].update(batch)
        yield batch


@samples_are_the_same_after_an_epoch.mutant
def empties_what_it_has_used(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    yield from batches
    request.dataset.samples[-1].clear()
