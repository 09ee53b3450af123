"""No shortcut passes by what is the user's own.

A loader may know torch's datasets and samplers, and take a shorter way to what they bring. What a
user has made of them, or sees of them, has to be as on the long way.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from hypothesis import strategies as st
from torch.utils.data import (
    Dataset,
    RandomSampler,
    Subset,
    TensorDataset,
    WeightedRandomSampler,
)

from conformance import (
    Honest,
    Identity,
    Iterated,
    LoaderRequest,
    Subject,
    cut,
    epoch,
    flat,
    given,
    plain,
    requirement,
    seeded,
)

OVERRIDDEN = "https://github.com/pytorch/pytorch/issues/163184"
RESEEDED = "https://github.com/pytorch/pytorch/pull/63646"
CHANGED_DRAWS = "https://github.com/pytorch/pytorch/issues/63026"
DOCS = "https://docs.pytorch.org/docs/stable/data.html"

batch_sizes = st.integers(1, 8)
seeds = st.integers(0, 2**32 - 1)


class Doubled(TensorDataset):
    """A table whose samples are not its rows."""

    def __getitem__(self, index: int) -> Any:
        return tuple(tensor[index] * 2 for tensor in self.tensors)


def doubled() -> TensorDataset:
    return Doubled(torch.arange(7), torch.arange(70, 77))


@requirement(evidence=[OVERRIDDEN])
@given(batch_size=batch_sizes, shuffle=st.booleans())
def a_dataset_is_asked_by_its_own_method(subject: Subject, batch_size: int, shuffle: bool) -> None:
    """Of a class derived from a torch dataset a loader MUST deliver what its __getitem__ returns.

    There the samples are transformed and augmented; a loader that reads the tensors itself trains
    on raw data, and nothing tells.
    """
    datasets = [doubled(), Subset(doubled(), range(7))]
    came = []
    for dataset in datasets:
        with subject.open(
            dataset, batch_size=batch_size, shuffle=shuffle, generator=seeded(3)
        ) as loader:
            came.append(sorted(flat(batch[1] for batch in epoch(loader))))
    assert came == [list(range(140, 154, 2))] * 2


def table_of(dataset: Any) -> Any:
    """Return the bare table under a dataset; part of mutants."""
    if isinstance(dataset, Subset):
        return Subset(table_of(dataset.dataset), dataset.indices)
    return TensorDataset(*dataset.tensors)


@a_dataset_is_asked_by_its_own_method.mutant_loader
def reads_the_tensors_of_a_derived_table(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(dataset=table_of(request.dataset)))


@a_dataset_is_asked_by_its_own_method.mutant_loader
def looks_at_the_outer_class_only(request: LoaderRequest, honest: Honest) -> Any:
    known = type(request.dataset) is Subset
    return honest(request.but(dataset=table_of(request.dataset)) if known else request)


class Backwards(RandomSampler):
    """A random sampler that brings the last index first, with nothing random."""

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self))[::-1])


class Rare(WeightedRandomSampler):
    """A weighted sampler that brings one index only."""

    def __iter__(self) -> Iterator[int]:
        return iter([2] * len(self))


@requirement(evidence=[DOCS, OVERRIDDEN])
@given(batch_size=batch_sizes)
def a_sampler_is_iterated_by_its_own_method(subject: Subject, batch_size: int) -> None:
    """Of a class derived from a torch sampler a loader MUST follow what its __iter__ yields.

    Curricula, resumed epochs and shares of a rank are written so; a loader that takes the class for
    its base shuffles instead.
    """
    samplers: list[Any] = [Backwards(Identity(9)), Rare([1.0] * 9, 9)]
    came = []
    for sampler in samplers:
        with subject.open(Identity(9), batch_size=batch_size, sampler=sampler) as loader:
            came.append(epoch(loader))
    assert came == [cut(list(range(9))[::-1], batch_size), cut([2] * 9, batch_size)]


@a_sampler_is_iterated_by_its_own_method.mutant_loader
def takes_any_random_sampler_for_torchs(request: LoaderRequest, honest: Honest) -> Any:
    if not isinstance(request.sampler, RandomSampler):
        return honest(request)
    return honest(request.but(sampler=RandomSampler(request.sampler.data_source)))


@a_sampler_is_iterated_by_its_own_method.mutant_loader
def takes_any_weighted_sampler_for_torchs(request: LoaderRequest, honest: Honest) -> Any:
    if not isinstance(request.sampler, WeightedRandomSampler):
        return honest(request)
    weights = request.sampler.weights.tolist()
    return honest(request.but(sampler=WeightedRandomSampler(weights, len(request.sampler))))


def samplers_of(generator: torch.Generator, number: int) -> list[Any]:
    """Return torch's random samplers of `number` samples, which draw from the generator."""
    return [
        RandomSampler(Identity(9), generator=generator, num_samples=number),
        RandomSampler(Identity(9), True, number, generator),
        WeightedRandomSampler([1.0, 2.0, 0.0] * 3, number, True, generator),
        WeightedRandomSampler([1.0] * 40, number, False, generator),
    ]


def following(generator: torch.Generator) -> int:
    """Return what the generator brings next."""
    return int(torch.randint(2**60, (), generator=generator))


@requirement(evidence=[RESEEDED, CHANGED_DRAWS])
@given(number=st.sampled_from([9, 18]) | st.integers(1, 40), batch_size=batch_sizes, seed=seeds)
def a_samplers_generator_is_left_as_by_the_sampler(
    subject: Subject, number: int, batch_size: int, seed: int
) -> None:
    """After an epoch the generator of a torch sampler MUST be where iterating that sampler ends.

    One generator often serves several samplers, and the next epoch. Where a loader draws more, less
    or from a copy, two runs of one seed part, or every epoch is the same.
    """
    came, expected = [], []
    for kind in range(4):
        mine, alone = seeded(seed), seeded(seed)
        sampler = samplers_of(mine, number)[kind]
        with subject.open(Identity(40), batch_size=batch_size, sampler=sampler) as loader:
            came.append((flat(epoch(loader)), following(mine)))
        expected.append((list(samplers_of(alone, number)[kind]), following(alone)))
    assert came == expected


@a_samplers_generator_is_left_as_by_the_sampler.mutant_loader
def draws_from_a_copy(request: LoaderRequest, honest: Honest) -> Any:
    sampler: Any = request.sampler

    def begin() -> Iterator[int]:
        before = sampler.generator.get_state()
        yield from list(sampler)
        sampler.generator.set_state(before)

    return honest(request.but(sampler=Iterated(begin)))


@a_samplers_generator_is_left_as_by_the_sampler.mutant_loader
def draws_only_what_is_delivered(request: LoaderRequest, honest: Honest) -> Any:
    sampler: Any = request.sampler
    return honest(request.but(sampler=Iterated(lambda: leaving_at_the_end(sampler))))


def leaving_at_the_end(sampler: Any) -> Iterator[int]:
    """Yield the indices of a sampler without asking it whether there are more; part of a mutant."""
    indices = iter(sampler)
    for _ in range(len(sampler)):
        yield next(indices)


class Echo(Dataset[str]):
    """Nine samples, each being the type of the key it was asked for with."""

    def __getitem__(self, key: Any) -> str:
        if type(key) is int and key > 99:  # whoever walks over it is to come to an end
            raise IndexError(key)
        return type(key).__name__

    def __len__(self) -> int:
        return 9


@requirement(evidence=[DOCS])
def random_keys_are_plain_integers(subject: Subject) -> None:
    """The keys that torch's random samplers bring MUST reach the dataset as of the type int itself.

    They are drawn as tensors, and a tensor finds nothing in a dict.
    """
    came = []
    for sampler in samplers_of(seeded(1), 9):
        with subject.open(Echo(), batch_size=4, sampler=sampler) as loader:
            came.append(flat(epoch(loader)))
    assert came == [["int"] * 9] * 4


@random_keys_are_plain_integers.mutant_loader
def hands_on_the_tensors(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(sampler=torch.tensor(list(request.sampler or []))))


@requirement(evidence=[DOCS])
@given(batch_size=st.integers(1, 4))
def a_collate_fn_gets_the_samples_of_a_table(subject: Subject, batch_size: int) -> None:
    """Also of a TensorDataset a collate_fn MUST get the list of samples, each a tuple of rows.

    Whatever way is shorter to the default batch, a collate_fn that unzips or pads gets no other.
    """
    table = TensorDataset(torch.arange(5), torch.arange(50, 55))
    with subject.open(table, batch_size=batch_size, collate_fn=as_it_came) as loader:
        came = epoch(loader)
    kinds = [("list", ["tuple"] * len(batch)) for batch in cut(list(range(5)), batch_size)]
    samples = flat(batch for _, _, batch in came)
    assert [(kind, each) for kind, each, _ in came] == kinds
    assert samples == [[index, index + 50] for index in range(5)]


def as_it_came(samples: Any) -> Any:
    """Be a collate_fn that tells the types of what it gets, and the values."""
    rows = [[int(value) for value in sample] for sample in samples]
    return type(samples).__name__, [type(sample).__name__ for sample in samples], rows


@a_collate_fn_gets_the_samples_of_a_table.mutant_loader
def hands_over_the_columns(request: LoaderRequest, honest: Honest) -> Any:
    def collate(samples: Any) -> Any:
        return as_it_came([torch.stack(column) for column in zip(*samples, strict=True)])

    return honest(request.but(collate_fn=collate))


@requirement(evidence=[DOCS])
@given(batch_size=st.integers(1, 4), shuffle=st.booleans())
def a_batch_of_a_table_belongs_to_the_caller(
    subject: Subject, batch_size: int, shuffle: bool
) -> None:
    """To alter a batch of a TensorDataset MUST NOT alter its tensors, nor may they alter the batch.

    Rows that lie side by side could be handed out as a view, and be normalised a second time in the
    next epoch.
    """
    numbers = torch.arange(6)
    came = []
    with subject.open(TensorDataset(numbers), batch_size=batch_size, shuffle=shuffle) as loader:
        for (batch,) in loader:
            came += plain(batch)
            batch += 100
        whole = [batch for (batch,) in loader]
    numbers += 1000
    kept = flat(plain(batch) for batch in whole)
    assert (sorted(came), sorted(kept)) == (list(range(6)), list(range(6)))
    assert numbers.tolist() == list(range(1000, 1006))


@a_batch_of_a_table_belongs_to_the_caller.mutant
def hands_out_slices(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    (tensor,) = request.dataset.tensors
    for part in tensor.split(request.batch_size):
        yield [part]
