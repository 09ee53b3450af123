"""What a dataset may be, what its samples may be, and the keys it is asked for them with."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset, TensorDataset

from conformance import Honest, LoaderRequest, Samples, Subject, epoch, flat, requirement

DOCS = "https://docs.pytorch.org/docs/stable/data.html"


class Bare:
    """A map with the two methods that a dataset needs, and nothing else."""

    def __getitem__(self, index: int) -> int:
        return (10, 11, 12)[index]

    def __len__(self) -> int:
        return 3


class WithoutLength:
    """A map that lacks a method."""

    def __getitem__(self, index: int) -> int:
        return (10, 11, 12)[index]


class WithoutGetitem:
    """A collection that lacks a method to be a map."""

    def __len__(self) -> int:
        return 3


@requirement(claims=["D1-003", "D1-004", "D1-008"], evidence=[DOCS])
def a_dataset_needs_no_base_class(subject: Subject) -> None:
    """As a dataset a loader MUST take any object with __len__ and __getitem__, whatever its class.

    Lists, arrays and tables of other libraries hold data without knowing of torch.
    """
    datasets = [Bare(), [10, 11, 12], range(10, 13), {0: 10, 1: 11, 2: 12}, np.arange(10, 13)]
    delivered = []
    for dataset in datasets:
        with subject.open(dataset, batch_size=2) as loader:
            delivered.append(flat(epoch(loader)))
    assert delivered == [[10, 11, 12]] * 5


@a_dataset_needs_no_base_class.mutant_loader
def walks_over_the_dataset_instead(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(dataset=list(request.dataset)))


@a_dataset_needs_no_base_class.mutant_loader
def takes_torch_datasets_only(request: LoaderRequest, honest: Honest) -> Any:
    if not isinstance(request.dataset, Dataset):
        raise TypeError("dataset must be a torch.utils.data.Dataset")
    return honest(request)


def delivered_or_refused(subject: Subject, dataset: Any) -> Any:
    try:
        with subject.open(dataset, batch_size=2) as loader:
            return flat(epoch(loader))
    except (TypeError, AttributeError):
        return "refused"


@requirement(claims=["D1-004", "D1-008"])
def a_dataset_that_lacks_a_method_is_not_taken_for_empty(subject: Subject) -> None:
    """Of a dataset without __getitem__ or __len__ a loader MUST NOT deliver a shortened epoch.

    A misspelt method would train on nothing. A TypeError or AttributeError, when built or when
    iterated, refuses it; a loader that does without the length does no harm.
    """
    whole = delivered_or_refused(subject, Bare())
    without_getitem = delivered_or_refused(subject, WithoutGetitem())
    without_length = delivered_or_refused(subject, WithoutLength())
    if without_length == whole:
        subject.observe("does without __len__")
        without_length = "refused"
    assert (whole, without_getitem, without_length) == ([10, 11, 12], "refused", "refused")


@a_dataset_that_lacks_a_method_is_not_taken_for_empty.mutant_loader
def takes_a_missing_getitem_for_empty(request: LoaderRequest, honest: Honest) -> Any:
    readable = hasattr(request.dataset, "__getitem__")
    return honest(request if readable else request.but(dataset=()))


@a_dataset_that_lacks_a_method_is_not_taken_for_empty.mutant_loader
def takes_a_missing_length_for_zero(request: LoaderRequest, honest: Honest) -> Any:
    sized = hasattr(request.dataset, "__len__")
    return honest(request if sized else request.but(dataset=()))


@requirement(claims=["D1-005", "D2-007"])
def data_and_labels_stay_together(subject: Subject) -> None:
    """Of a TensorDataset a loader MUST deliver data and labels of the same samples, by field.

    A label beside other data teaches nonsense, and no error tells.
    """
    data, labels = torch.arange(10).reshape(5, 2), torch.arange(100, 105)
    with subject.open(TensorDataset(data, labels), batch_size=3) as loader:
        fields = flat(epoch(loader))
    assert fields == [
        *([[0, 1], [2, 3], [4, 5]], [100, 101, 102]),
        *([[6, 7], [8, 9]], [103, 104]),
    ]


@data_and_labels_stay_together.mutant
def delivers_samples_for_fields(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    for data, labels in batches:
        yield list(zip(data, labels, strict=True))


@data_and_labels_stay_together.mutant
def reverses_the_data_alone(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    for data, labels in batches:
        yield [data.flip(0), labels]


@requirement(claims=["D1-005"], evidence=[DOCS])
def any_object_may_be_a_sample(subject: Subject) -> None:
    """Whatever object a dataset returns MUST reach collate_fn as it is.

    A sample may be a graph, a sentence or nothing at all; only collate_fn needs to understand it.
    """
    samples = [object(), None, "text", {"k": [1]}, {1, 2}, 3 + 4j, (5, "label"), StopIteration]
    with subject.open(Samples(samples), batch_size=3, collate_fn=list) as loader:
        delivered = flat(epoch(loader))
    assert delivered == samples


@any_object_may_be_a_sample.mutant_loader
def skips_samples_that_are_none(request: LoaderRequest, honest: Honest) -> Any:
    kept = [i for i, sample in enumerate(request.dataset.samples) if sample is not None]
    return honest(request.but(sampler=kept))


@any_object_may_be_a_sample.mutant
def makes_lists_of_tuples(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    for batch in batches:
        yield [list(sample) if isinstance(sample, tuple) else sample for sample in batch]


class Echo(Dataset[str]):
    """Five samples, each being the very key it was asked for with, and its type."""

    lazy = True

    def __getitem__(self, key: Any) -> str:
        if type(key) is int and key > 99:  # whoever walks over it is to come to an end
            raise IndexError(key)
        return f"{type(key).__name__} {key!r}"

    def __len__(self) -> int:
        return 5


@requirement(claims=["D1-005"], evidence=[DOCS])
def a_dataset_is_asked_with_plain_integers(subject: Subject) -> None:
    """By default the keys that a dataset is asked with MUST be of the type int itself.

    A tensor finds nothing in a dict, a numpy integer writes no JSON and overflows.
    """
    with subject.open(Echo(), batch_size=2) as loader:
        keys = flat(epoch(loader))
    assert keys == ["int 0", "int 1", "int 2", "int 3", "int 4"]


@a_dataset_is_asked_with_plain_integers.mutant_loader
def asks_with_numpy_integers(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(sampler=np.arange(len(request.dataset))))


@a_dataset_is_asked_with_plain_integers.mutant_loader
def asks_with_tensors(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(sampler=torch.arange(len(request.dataset))))


@requirement(claims=["D1-005"], evidence=[DOCS])
def a_dataset_is_asked_with_what_the_sampler_yields(subject: Subject) -> None:
    """Keys from a sampler MUST reach the dataset unchanged, whatever their type.

    They may be names, pairs of index and size, or count from the end; only the dataset knows.
    """
    with subject.open(Echo(), batch_size=2, sampler=[3, -1, "a", (0, 1), 2.0, True]) as loader:
        keys = flat(epoch(loader))
    assert keys == ["int 3", "int -1", "str 'a'", "tuple (0, 1)", "float 2.0", "bool True"]


@a_dataset_is_asked_with_what_the_sampler_yields.mutant_loader
def makes_integers_of_numbers(request: LoaderRequest, honest: Honest) -> Any:
    keys = [int(key) if isinstance(key, float | int) else key for key in request.sampler or ()]
    return honest(request.but(sampler=keys))


@a_dataset_is_asked_with_what_the_sampler_yields.mutant_loader
def counts_from_the_end_itself(request: LoaderRequest, honest: Honest) -> Any:
    keys = [4 if key == -1 else key for key in request.sampler or ()]
    return honest(request.but(sampler=keys))
