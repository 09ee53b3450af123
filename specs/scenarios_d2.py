"""The examples of the second document (D2) from end to end, mended where they do not run.

Each check is the example as a user writes it, with its data made checkable; the sentence says what
that user must see. Here everything is loaded in the main process; with workers, as some of them
are written, they are in scenarios_workers.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch.utils.data import RandomSampler, TensorDataset, random_split

from conformance import Honest, Identity, LoaderRequest, Samples, Subject, epoch, flat, requirement


def collate_batch(batch: list[tuple[list[int], int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Collate as D2 does: texts padded to the longest of them, and their labels."""
    texts, labels = zip(*batch, strict=True)
    max_len = max(len(t) for t in texts)
    padded = [t + [0] * (max_len - len(t)) for t in texts]
    return torch.tensor(padded), torch.tensor(labels)


def frozen(value: Any) -> Any:
    """Return nested lists as tuples."""
    return tuple(map(frozen, value)) if isinstance(value, list) else value


def pairs(batch: Any) -> list[Any]:
    """Return the (data, label) pairs of a batch; none if it is no batch of two fields."""
    match batch:
        case [list() as data, list() as labels] if len(data) == len(labels):
            return list(zip(frozen(data), frozen(labels), strict=True))
    return []


def in_order(batches: list[Any]) -> list[Any]:
    """Return the samples of all batches that are lists."""
    return flat(batch for batch in batches if isinstance(batch, list))


@requirement(claims=["D2-030"])
def the_complete_example_shows_each_row_once_an_epoch(subject: Subject) -> None:
    """In D2's complete example a loader MUST deliver batches of 4, 4 and 2 rows with their labels.

    Each of the ten rows comes once an epoch, beside its own label, and in the second epoch in
    another order, which by chance is the same in 1 of 10! = 3.6e6 runs.
    """
    data = torch.arange(20).reshape(10, 2).float()
    labels = torch.arange(10)
    dataset = TensorDataset(data, labels)
    with subject.open(dataset, batch_size=4, shuffle=True, drop_last=False) as loader:
        epochs = [epoch(loader) for _ in range(2)]
    seen = [[pairs(batch) for batch in batches] for batches in epochs]
    rows = [((2.0 * n, 2.0 * n + 1), n) for n in range(10)]
    assert [[len(batch) for batch in batches] for batches in seen] == [[4, 4, 2], [4, 4, 2]]
    assert [sorted(flat(batches), key=repr) for batches in seen] == [sorted(rows, key=repr)] * 2
    assert flat(seen[0]) != flat(seen[1])


@the_complete_example_shows_each_row_once_an_epoch.mutant_loader
def shuffles_once(request: LoaderRequest, honest: Honest) -> Any:
    order = torch.randperm(len(request.dataset)).tolist()
    return honest(request.but(shuffle=None, sampler=order))


@the_complete_example_shows_each_row_once_an_epoch.mutant
def leaves_labels_where_they_were(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    start = 0
    for data, labels in batches:
        yield [data, torch.arange(start, start + len(labels))]
        start += len(labels)


@the_complete_example_shows_each_row_once_an_epoch.mutant_loader
def drops_the_short_batch(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(drop_last=True))


@requirement(claims=["D2-031", "D2-058"])
def the_train_loader_takes_full_batches_of_its_split(subject: Subject) -> None:
    """With D2's usual train settings a loader MUST deliver full batches, reordered each epoch.

    Of 130 samples two are left out, other ones each time, and none may come twice or from the
    validation split: that would be learning what is to be tested.
    """
    split = torch.Generator().manual_seed(subject.seed)
    train_dataset, _ = random_split(Identity(200), [130, 70], generator=split)
    with subject.open(train_dataset, batch_size=64, shuffle=True, drop_last=True) as train_loader:
        epochs = [epoch(train_loader) for _ in range(2)]
    lengths = [[len(batch) for batch in batches if isinstance(batch, list)] for batches in epochs]
    assert lengths == [[64, 64], [64, 64]]
    first, second = in_order(epochs[0]), in_order(epochs[1])
    strays = [sample for sample in first + second if sample not in train_dataset.indices]
    distinct = [len(set(map(repr, samples))) for samples in (first, second)]
    assert (strays, distinct) == ([], [128, 128])
    assert first != second


@the_train_loader_takes_full_batches_of_its_split.mutant_loader
def takes_the_split_for_the_whole(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(dataset=request.dataset.dataset, shuffle=None, sampler=range(130)))


@the_train_loader_takes_full_batches_of_its_split.mutant_loader
def keeps_the_short_one(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(drop_last=False))


@the_train_loader_takes_full_batches_of_its_split.mutant_loader
def draws_with_replacement(request: LoaderRequest, honest: Honest) -> Any:
    order = RandomSampler(request.dataset, replacement=True)
    return honest(request.but(shuffle=None, sampler=order))


@requirement(claims=["D2-032", "D2-058"])
def the_validation_loader_takes_all_of_its_split_in_order(subject: Subject) -> None:
    """With D2's usual validation settings a loader MUST deliver every sample, each time in order.

    A score is to be over the whole split, the short last batch included, and comparable from one
    epoch to the next.
    """
    split = torch.Generator().manual_seed(subject.seed)
    _, valid_dataset = random_split(Identity(200), [130, 70], generator=split)
    with subject.open(valid_dataset, batch_size=64, shuffle=False, drop_last=False) as valid_loader:
        epochs = [epoch(valid_loader) for _ in range(2)]
    indices = list(valid_dataset.indices)
    assert epochs == [[indices[:64], indices[64:]]] * 2


@the_validation_loader_takes_all_of_its_split_in_order.mutant_loader
def drops_the_last_six(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(drop_last=True))


@the_validation_loader_takes_all_of_its_split_in_order.mutant_loader
def sorts_the_indices_of_a_split(request: LoaderRequest, honest: Honest) -> Any:
    indices = request.dataset.indices
    order = sorted(range(len(indices)), key=lambda place: indices[place])
    return honest(request.but(shuffle=None, sampler=order))


@requirement(claims=["D2-042", "D2-043", "D2-044", "D2-045"])
def the_text_example_pads_each_batch_to_its_longest(subject: Subject) -> None:
    """In D2's padding example a loader MUST deliver texts padded with 0 beside their labels.

    On texts of differing length, which the example speaks of and its own data is not: four of them
    in the first batch, one in the second, each batch as wide as its longest.
    """
    texts = [[1, 2, 3], [4], [5, 6], [7, 8, 9], [10, 11, 12, 13, 14]]
    dataset = Samples([(text, label) for label, text in enumerate(texts)])
    with subject.open(dataset, batch_size=4, collate_fn=collate_batch) as loader:
        delivered = epoch(loader)
    assert delivered == [
        ([[1, 2, 3], [4, 0, 0], [5, 6, 0], [7, 8, 9]], [0, 1, 2, 3]),
        ([[10, 11, 12, 13, 14]], [4]),
    ]


@the_text_example_pads_each_batch_to_its_longest.mutant
def pads_before_the_text(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    for padded, labels in batches:
        order = (padded != 0).long().argsort(dim=1, stable=True)
        yield padded.gather(1, order), labels


@the_text_example_pads_each_batch_to_its_longest.mutant_loader
def pads_to_the_longest_text(request: LoaderRequest, honest: Honest) -> Any:
    longest = max(len(text) for text, _ in request.dataset.samples)
    padded = [(t + [0] * (longest - len(t)), label) for t, label in request.dataset.samples]
    return honest(request.but(dataset=Samples(padded)))


@requirement(claims=["D2-059", "D2-060", "D2-061"])
def the_seeded_example_repeats_when_run_again(subject: Subject) -> None:
    """In D2's generator example a loader MUST deliver the same epochs again whenever it is run.

    The same sequence of epochs, that is, from a new loader with a new generator of seed 42; the
    epochs of one run differ. That 100 samples fall into one order twice has no chance.
    """
    dataset, runs = Identity(100), []
    for _ in range(2):
        g = torch.Generator().manual_seed(42)
        with subject.open(dataset, batch_size=32, shuffle=True, generator=g) as loader:
            runs.append([epoch(loader) for _ in range(3)])
    orders = {repr(batches) for batches in runs[0]}
    lengths = [[len(batch) for batch in batches if isinstance(batch, list)] for batches in runs[0]]
    assert lengths == [[32, 32, 32, 4]] * 3
    assert runs[0] == runs[1]
    assert len(orders) == 3


@the_seeded_example_repeats_when_run_again.mutant_loader
def does_not_use_the_generator(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(generator=None))


@the_seeded_example_repeats_when_run_again.mutant_loader
def starts_from_the_seed_each_epoch(request: LoaderRequest, honest: Honest) -> Any:
    order = torch.randperm(len(request.dataset), generator=request.generator).tolist()
    return honest(request.but(shuffle=None, sampler=order, generator=None))


@the_seeded_example_repeats_when_run_again.mutant_loader
def seeds_the_first_epoch_only(request: LoaderRequest, honest: Honest) -> Any:
    class FirstOnly:
        generator = request.generator

        def __iter__(self) -> Iterator[int]:
            generator, self.generator = self.generator, None
            return iter(torch.randperm(len(request.dataset), generator=generator).tolist())

    return honest(request.but(shuffle=None, sampler=FirstOnly(), generator=None))
